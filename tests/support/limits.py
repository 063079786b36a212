"""The table of docs/resilience.md: every time-out, pause and number of tries, with its value.

The values are read from the code, and the words stand here. ``tests/unit/test_documents.py`` holds
the document to this table; ``tests/unit/test_limits.py`` holds the table to the code.
"""

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mailroom.settings.sections import (
    FailureSettings,
    PollSettings,
    PushSettings,
)

ROOT: Final = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Limit:
    """One row.

    Attributes:
        name: ``path.py CONSTANT`` below ``mailroom/``, or the variable of a setting.
        unit: the unit of the value.
        limits: what it limits.
        end: what happens at its end.
        why: why it has this value, and how it fits to others.
    """

    name: str
    unit: str
    limits: str
    end: str
    why: str

    @property
    def value(self) -> Any:
        """The value in the code."""
        if self.name in SETTINGS:
            return SETTINGS[self.name]
        path, constant = self.name.split()
        module = importlib.import_module(f"mailroom.{path.removesuffix('.py').replace('/', '.')}")
        value = module
        for part in constant.split("."):
            value = getattr(value, part)
        return value

    def shown(self) -> str:
        """Return the value and its unit, for people."""
        value = self.value
        values = value.values() if isinstance(value, dict) else value
        numbers = values if isinstance(value, dict | tuple) else [value]
        return f"{', '.join(f'{number:g}' for number in numbers)} {self.unit}".rstrip()


SETTINGS: Final = {
    "MAILROOM_POLL_INTERVAL": PollSettings().interval,
    "MAILROOM_PUSH_SETTLE": PushSettings().settle,
    "MAILROOM_PUSH_PING": PushSettings().ping,
    "MAILROOM_FAILURE_LIMIT": FailureSettings().limit,
}

