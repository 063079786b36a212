/* The script of the page. The page works without the script. With the script, an answer changes
   only its row, the list follows the account, and keys answer. */

const HEADERS = { "X-Requested-With": "mailroom" };
const PROGRESS_EVERY = 2000; // ms between two requests for the progress of the suggestions
const LOST_AFTER = 10000; // ms until a lost connection is reported
const IGNORE_TAPS = 350; // ms after rows moved: a tap then was meant for another row
const NO_REPLY = '<div class="outcome bad"><p>Mailroom did not reply. Try again.</p></div>';

// Only responses of this server become markup, and only the service worker's own file is run.
const policy = window.trustedTypes?.createPolicy("mailroom", {
  createHTML: (text) => text,
  createScriptURL: (url) => {
    if (url !== "/sw.js") throw new TypeError(`not a script of this page: ${url}`);
    return url;
  },
});

const list = document.getElementById("list");
const status = document.getElementById("status");
const rowsIn = (root) => [...root.querySelectorAll("li.row[data-row]")];
const hiddenAnswers = new WeakMap(); // row -> the answers that an outcome has replaced
let lastDone = null;
let movedAt = -Infinity;
let lostTimer = 0; // shared by all streams: a new stream stops the timer of an ended stream
let latestRequest = 0; // the number of the latest request for the list
let announced = ""; // the announcement of the new senders behind the button; it is not repeated

function parse(text) {
  const template = document.createElement("template");
  template.innerHTML = policy ? policy.createHTML(text) : text;
  return template.content;
}

function announce(text) {
  status.textContent = "";
  // Screen readers skip a text that stays the same, so the text is set again in a later task.
  setTimeout(() => { status.textContent = text; }, 50);
}

function leaveForSignIn() {
  const here = location.pathname + location.search;
  location.assign(`/sign-in?return_to=${encodeURIComponent(here)}`);
}

async function load(url, options) {
  const response = await fetch(url, { ...options, headers: HEADERS, redirect: "manual" });
  if (response.status === 401 || response.type === "opaqueredirect") {
    leaveForSignIn();
    throw new Error("not signed in");
  }
  return parse(await response.text());
}

/* Answers, undo and "let in": the row changes, and the page stays */

document.addEventListener("submit", (event) => {
  const form = event.target;
  const button = event.submitter;
  const action = button?.getAttribute("formaction") || form.getAttribute("action");
  if (!list || !["/decide", "/undo", "/let-in", "/send-back"].includes(action)) return;
  const row = form.closest("li.row");
  if (!row && form.id !== "bulk") return;
  event.preventDefault();
  if (performance.now() - movedAt < IGNORE_TAPS) return;
  send(action, new URLSearchParams(new FormData(form, button)), row);
});

async function send(action, body, row) {
  if (action === "/let-in" || action === "/send-back") body.set("row", row.dataset.row);
  const ids = body.getAll("row").map((value) => value.split(" ")[0]);
  const sent = row ? [row] : rowsIn(document).filter((ticked) => ids.includes(ticked.dataset.row));
  for (const sentRow of sent) setBusy(sentRow, true);
  let content;
  try {
    content = await load(action, { method: "POST", body });
  } catch (error) {
    content = parse(NO_REPLY);
  }
  for (const sentRow of sent) setBusy(sentRow, false);
  const outcomes = content.querySelectorAll("li[data-row]");
  for (const outcome of outcomes) {
    const answered = sent.find((candidate) => candidate.dataset.row === outcome.dataset.row) || row;
    if (answered) show(answered, outcome);
  }
  const first = sent[0];
  if (first && !outcomes.length) showFailure(first, content);
  // Rows that were not answered stay ticked for another try.
  for (const box of document.querySelectorAll(".row.done .tick input:checked")) box.checked = false;
  countTicked();
  if (first?.classList.contains("done")) focusAfter(first);
  else if (first && document.activeElement === document.body) focusRow(first);
}

function setBusy(row, busy) {
  row.classList.toggle("busy", busy);
  for (const button of row.querySelectorAll("button")) button.disabled = busy;
}

function show(row, outcome) {
  const act = row.querySelector(".act");
  const words = outcome.querySelector("p").textContent.trim();
  const name = row.querySelector("h2").textContent.trim();
  if (outcome.dataset.state === "failed") {
    showFailure(row, outcome);
    return;
  }
  if (outcome.dataset.state === "done") {
    if (!hiddenAnswers.has(row)) hiddenAnswers.set(row, [...act.childNodes]);
    act.replaceChildren(...outcome.childNodes);
    row.classList.add("done");
    lastDone = row;
  } else {
    act.replaceChildren(...(hiddenAnswers.get(row) || []));
    hiddenAnswers.delete(row);
    row.classList.remove("done");
    row.querySelector("details")?.removeAttribute("open");
    if (lastDone === row) lastDone = null;
    focusRow(row);
  }
  announce(`${name}: ${words}`);
}

