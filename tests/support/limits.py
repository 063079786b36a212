"""The tables of docs/resilience.md: every time-out, pause and number of tries, with its value.

The values are read from the code, and the words stand here. ``tests/unit/test_documents.py`` holds
the document to these tables; ``tests/unit/test_limits.py`` holds the tables to the code.
"""

import ast
import importlib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mailroom.settings.sections import (
    FailureSettings,
    PollSettings,
    PushSettings,
)

ROOT: Final = Path(__file__).parents[2]
_UNITS: Final = {"days": 86_400, "h": 3600, "min": 60}
"""Units of time, the largest first, in seconds."""


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
        """Return the value and its unit, for people: ``900 s (15 min)``."""
        value = self.value
        values = value.values() if isinstance(value, dict) else value
        numbers = values if isinstance(values, Collection) else [values]
        text = f"{', '.join(f'{number:.10g}' for number in numbers)} {self.unit}".rstrip()
        if self.unit != "s" or len(numbers) > 1:
            return text
        for unit, seconds in _UNITS.items():
            if value >= 2 * seconds and value % seconds == 0:
                return f"{text} ({value / seconds:g} {unit})"
        return text


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
        "the request never left, so it is sent again",
        "far below the time-out of an answer, so that a dead host is noticed early",
    ),
    Limit(
        "http/client.py TIMEOUT",
        "s",
        "a whole answer",
        "the request is sent again if that is safe; else the error is reported",
        "four attempts end before a pass counts as stuck",
    ),
    Limit(
        "http/streams.py ANSWER_TIMEOUT",
        "s",
        "silence of a server that has answered no request since a push stream was opened",
        "the stream is closed, and the request is sent again",
        "a quarter of the time-out of an answer: if the stream blocks the server, a tap waits for"
        " this once",
    ),
    Limit(
        "http/streams.py _LONGEST_SUSPICION",
        "s",
        "the time for which a push stream that may block the server stays closed, until a request"
        " shows if it does",
        "the stream is opened again",
        "two time-outs of an answer: the repeated request has ended by then",
    ),
    Limit(
        "http/client.py _MAX_REDIRECTS",
        "",
        "redirects of one request",
        "the answer counts as broken; the request is sent again if that is safe",
        "real servers use one or two",
    ),
    Limit(
        "http/retry.py ATTEMPTS",
        "",
        "attempts at a request, or at its calls that were put off, unless the server is busy",
        "the error is reported; the pass fails and is repeated",
        "a short fault ends during the attempts, a long one during the pauses between passes",
    ),
    Limit(
        "http/retry.py BASE_PAUSE",
        "s",
        "the longest random pause before the second attempt; doubles with each attempt",
        "the next attempt",
        "a tap is done within about a second although one request fails",
    ),
    Limit(
        "http/retry.py LONGEST_PAUSE",
        "s",
        "the longest random pause before any attempt",
        "the next attempt",
        "rates are counted by the minute, and short pauses would only exceed them again",
    ),
    Limit(
        "http/retry.py _BUSY_PAUSE",
        "s",
        "the longest random pause before any attempt while a host is busy (423, `limit`, 429 with"
        " Retry-After)",
        "the next attempt",
        "a busy host has room for moments only, so it is asked often",
    ),
    Limit(
        "http/not_now.py _BUSY",
        "s",
        "the sum of the pauses of a request that a server refuses as one too many",
        "the error is reported; the pass fails and is repeated",
        "a mail app that is being set up keeps a server busy for about a minute",
    ),
    Limit(
        "http/not_now.py _LOCKED",
        "s",
        "the sum of the pauses of a write while an address book is locked (423)",
        "the edit fails and is repeated by the next pass",
        "programs hold the lock for a moment; a person's lock may stay",
    ),
    Limit(
        "http/retry.py LONGEST_ASKED_PAUSE",
        "s",
        "a pause that the server asks for (Retry-After) and that is waited out inside the request",
        "longer: the request fails, and the next pass waits that long",
        "rate limits are counted by the minute",
    ),
    Limit(
        "http/retry.py _LONGEST_BELIEVED",
        "s",
        "the longest pause between passes that a server can ask for (Retry-After)",
        "longer: a day is waited",
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
        "each write locks the address book, so more writes would only wait for each other",
    ),
    Limit(
        "http/limit.py _PROOF",
        "answers",
        "answers to writes without a refusal, before more writes are sent at once",
        "each further quick answer allows two more writes at once",
        "many limits of rate are 20 requests: such a host refuses only the few writes under way",
    ),
    Limit(
        "http/limit.py _REGAINED_EVERY",
        "s",
        "the time, after a refusal has halved the slots, until one more is used again",
        "one more request at the same time",
        "a host that still refuses gets one request too many; four slots are back after 40 s",
    ),
    Limit(
        "http/limit.py _CAREFUL_FOR",
        "s",
        "the time, after a refusal, in which writes get no more slots than other requests",
        "more writes at once are tried again",
        "the limits of a host seldom change; each trial costs a few refusals",
    ),
)
UPDATES: Final = (
    Limit(
        "screener/passes/executor.py _TRIES",
        "",
        "updates of labelled mail and its senders' mail that are held to a state, while others"
        " change mail",
        "forced: the patch is sent without a state",
        "labels are waiting, and no state lasts during an import",
    ),
    Limit(
        "screener/arrivals/executor.py _TRIES",
        "",
        "updates of new mail that are held to a state, while others change mail",
        "forced: the patch is sent without a state",
        "new mail is waiting, and no state lasts during an import",
    ),
    Limit(
        "jmap/email_store.py _TRIES",
        "",
        "reading a mail and writing its whole list of mailboxes, while others change mail",
        "this mail fails; the next pass repeats it",
        "never forced: a whole list on outdated facts would undo the owner's move",
    ),
    Limit(
        "jmap/paging.py READINGS",
        "",
        "reading a search result that changes meanwhile",
        "the mails of all readings are used",
        "mail that moved from one page to another is in one of the readings",
    ),
    Limit(
        "contacts/carddav/resources.py _TRIES",
        "",
        "an edit of a card over CardDAV (`If-Match`), while others change the card",
        "the edit fails; the label stays, and the next pass repeats it",
        "never forced: a person's change would be lost",
    ),
    Limit(
        "contacts/carddav/writing.py _UIDS_TRIED",
        "",
        "uids for a new card, if cards of other people have these uids",
        "the edit fails; the label stays, and the next pass repeats it",
        "the second uid depends on the first and the address, so two in a row do not collide",
    ),
    Limit(
        "contacts/jmap/writing.py _TRIES",
        "",
        "a request with edits of cards and groups over JMAP (`ifInState`), while others change"
        " contacts",
        "the edits that are left fail; their labels stay, and the next pass repeats them",
        "never forced: a person's change would be lost",
    ),
    Limit(
        "contacts/jmap/reading.py _TRIES",
        "",
        "reading cards that must belong to one state, while others change contacts",
        "the contacts cannot be read; the pass fails and is repeated",
        "cards of two states could name a group and not its member",
    ),
    Limit(
        "screener/passes/mail_run.py _TRIES",
        "",
        "an update of mail that is cleared, or that the page moves without a decision, while"
        " others change mail",
        "mail that only leaves the Screener for the archive is patched in any state; other mail"
        " waits and is reported",
        "the patch only adds the archive and takes the Screener away",
    ),
    Limit(
        "admin/reset/executor.py _TRIES",
        "",
        "rounds of moving and searching during `mailroom reset`",
        "reported: mail is left, because somebody files it again",
        "a rule or another Mailroom would file it again for ever",
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
        "the time without a pass while push is down or has missed a change",
        "a pass begins",
        "ten polls in the usual interval: cheap, and a tap waits half a minute at most",
    ),
    Limit(
        "runtime/state_recheck.py _DELAY",
        "s",
        "from the end of a pass to another look at the Email state",
        "a pass begins if the state has changed",
        "James announces within this time, or not at all",
    ),
    Limit(
        "runtime/failure_policy.py _BASE_PAUSE",
        "s",
        "the pause after a failed pass: between this and twice this; doubles with each failure",
        "another pass begins",
        "ten failed passes take 2.5 to 5 minutes: a server may be restarted meanwhile",
    ),
    Limit(
        "runtime/failure_policy.py _LONGEST_PAUSE",
        "s",
        "the longest pause after a failed pass, unless the server asks for a longer one",
        "another pass begins",
        "one pass a minute does not harm a server that is ill",
    ),
    Limit(
        "MAILROOM_FAILURE_LIMIT",
        "passes",
        "failed passes in a row",
        "the process ends: exit code 1, or 2 or 4 if the account lacks something; one of several"
        " accounts is closed and opened again",
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
        "a person may have made room or granted a right; after a change of the label it is tried"
        " at once",
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
        "until the address books are listed again, if the user has a single one",
        "one request",
        "a second address book is noticed, and hardly anybody makes one",
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
        "the random factor that lengthens the pauses between tries with refused credentials",
        "the account is opened again",
        "at most 26 tries a day, and no two accounts in step",
    ),
    Limit(
        "runtime/failure_policy.py _MOST_REFUSED",
        "requests",
        "requests with refused credentials in ten minutes, unless they were sent at the same time",
        "the next try waits until the ten minutes are over",
        "filters such as fail2ban count over ten minutes",
    ),
    Limit(
        "runtime/failure_policy.py _REFUSED_SPAN",
        "s",
        "the ten minutes in which requests with refused credentials are counted",
        "the oldest is forgotten",
        "ten minutes, and a little for clocks",
    ),
    Limit(
        "runtime/supervisor.py _PAUSES",
        "s",
        "until one of several accounts is opened again after failed passes, and after a missing"
        " mailbox or group; random, at least half of this",
        "a new service starts",
        "the other accounts go on; a missing mailbox is made by a person",
    ),
    Limit(
        "runtime/supervisor.py _LONG_PAUSE",
        "s",
        "until one of several accounts is opened again after a mistake in the settings; random, at"
        " least half of this",
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
        "a dead connection is noticed after two and a half pings: 75 s",
    ),
    Limit(
        "jmap/liveness.py PUSH_TIMEOUTS.head",
        "s",
        "until the head of an EventSource answer is there",
        "the connection failed",
        "half of the time-out of an answer",
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
        "the connection is mute: it is dropped",
        "proxies accept a WebSocket and pass nothing on",
    ),
    Limit(
        "jmap/websocket_connection.py _ANSWER_TIMEOUT",
        "s",
        "from the request for push over a WebSocket to the next message of the server",
        "the connection counts as open all the same",
        "James announces no change that happens before it has read the request",
    ),
    Limit(
        "jmap/liveness.py PUSH_TIMEOUTS.first_byte",
        "pings",
        "silence of a new EventSource",
        "the connection is mute: it is dropped",
        "one ping may be lost",
    ),
    Limit(
        "jmap/liveness.py PUSH_TIMEOUTS.pinged",
        "pings",
        "silence of a server that pings",
        "dropped and opened again",
        "one ping may be lost, and one may be late",
    ),
    Limit(
        "jmap/liveness.py PUSH_TIMEOUTS.unpinged",
        "s",
        "silence of a server that was never seen to ping",
        "dropped and opened again",
        "as long as the default of `MAILROOM_POLL_INTERVAL`: the poll has found any change by then",
    ),
    Limit(
        "jmap/liveness.py _SHORTEST_INTERVAL",
        "s",
        "the shortest interval of pings that Mailroom expects, until the server announces its own",
        "`first_byte` and `pinged` are counted in this interval, even if `MAILROOM_PUSH_PING` is"
        " shorter",
        "no known server pings less often",
    ),
    Limit(
        "jmap/liveness.py _LONGEST_INTERVAL",
        "s",
        "the longest interval of pings that a server can announce in seconds",
        "a greater number counts as milliseconds",
        "Stalwart announces milliseconds",
    ),
    Limit(
        "jmap/liveness.py _SILENT_CONNECTIONS",
        "",
        "connections in a row over which nothing comes",
        "the transport counts as unavailable",
        "one may be chance",
    ),
    Limit(
        "jmap/push_backoff.py _BASE_PAUSE",
        "s",
        "the longest random pause before the next connection; doubles each time",
        "the next connection",
        "a server that was restarted is back within seconds",
    ),
    Limit(
        "jmap/push_backoff.py _LONGEST_PAUSE",
        "s",
        "the longest random pause before any connection",
        "the next connection",
        "meanwhile Mailroom polls every 30 s",
    ),
    Limit(
        "jmap/push_backoff.py HEALTHY_LIFE",
        "s",
        "the shortest life of a connection that counts as healthy",
        "the pause begins anew at its base",
        "as long as the longest pause: a connection that always ends sooner gains nothing",
    ),
    Limit(
        "jmap/connection_ends.py _AT_ONCE",
        "s",
        "the life of a connection that ended too early to be of use",
        "the end counts against the transport, even if there is no other transport",
        "far below a proxy's idle time-outs",
    ),
    Limit(
        "jmap/transports.py _BAD_ENDS",
        "",
        "bad ends in a row of the connections over a transport",
        "the other transport is used",
        "a restart of the server costs one or two",
    ),
    Limit(
        "jmap/transports.py _MISSED_CHANGES",
        "",
        "connections that missed a change, with none between them that announced one",
        "the other transport is used",
        "one may be the fault of a server that was restored from a backup",
    ),
    Limit(
        "jmap/push_backoff.py UNAVAILABLE_PAUSE",
        "s",
        "the time for which a transport that does not work is not used; if none works, push is"
        " not used",
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
        "the duration of one pass",
        "`/livez` answers 503, and a supervisor restarts the process",
        "longer than four attempts at a request with all their pauses",
    ),
    Limit(
        "http/client.py CLOSING_GRACE",
        "s",
        "writes under way when the process is asked to stop",
        "cancelled; the label is still there, and the next start finishes",
        "a part of the five seconds in which Mailroom stops: 3 s, 1 s, and twice 0.5 s; Kubernetes,"
        " Compose and systemd wait ten",
    ),
    Limit(
        "jmap/websocket_opening.py _CLOSING",
        "s",
        "the server's answer to the end of a WebSocket",
        "the connection is dropped",
        "a part of the five seconds",
    ),
    Limit(
        "http/listening.py _SHUTDOWN",
        "s",
        "answers that Mailroom is still sending when it stops, about its health or for the page; at"
        " most two such waits",
        "the connections are dropped",
        "a part of the five seconds",
    ),
)
COMMANDS: Final = (
    Limit(
        "admin/probe.py _TIMEOUT",
        "s",
        "each part of the answer to `mailroom health`",
        "exit code 1",
        "half of the container's time-out for its health check",
    ),
    Limit(
        "admin/local_service.py _TIMEOUT",
        "s",
        "each part of the answer of a service on this machine to `mailroom check`",
        "the line about the service is left out",
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
        "the longest random pause between requests of `mailroom setup --apply`; doubles each time",
        "the next request",
        "a server that was restarted is back within seconds",
    ),
    Limit(
        "admin/setup.py _LONGEST_PAUSE",
        "s",
        "the longest random pause between any two requests of `mailroom setup --apply`",
        "the next request",
        "a person is waiting",
    ),
)
PAGE: Final = (
    Limit(
        "runtime/page/connection.py READ_TIMEOUT",
        "s",
        "reading the account for the page",
        "the page shows the last list and the reason, or an error page",
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
        "the page says that the decision is still being carried out",
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
        "the longest delay after wrong passwords, for each network address and account; the first"
        " is 1 s, and each delay doubles the last one",
        "the next password is checked",
        "guessing is hopeless, and a person who forgot the password is not locked out",
    ),
    Limit(
        "web/authentication.py _AGE",
        "s",
        "one sign-in",
        "the page asks for the password",
        "a phone asks for the password a few times a year",
    ),
    Limit(
        "web/context.py _OUTCOMES_AGE",
        "s",
        "the outcome of a tap without JavaScript, which is in the address of the next page",
        "the page does not show the outcome any more",
        "somebody who comes back to that address later must not see an old outcome",
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
        "the longest random pause before the second attempt to send a notice; doubles with each"
        " attempt",
        "the next attempt",
        "a server that is restarted answers within a few of these pauses",
    ),
    Limit(
        "notices/client.py _LONGEST_PAUSE",
        "s",
        "the longest random pause before any attempt to send a notice",
        "the next attempt",
        "as long as the longest pause between passes",
    ),
    Limit(
        "notices/client.py _LONGEST_ASKED_PAUSE",
        "s",
        "a pause before a notice is sent again that the server asks for (Retry-After)",
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
    "One request": REQUEST,
    "Writes that somebody else makes outdated": UPDATES,
    "Passes and accounts": PASSES,
    "Push connections": PUSH,
    "Health and stopping": PROCESS,
    "Commands": COMMANDS,
    "The page": PAGE,
    "The digest": DIGEST,
    "Notices": NOTICES,
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
    """Return a table for each group, below its heading, in Markdown."""
    head = ("time or number", "value", "at its end", "why", "name")
    lines = []
    for group, limits in LIMITS.items():
        lines += [f"### {group}", "", f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
        lines += [
            f"| {limit.limits} | {limit.shown()} | {limit.end} | {limit.why} | `{limit.name}` |"
            for limit in limits
        ]
        lines.append("")
    return "\n".join(lines)