REQUEST: Final = (
    Limit(
        "http/client.py CONNECT_TIMEOUT",
        "s",
        "opening a connection",
        "the request never left: it is always repeated",
        "far below the whole time-out, so that a dead host is noticed early",
    ),
    Limit(
        "http/client.py TIMEOUT",
        "s",
        "a whole answer",
        "repeated if that is safe, else reported",
        "four attempts end before a pass counts as stuck",
    ),
    Limit(
        "http/streams.py ANSWER_TIMEOUT",
        "s",
        "silence of a server while a push stream is open, until it has answered once",
        "the stream is closed, and the request is sent again",
        "a quarter of the time-out: a server that is blocked by the stream delays a tap only once",
    ),
    Limit(
        "http/streams.py _LONGEST_SUSPICION",
        "s",
        "waiting for a request that shows if the stream was the reason",
        "the stream is opened again",
        "two time-outs: the repeated request has ended by then",
    ),
    Limit(
        "http/client.py _MAX_REDIRECTS",
        "",
        "redirects of one request",
        "broken answer; repeated if that is safe",
        "real servers use one or two",
    ),
    Limit(
        "http/retry.py ATTEMPTS",
        "",
        "attempts at a request, or at calls of a request that are put off",
        "the error is reported; the pass fails and is repeated",
        "a short fault passes within one pass; a long one is for the pauses between passes",
    ),
    Limit(
        "http/retry.py BASE_PAUSE",
        "s",
        "the first random pause before another attempt; doubles each time",
        "the next attempt",
        "a tap is done within about a second although one request fails",
    ),
    Limit(
        "http/retry.py LONGEST_PAUSE",
        "s",
        "the growth of this pause",
        "the next attempt",
        "rates are counted by the minute, and short pauses would only exceed them again",
    ),
    Limit(
        "http/retry.py _BUSY_PAUSE",
        "s",
        "the random pause while a host is busy (429, 423, `limit`)",
        "the next attempt",
        "a busy host has room for moments only",
    ),
    Limit(
        "http/not_now.py _BUSY",
        "s",
        "the sum of these pauses, if there are too many requests",
        "the error is reported; the pass fails and is repeated",
        "a mail app that is being set up keeps a server busy for about a minute",
    ),
    Limit(
        "http/not_now.py _LOCKED",
        "s",
        "the same, if an address book is locked",
        "the edit fails and is repeated by the next pass",
        "programs hold the lock for a moment; a person's lock may stay",
    ),
    Limit(
        "http/retry.py LONGEST_ASKED_PAUSE",
        "s",
        "a pause that the server asks for (Retry-After) inside a request",
        "longer: the request fails, and the next pass waits that long",
        "rate limits are counted by the minute",
    ),
    Limit(
        "http/retry.py _LONGEST_BELIEVED",
        "s",
        "a pause that the server asks for (Retry-After), in any place",
        "longer: counts as a day",
        "a server that asks for more is mistaken",
    ),
    Limit(
        "http/retry.py _RATE_PAUSE",
        "s",
        "the shortest pause after a 429 without Retry-After",
        "the request is sent again",
        "no rate is counted by less than a second",
    ),
    Limit(
        "http/limit.py SLOTS",
        "requests",
        "requests at one host at once, until the session states `maxConcurrentRequests`",
        "further requests wait",
        "Stalwart allows an account four over all its programs",
    ),
    Limit(
        "http/limit.py MOST_WRITES",
        "writes",
        "writes of contacts over CardDAV at once, on a host that answers quickly",
        "further writes wait",
        "an address book is locked for each write, so that more would only wait for each other",
    ),
    Limit(
        "http/limit.py _PROOF",
        "answers",
        "writes in a row that are answered before their number at once grows",
        "two more at once for each quick answer",
        "a host with a common limit of rate refuses before, and refuses few",
    ),
    Limit(
        "http/limit.py _REGAINED_EVERY",
        "s",
        "until one more slot is used again, after the slots were halved",
        "one more request at once",
        "shorter than the pauses of a busy host in sum, so that speed returns within a minute",
    ),
    Limit(
        "http/limit.py _CAREFUL_FOR",
        "s",
        "after a host has refused a request as one too many",
        "more writes at once are tried again",
        "the limits of a host seldom change; each trial costs a few refusals",
    ),
)
UPDATES: Final = (
    Limit(
        "screener/passes/executor.py _TRIES",
        "",
        "updates of mail held to a state, while others change mail",
        "forced: the patch is sent without a state",
        "labels are waiting, and no state lasts during an import; see above",
    ),
    Limit(
        "screener/arrivals/executor.py _TRIES",
        "",
        "the same for new mail",
        "forced, as above",
        "as above",
    ),
    Limit(
        "jmap/email_store.py _TRIES",
        "",
        "reading a mail and writing its whole list of mailboxes",
        "this mail fails; the next pass repeats it",
        "never forced: a whole list on outdated facts would undo the owner's move",
    ),
    Limit(
        "jmap/paging.py READINGS",
        "",
        "reading a search result that changes meanwhile",
        "all readings together are used",
        "mail that moved from one page to another is in one of the readings",
    ),
    Limit(
        "contacts/carddav/resources.py _TRIES",
        "",
        "an edit of a card over CardDAV (`If-Match`)",
        "the edit fails; the label stays, and the next pass repeats it",
        "never forced: a person's change would be lost",
    ),
    Limit(
        "contacts/carddav/writing.py _UIDS_TRIED",
        "",
        "uids for a new card, if other people's cards have them",
        "the edit fails, as above",
        "the second uid depends on the first and the address, so two in a row do not collide",
    ),
    Limit(
        "contacts/jmap/writing.py _TRIES",
        "",
        "a request with edits of cards and groups over JMAP (`ifInState`)",
        "the edits that are left fail, as above",
        "never forced, as above",
    ),
    Limit(
        "contacts/jmap/reading.py _TRIES",
        "",
        "reading cards that must belong to one state",
        "the contacts cannot be read; the pass fails and is repeated",
        "cards of two states could name a group and not its member",
    ),
    Limit(
        "screener/passes/mail_run.py _TRIES",
        "",
        "an update of mail that is cleared, or that the page moves without a decision",
        "mail that only leaves the Screener for the archive is patched in any state; other mail"
        " waits and is reported",
        "the patch only adds the archive and takes the Screener away",
    ),
    Limit(
        "admin/reset/executor.py _TRIES",
        "",
        "rounds of moving and searching during `mailroom reset`",
        "reported: mail is left, because somebody files it again",
        "a rule or another Mailroom would win for ever",
    ),
)
PASSES: Final = (
    Limit(
        "MAILROOM_PUSH_SETTLE",
        "s",
        "waiting for more changes after the first, while the pass reads",
        "the pass decides, after it has read again if more changes came",
        "a burst of events is one pass, and a tap is still done within a second",
    ),
    Limit(
        "MAILROOM_POLL_INTERVAL",
        "s",
        "the time without a pass",
        "a pass begins",
        "an announcement that was lost costs at most this",
    ),
    Limit(
        "runtime/push_listener.py _FAST_POLL",
        "s",
        "the same while push is down or has missed a change",
        "a pass begins",
        "ten polls in the usual interval: cheap, and a tap waits half a minute at most",
    ),
    Limit(
        "runtime/state_recheck.py _DELAY",
        "s",
        "from the end of a pass to another look at the Email state",
        "a pass begins if the state is another",
        "James announces within this time, or not at all",
    ),
    Limit(
        "runtime/failure_policy.py _BASE_PAUSE",
        "s",
        "the pause after a failed pass: between one and two times this; doubles each time",
        "another pass begins",
        "ten failed passes take 2.5 to 5 minutes: a server may be restarted meanwhile",
    ),
    Limit(
        "runtime/failure_policy.py _LONGEST_PAUSE",
        "s",
        "the growth of this pause",
        "another pass begins",
        "one pass a minute does not harm a server that is ill",
    ),
    Limit(
        "MAILROOM_FAILURE_LIMIT",
        "passes",
        "failed passes in a row",
        "the process ends with exit code 1; one of several accounts is closed and opened again",
        "somebody notices; before the first good pass a server that does not answer is waited for"
        " without limit",
    ),
    Limit(
        "screener/model/refusals.py _CONFIRMED_AFTER",
        "s",
        "from the first refusal of a change to one that confirms it",
        "the change counts as refused for good",
        "a single refusal may be a passing fault",
    ),
    Limit(
        "screener/model/refusals.py _LASTING_PAUSE",
        "s",
        "until a change that was refused for good is tried again",
        "it is tried once",
        "a person may have made room or granted a right; changing the label tries at once",
    ),
    Limit(
        "runtime/expiry.py _INTERVAL",
        "s",
        "from one clearing of old waiting mail (`MAILROOM_SCREENER_EXPIRE`) to the next",
        "old mail is cleared, and old codes leave the Inbox, after the next pass",
        "an age is counted in days, and every clearing reads all waiting mail",
    ),
    Limit(
        "contacts/carddav/sync.py _LIST_AGAIN",
        "s",
        "until the address books of the user are listed again",
        "one request",
        "a new address book of somebody else is noticed, and hardly anybody makes one",
    ),
    Limit(
        "waiting/backoff.py REFUSED_PAUSES",
        "s",
        "between tries with refused credentials; the last repeats for ever",
        "the account, or push alone, is opened again",
        "some servers ban an address after a hundred refusals",
    ),
    Limit(
        "runtime/failure_policy.py _REFUSED_JITTER",
        "times",
        "the random factor that lengthens these pauses",
        "the account is opened again",
        "at most 26 tries a day, and no two accounts in step",
    ),
    Limit(
        "runtime/failure_policy.py _MOST_REFUSED",
        "requests",
        "refused requests in the span below, unless sent at once",
        "the pause is lengthened until the span is over",
        "filters such as fail2ban count over ten minutes",
    ),
    Limit(
        "runtime/failure_policy.py _REFUSED_SPAN",
        "s",
        "the span in which refused requests are counted",
        "the oldest is forgotten",
        "ten minutes, and a little for clocks",
    ),
    Limit(
        "runtime/supervisor.py _PAUSES",
        "s",
        "until one of several accounts that gave up is opened again: failed, incomplete",
        "a new service starts",
        "the other accounts go on; a missing mailbox is made by a person",
    ),
    Limit(
        "runtime/supervisor.py _LONG_PAUSE",
        "s",
        "the same after a mistake in the settings",
        "a new service starts, with the settings read again",
        "only a person can mend it",
    ),
    Limit(
        "runtime/process.py _START_INTERVAL",
        "s",
        "between the starts of several accounts",
        "the next account starts",
        "a thousand accounts start in five seconds, and never poll all at once",
    ),
)
PUSH: Final = (
    Limit(
        "MAILROOM_PUSH_PING",
        "s",
        "between the pings that the server is asked for",
        "the server sends a ping",
        "a dead connection is noticed within 75 s",
    ),
    Limit(
        "jmap/liveness.py PUSH_TIMEOUTS.head",
        "s",
        "until the head of an EventSource answer is there",
        "the connection failed",
        "half of an answer's time-out",
    ),
    Limit(
        "jmap/liveness.py PUSH_TIMEOUTS.handshake",
        "s",
        "until a WebSocket is open",
        "the connection failed",
        "as long as any connection may take",
    ),
    Limit(
        "jmap/liveness.py PUSH_TIMEOUTS.proof",
        "s",
        "until a request over a new WebSocket is answered",
        "mute: dropped",
        "proxies accept a WebSocket and pass nothing on",
    ),
    Limit(
        "jmap/websocket_connection.py _HEARD",
        "s",
        "until the server has read that push is wanted",
        "the connection counts as open all the same",
        "James announces no change from before that",
    ),
    Limit(
        "jmap/liveness.py PUSH_TIMEOUTS.first_byte",
        "pings",
        "silence of a new EventSource",
        "mute: dropped",
        "one ping may be lost",
    ),
    Limit(
        "jmap/liveness.py PUSH_TIMEOUTS.pinged",
        "pings",
        "silence of a server that pings",
        "dropped and opened again",
        "one ping may be lost, and one be late",
    ),
    Limit(
        "jmap/liveness.py PUSH_TIMEOUTS.unpinged",
        "s",
        "silence of a server that was never seen to ping",
        "dropped and opened again",
        "as long as the poll interval, so that push is never worse than the poll",
    ),
    Limit(
        "jmap/liveness.py _GREATEST_MINIMUM",
        "s",
        "the longest interval at which a server pings, whatever it was asked for",
        "the two limits above count from this interval, if the server pings less often than asked",
        "no known server pings less often",
    ),
    Limit(
        "jmap/liveness.py _LEAST_MAXIMUM",
        "s",
        "an interval of pings that a server announces, in seconds",
        "a greater number is taken for milliseconds",
        "Stalwart announces milliseconds",
    ),
    Limit(
        "jmap/liveness.py _SILENT_CONNECTIONS",
        "",
        "connections in a row over which nothing comes",
        "push is unavailable over this transport",
        "one may be chance",
    ),
    Limit(
        "jmap/push_backoff.py _BASE_PAUSE",
        "s",
        "the first random pause between connections; doubles each time",
        "the next connection",
        "a server that was restarted is back within seconds",
    ),
    Limit(
        "jmap/push_backoff.py _LONGEST_PAUSE",
        "s",
        "the growth of this pause",
        "the next connection",
        "meanwhile the fast poll works",
    ),
    Limit(
        "jmap/push_backoff.py HEALTHY_LIFE",
        "s",
        "the life of a connection that counts as good",
        "the pause begins anew at its base",
        "as long as the longest pause: a connection that always ends sooner gains nothing",
    ),
    Limit(
        "jmap/connection_ends.py _AT_ONCE",
        "s",
        "the life of a connection that was of no use",
        "counts against the transport, even the last one",
        "far below a proxy's idle time-outs",
    ),
    Limit(
        "jmap/transports.py _BAD_ENDS",
        "",
        "bad ends in a row",
        "the other transport is used",
        "a restart of the server costs one or two",
    ),
    Limit(
        "jmap/transports.py _MISSED_CHANGES",
        "",
        "connections that missed a change, with none between them that announced one",
        "the other transport is used",
        "a restored server costs one",
    ),
    Limit(
        "jmap/push_backoff.py UNAVAILABLE_PAUSE",
        "s",
        "not using a transport that does not work, and not using push if none works",
        "all are tried again",
        "one constant for both, so that after the pause every transport is free again",
    ),
    Limit(
        "jmap/push_backoff.py _LONGEST_FLOOR",
        "s",
        "a pause between connections that the server asks for",
        "longer: tried once an hour",
        "push is worth one try an hour",
    ),
)
PROCESS: Final = (
    Limit(
        "health/account_health.py _MISSED_POLLS",
        "polls",
        "the time since the last good pass",
        "`/healthz` answers 503",
        "a single failed pass is no alarm; the alert in k8s/ waits 900 s, after this",
    ),
    Limit(
        "health/account_health.py _STUCK_AFTER",
        "s",
        "one pass",
        "`/livez` answers 503, and a supervisor restarts the process",
        "longer than four attempts at a request with all their pauses",
    ),
    Limit(
        "http/client.py CLOSING_GRACE",
        "s",
        "writes under way when the process is asked to stop",
        "cancelled; the label is still there, and the next start finishes",
        "all three graces together are at most five seconds; Kubernetes, Compose and systemd wait"
        " ten",
    ),
    Limit(
        "jmap/websocket_opening.py _CLOSING",
        "s",
        "the server's answer to the end of a WebSocket",
        "the connection is dropped",
        "as above",
    ),
    Limit(
        "http/listening.py _SHUTDOWN",
        "s",
        "answers of the servers under way (twice, at most)",
        "dropped",
        "as above",
    ),
)
COMMANDS: Final = (
    Limit(
        "admin/probe.py _TIMEOUT",
        "s",
        "`mailroom health`",
        "exit code 1",
        "half of the container's time-out for its health check",
    ),
    Limit(
        "admin/beside.py _TIMEOUT",
        "s",
        "asking a service on this machine, for `mailroom check` and `explain`",
        "its line is left out",
        "the service answers from memory",
    ),
    Limit(
        "admin/inspections.py _PING",
        "s",
        "between pings, while `mailroom check` tries push",
        "the server sends a ping",
        "a person is waiting",
    ),
    Limit(
        "admin/sign_of_life.py _BYTE_TIMEOUT",
        "s",
        "the first byte of push in `mailroom check`",
        "reported: it may still work",
        "longer than the slowest server's interval of pings",
    ),
    Limit(
        "admin/sign_of_life.py _TRIES",
        "",
        "attempts to open push in `mailroom check`",
        "reported as a fault",
        "one stream may end because its server process ends",
    ),
    Limit(
        "admin/setup.py _TRIES",
        "",
        "requests in a row that make nothing, in `mailroom setup --apply`",
        "reported; what was made stays",
        "each request is repeated by itself already",
    ),
    Limit(
        "admin/setup.py _FIRST_PAUSE",
        "s",
        "the first random pause between these requests; doubles each time",
        "the next request",
        "as for passes",
    ),
    Limit(
        "admin/setup.py _LONGEST_PAUSE",
        "s",
        "the growth of this pause",
        "the next request",
        "a person is waiting",
    ),
)
PAGE: Final = (
    Limit(
        "runtime/page/connection.py READ_TIMEOUT",
        "s",
        "what the page waits for the servers to show something",
        "the last list with the reason, or an error page",
        "people do not wait longer",
    ),
    Limit(
        "runtime/page/connection.py WRITE_TIMEOUT",
        "s",
        "a decision on many subjects, and clearing, from the page",
        "an error page; what was done stays, and the rest can be done again",
        "thousands of mails take dozens of requests",
    ),
    Limit(
        "runtime/page/decisions.py _PASS_TIMEOUT",
        "s",
        "the pass after a tap on the page",
        "the page says that it is still being done",
        "the label is on the mail, so nothing is lost",
    ),
    Limit(
        "web/events.py _PING",
        "s",
        "silence of the page's stream of events",
        "a comment is sent",
        "proxies end streams that are silent for a minute",
    ),
    Limit(
        "web/events.py _LONGEST",
        "s",
        "one stream of events",
        "the browser connects again",
        "the sign-in is checked again",
    ),
    Limit(
        "web/events.py _PAUSE",
        "ms",
        "the browser's pause before it connects again",
        "the next try",
        "a restart of Mailroom takes about as long",
    ),
    Limit(
        "web/throttle.py _LONGEST",
        "s",
        "the growth of the delay after wrong passwords, from 1 s, by network address and account",
        "the next attempt is looked at",
        "guessing is hopeless, and a person who forgot the password is not locked out",
    ),
    Limit(
        "web/sign_in.py _AGE",
        "s",
        "one sign-in",
        "the page asks for the password",
        "90 days",
    ),
    Limit(
        "web/context.py _MESSAGE_AGE",
        "s",
        "the outcome in the address of a page, after a plain form",
        "it is not shown any more",
        "somebody may go back to the page",
    ),
)
DIGEST: Final = (
    Limit(
        "digest/delivery.py _TRIES",
        "",
        "imports that are held to a state, while others change mail",
        "imported in any state",
        "an account in which mail comes all the time gets its digest, too",
    ),
    Limit(
        "runtime/digest_schedule.py _GRACE",
        "s",
        "from the time at which a digest is due until it is written",
        "the digest is written",
        "mail that came before that time is in the Screener by then",
    ),
    Limit(
        "runtime/digest_schedule.py _AGAIN",
        "s",
        "the pause after a digest could not be written",
        "tried again on the same day",
        "a server that is maintained for an hour is asked a few times",
    ),
    Limit(
        "runtime/digest_schedule.py _LONGEST_WAIT",
        "s",
        "sleep until the next digest is due",
        "the clock is looked at again",
        "clocks are set, and computers sleep",
    ),
)
NOTICES: Final = (
    Limit(
        "screener/arrivals/screening.py _RECENT",
        "s",
        "the age of new mail of which a notice is sent",
        "no notice: the mail only waits",
        "older mail was in the Inbox while Mailroom was down, where its owner saw it",
    ),
    Limit(
        "runtime/notices/claims.py _TRIES",
        "",
        "updates that claim notices and are held to a state, while others change mail",
        "tried again after the next pause",
        "never forced: two instances would send the same notice",
    ),
    Limit(
        "runtime/notices/rounds.py _AGAIN",
        "s",
        "the pause after new senders could not be looked for",
        "looked for again",
        "as long as the longest pause between passes",
    ),
    Limit(
        "runtime/notices/rounds.py _LONGEST_SLEEP",
        "s",
        "sleep during quiet hours",
        "the time is looked at again",
        "clocks are set, and machines sleep",
    ),
    Limit(
        "notices/client.py _TIMEOUT",
        "s",
        "the answer to a notice",
        "the notice is dropped, because it may have been shown; not repeated",
        "nothing waits for a notice but other notices",
    ),
    Limit(
        "notices/client.py _TRIES",
        "",
        "attempts to send a notice that the server did not accept",
        "the notice is dropped, logged and counted",
        "the sender waits in the Screener all the same",
    ),
    Limit(
        "notices/client.py _BASE_PAUSE",
        "s",
        "the first random pause between these attempts; doubles each time",
        "the next attempt",
        "a server that is restarted answers within a few of these pauses",
    ),
    Limit(
        "notices/client.py _LONGEST_PAUSE",
        "s",
        "the growth of this pause",
        "the next attempt",
        "as for passes",
    ),
    Limit(
        "notices/client.py _LONGEST_ASKED_PAUSE",
        "s",
        "a pause that the server asks for (Retry-After) before a notice is sent again",
        "longer: the notice is dropped",
        "news of an hour ago is old, and other notices wait behind this one",
    ),
    Limit(
        "runtime/notices/sender.py _MOST_QUEUED",
        "notices",
        "notices that wait to be sent",
        "further notices are dropped, logged and counted",
        "more than anybody reads",
    ),
    Limit(
        "web/notice_links.py _AGE",
        "s",
        "a link of a notice",
        "the page says that the link is too old",
        "three days: a notice is answered soon, or on the page",
    ),
)
LIMITS: Final = {
    "one request": REQUEST,
    "optimistic updates": UPDATES,
    "passes": PASSES,
    "push": PUSH,
    "health and stopping": PROCESS,
    "commands": COMMANDS,
    "the page": PAGE,
    "the digest": DIGEST,
    "notices": NOTICES,
}