// Answered rows have left the server's list, so rows of the next page have moved up to this page. The
// link "Older" then loads this page again.
document.addEventListener("click", (event) => {
  const older = event.target.closest?.("a[rel=next]");
  if (!older || !document.querySelector("#rows .done")) return;
  const url = new URL(older.href);
  url.searchParams.set("page", document.getElementById("rows").dataset.page);
  older.href = url;
});

function showFailure(row, content) {
  row.querySelector(".act > .outcome.bad")?.remove();
  // The error page of a proxy says nothing about the row.
  const failure = content.querySelector(".outcome") || parse(NO_REPLY).firstElementChild;
  row.querySelector(".act").prepend(failure);
  announce(failure.textContent.trim());
}

/* Focus */

function focusRow(row) {
  const article = row?.querySelector("article");
  article?.focus({ preventScroll: true });
  // With a finger or a mouse the page does not scroll: the next answer may be below the pointer.
  if (article?.matches(":focus-visible")) row.scrollIntoView({ block: "nearest" });
}

function focusAfter(row) {
  const all = rowsIn(document);
  const later = all.slice(all.indexOf(row) + 1);
  const next = later.find((candidate) => !candidate.classList.contains("done"));
  if (next) focusRow(next);
  else row.querySelector(".undo")?.focus();
}

const focusedRow = () => document.activeElement?.closest?.("li.row[data-row]");

/* Several rows */

function countTicked() {
  const ticked = document.querySelectorAll(".row:not(.done) .tick input:checked").length;
  const words = document.getElementById("ticked");
  if (words) words.textContent = ticked === 1 ? "1 sender ticked" : `${ticked} senders ticked`;
}
document.addEventListener("change", (event) => { if (event.target.matches(".tick input")) countTicked(); });

/* Keys */

const keys = document.getElementById("keys");
const showKeys = document.getElementById("show-keys");
if (keys && showKeys && list) {
  showKeys.hidden = false;
  showKeys.addEventListener("click", () => keys.showModal());
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || keys.open) return;
    if (event.target.matches("input:not([type=checkbox], [type=radio]), select, textarea")) return;
    if (press(event.key)) event.preventDefault();
  });
}

function press(key) {
  const all = rowsIn(document);
  const row = focusedRow();
  if (key === "?") keys.showModal();
  else if (key === "j" || key === "k") {
    const at = row ? all.indexOf(row) + (key === "j" ? 1 : -1) : 0;
    if (all[at]) focusRow(all[at]);
  } else if (key === "u") {
    const undo = (row?.classList.contains("done") ? row : lastDone)?.querySelector(".undo");
    undo?.form.requestSubmit(undo);
  } else if (key === "x" && row) row.querySelector(".tick input")?.click();
  else if (/^[1-9]$/.test(key) && row && !row.classList.contains("done")) answer(row, Number(key));
  else return false;
  return true;
}

function answer(row, number) {
  // Forged mail has no tick and has answers only in its panel: keys answer while the panel is open.
  if (!row.querySelector(".tick, details[open]")) return;
  const names = [...document.querySelectorAll("#bulk button[name=answer]")].map((button) => button.value);
  const buttons = [...row.querySelectorAll("button[name=answer]")];
  const chosen = buttons.find((button) => button.value === names[number - 1]);
  chosen?.form.requestSubmit(chosen);
}

/* Changes of the account */

function showCount(waiting) {
  const count = document.getElementById("count");
  if (count) {
    count.textContent = waiting || "";
    count.hidden = !waiting;
  }
  document.title = document.title.replace(/^(\(\d+\) )?/, waiting ? `(${waiting}) ` : "");
  if (waiting) navigator.setAppBadge?.(waiting).catch(() => {});
  else navigator.clearAppBadge?.().catch(() => {});
}

async function refreshList() {
  const request = ++latestRequest;
  let content;
  try {
    content = await load(`/rows${location.search}`);
  } catch (error) {
    return;
  }
  const fresh = content.getElementById("rows");
  // Responses may overtake each other; an older list must not replace a newer list.
  if (!fresh || request !== latestRequest) return;
  merge(fresh, content);
}

