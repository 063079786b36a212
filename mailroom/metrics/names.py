"""Every metric: its name, type, labels and meaning. The table in docs/metrics.md comes from here.

The values of labels are from small fixed sets, or are names of accounts and categories. They are
never a secret, an address, or part of a mail.

``account`` is the name of one of several accounts; for a single account the label is empty.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Definition:
    """A metric: its name, its type, its meaning, its labels.

    Attributes:
        own_labels: the labels beside the account.
        account_labels: the label of the account; empty if the metric is about the whole process.
    """

    name: str
    type: str
    help: str
    own_labels: tuple[str, ...] = ()
    account_labels: tuple[str, ...] = ("account",)

    @property
    def labels(self) -> tuple[str, ...]:
        """The metric's labels, in order."""
        return (*self.account_labels, *self.own_labels)


BUILD: Final = Definition(
    "mailroom_build_info",
    "gauge",
    "Always 1; the labels name the running version.",
    ("version", "python"),
    (),
)
PASSES: Final = Definition(
    "mailroom_passes_total",
    "counter",
    "Passes that ended. `trigger`: `startup`, `push`, `poll`, `retry`; `outcome`: `done`,"
    " `incomplete` (some work is left and tried again), `failed`.",
    ("trigger", "outcome"),
)
PASS_SECONDS: Final = Definition(
    "mailroom_pass_seconds", "histogram", "Duration of passes, including failed ones."
)
LABEL_SECONDS: Final = Definition(
    "mailroom_label_to_done_seconds",
    "histogram",
    "For each decision that push announced: from the event's arrival to the end of the pass that"
    " carried it out and removed the label.",
)
ARRIVAL_SECONDS: Final = Definition(
    "mailroom_arrival_to_filed_seconds",
    "histogram",
    "For each new mail that push announced and that was moved: from the event's arrival to the end"
    " of the pass that filed it.",
)
DECISIONS: Final = Definition(
    "mailroom_decisions_total",
    "counter",
    "Decisions carried out. `category` is `Screener` if a decision was undone, or `spam`.",
    ("category",),
)
MAILS: Final = Definition(
    "mailroom_mails_filed_total",
    "counter",
    "Mails filed, because of a label (`triage`) or when they arrived (`new_mail`).",
    ("by",),
)
FAILURES: Final = Definition(
    "mailroom_failures_total",
    "counter",
    "Failures. Of whole passes: `unreachable`, `server` (429, 5xx), `credentials` (refused, or"
    " read-only), `answer` (not usable), `jmap`, `contacts`, `missing`, `unsuitable` (mailboxes),"
    " `mistake` (in Mailroom); of single things in passes that succeeded: `decision`, `label`,"
    " `new_mail`; of the digest: `digest`.",
    ("kind",),
)
NOTICES: Final = Definition(
    "mailroom_notices_total",
    "counter",
    "Notices about new senders. `outcome`: `sent`, or `dropped` (the log has the reason).",
    ("outcome",),
)
LAST_GOOD: Final = Definition(
    "mailroom_last_good_pass_timestamp_seconds",
    "gauge",
    "When a pass last succeeded, in Unix time; 0 before the first.",
)
SCREENER: Final = Definition(
    "mailroom_screener_mails",
    "gauge",
    "Mails in the Screener at the beginning of the last pass that succeeded.",
)
REFUSED: Final = Definition(
    "mailroom_credentials_refused",
    "gauge",
    "1 from the time that the server refuses the credentials, or says that they are read-only,"
    " until a pass succeeds; else 0. Meanwhile the account is closed, and tried again after 1, 5,"
    " 15 and then every 60 minutes.",
)
PUSH: Final = Definition(
    "mailroom_push_connected",
    "gauge",
    "1 while push is connected, else 0. `transport` is the one in use or tried last, or `off`.",
    ("transport",),
)
RECONNECTS: Final = Definition(
    "mailroom_push_reconnects_total", "counter", "Attempts to connect push, after the first."
)

DEFINITIONS: Final = (
    *(BUILD, PASSES, PASS_SECONDS, LABEL_SECONDS, ARRIVAL_SECONDS, DECISIONS, MAILS, FAILURES),
    *(NOTICES, LAST_GOOD, SCREENER, REFUSED, PUSH, RECONNECTS),
)


def metrics_table() -> str:
    """Return a table of all metrics in Markdown."""
    lines = ["| metric | type | meaning |", "| --- | --- | --- |"]
    for metric in DEFINITIONS:
        labels = f"{{{', '.join(metric.labels)}}}" if metric.labels else ""
        lines.append(f"| `{metric.name}{labels}` | {metric.type} | {metric.help} |")
    return "\n".join(lines) + "\n"