_IS_LIMIT: Final = re.compile(r"TRIES|TRIED|ATTEMPTS|READINGS|PAUSE|TIMEOUT|GRACE|REDIRECTS")
_WORDS: Final = re.compile(r"Seconds|The number of (attempts|rounds|connections|updates)|Attempts")
OTHERS: Final = frozenset(
    {
        "admin/inspections.py _CLOCKS_AGREE",  # a tolerance
        "metrics/families.py _BUCKETS",  # of a histogram
        "jmap/eventsource.py _TIMEOUT",  # of CONNECT_TIMEOUT alone
        "jmap/push_backoff.py _REDIRECTS",  # statuses
    }
)
"""Constants that look like limits to :func:`constants`, but limit no waiting and no trying."""


def constants() -> Iterator[str]:
    """Yield the constants of the code that look like limits, named as in :class:`Limit`."""
    package = ROOT / "mailroom"
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package).as_posix()
        if name.startswith(("sandbox/", "demo/")):
            continue
        body = ast.parse(path.read_text(encoding="utf-8")).body
        for node, following in zip(body, [*body[1:], None], strict=True):
            if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
                continue
            words = ""
            if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
                words = str(following.value.value)
            if _IS_LIMIT.search(node.target.id) or _WORDS.match(words):
                yield f"{name} {node.target.id}"


def limits_table() -> str:
    """Return the table in Markdown."""
    head = ("name", "value", "limits", "at its end", "why")
    lines = [f"| {' | '.join(head)} |", "| --- | --- | --- | --- | --- |"]
    for group, limits in LIMITS.items():
        lines.append(f"| **{group}** | | | | |")
        lines += [
            f"| `{limit.name}` | {limit.shown()} | {limit.limits} | {limit.end} | {limit.why} |"
            for limit in limits
        ]
    return "\n".join(lines) + "\n"