function merge(fresh, content) {
  const rows = document.getElementById("rows");
  const known = new Map(rowsIn(rows).map((row) => [row.dataset.key, row]));
  const coming = new Map(rowsIn(fresh).map((row) => [row.dataset.key, row]));
  for (const [key, row] of known) {
    const newer = coming.get(key);
    const kept = row.classList.contains("done") || row.classList.contains("busy") || row.contains(document.activeElement);
    if (!newer && !kept) {
      row.remove();
      movedAt = performance.now();
    } else if (newer && !kept && newer.dataset.row !== row.dataset.row && !row.querySelector("details[open], input:checked:not([type=radio])")) row.replaceWith(newer);
  }
  numberHeadings();
  const newcomers = [...coming].filter(([key]) => !known.has(key)).map(([, row]) => row);
  showNotice(content);
  document.getElementById("empty")?.remove();
  const empty = content.getElementById("empty");
  if (empty && !rowsIn(rows).length) rows.after(empty);
  // New rows are inserted at once only if they cannot move a row away under somebody's finger.
  const isIdle = window.scrollY < 8 && !rows.contains(document.activeElement);
  if (rows.dataset.page !== "1") return;
  if (!newcomers.length || isIdle) insert(newcomers);
  else offer(newcomers);
  const words = newcomers.length === 1 ? "1 new sender waits" : `${newcomers.length} new senders wait`;
  if (newcomers.length && words !== announced) announce(words);
  announced = isIdle || !newcomers.length ? "" : words;
}

function insert(newcomers) {
  const rows = document.getElementById("rows");
  const known = new Set(rowsIn(rows).map((row) => row.dataset.key));
  const fresh = newcomers.filter((row) => !known.has(row.dataset.key));
  document.getElementById("new").hidden = true;
  if (!fresh.length) return;
  movedAt = performance.now();
  rows.prepend(...fresh);
  numberHeadings();
}

// Each heading needs an id of its own, also when rows come from several responses.
function numberHeadings() {
  rowsIn(document).forEach((row, index) => {
    row.querySelector("h2").id = `name-${index + 1}`;
    row.querySelector("article").setAttribute("aria-labelledby", `name-${index + 1}`);
  });
}

function offer(newcomers) {
  const button = document.getElementById("new");
  button.textContent = newcomers.length === 1 ? "1 new sender. Show" : `${newcomers.length} new senders. Show`;
  button.hidden = false;
  button.onclick = () => {
    announced = "";
    insert(newcomers);
    focusRow(newcomers[0]);
  };
}

function showNotice(content) {
  list.querySelector(":scope > .notice")?.remove();
  const notice = content.querySelector(".notice");
  if (notice) list.prepend(notice);
}

function listen() {
  const events = new EventSource("/events");
  const lost = document.getElementById("connection");
  let isFirst = true;
  events.addEventListener("changed", (event) => {
    const { waiting } = JSON.parse(event.data);
    showCount(waiting);
    // The account may have changed after the list was made and before the stream began.
    const countDiffers = String(waiting) !== document.getElementById("rows")?.dataset.waiting;
    const hasProblem = list?.querySelector(":scope > .notice");
    if (list && (!isFirst || countDiffers || hasProblem)) refreshList();
    isFirst = false;
  });
  events.addEventListener("open", () => {
    clearTimeout(lostTimer);
    lostTimer = 0;
    lost.hidden = true;
  });
  events.addEventListener("error", () => {
    lostTimer ||= setTimeout(() => {
      lost.textContent = "The connection is lost. This list may be old.";
      lost.hidden = false;
    }, LOST_AFTER);
    if (events.readyState === EventSource.CLOSED) {
      // The browser gives up if the response is not a stream: the error of a proxy, or the person is
      // signed out. If signed out, the request for the list leads to the sign-in.
      events.close();
      setTimeout(listen, 3000);
      if (list) refreshList();
    }
  });
}

const tickAll = document.getElementById("tick-all");
if (tickAll) {
  tickAll.hidden = false;
  tickAll.addEventListener("click", () => {
    for (const box of document.querySelectorAll("input[data-proposed]")) box.checked = true;
  });
}

/* The progress of suggestions: without the script, the page loads itself again */

async function refreshProgress() {
  const content = await load(location.pathname);
  const fresh = content.getElementById("reading");
  if (fresh) document.getElementById("reading").replaceWith(fresh);
  else location.reload();
}
if (document.getElementById("reading")) {
  setInterval(() => refreshProgress().catch(() => {}), PROGRESS_EVERY);
}

countTicked();
if (document.getElementById("count")) listen();
if ("serviceWorker" in navigator && window.isSecureContext) {
  navigator.serviceWorker.register(policy ? policy.createScriptURL("/sw.js") : "/sw.js").catch(() => {});
}
