"""Passes seen from a proxy: their requests, from the tap that causes a pass to its end."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from tests.support.owner.person import PATIENCE, Owner, message, until
from tests.support.proxy.proxy import Exchange, Proxy
from tests.support.proxy.steps import dependent_steps, longest_chain, peak
from tests.support.service.process import Service

_REST = 0.5
"""Seconds. Longer than the time from an event to the start of the pass that it causes."""
AT_ONCE = 4
"""The most requests that Mailroom sends to one host at the same time, one less than Cyrus allows.
Writes of contacts over CardDAV are not counted."""
WRITES_AT_ONCE = 6
"""The writes of contacts over CardDAV with which a burst begins."""
SEE = "Email/get Email/query Mailbox/get Identity/get"
"""The first request of a pass, which reads labelled mail and the mailboxes."""
FIND_MAIL = "Email/get Email/query"
"""The request that searches for the mail of senders."""


async def until_started(service: Service) -> None:
    """Wait until both passes of the start are over: the first, and one after push is connected."""
    await until_passes(service, 2)


async def until_passes(service: Service, count: int) -> None:
    async def passed() -> bool:
        return int((await service.health())["passes"]) >= count

    await until(passed, f"{count} passes")


async def until_seen(service: Service, before: int) -> None:
    """Wait until more than ``before`` passes are over, and the last one for a moment.

    Without this wait, a pass for new mail could still run when the test taps, and see the tap.
    """

    async def rests() -> bool:
        health = await service.health()
        return bool(health["passes"] > before and health["last_pass"]["age_seconds"] > _REST)

    await until(rests, "a pass, and none after it")


async def tapped_pass(
    person: Owner,
    service: Service,
    proxy: Proxy,
    taps: Mapping[str, str],
    round_trip: float = 0.0,
    *,
    patience: float = PATIENCE,
) -> list[Exchange]:
    """Tap mails (id -> label) in one Email/set; return the requests of the pass that follows.

    ``patience`` is the longest time that the pass may take, in seconds.
    """
    mailboxes = await person.mailboxes()
    requests_before = len(proxy.exchanges)
    passes_before = len(service.events("pass done"))
    proxy.round_trip = round_trip
    await person.jmap(
        "Email/set",
        {
            "update": {
                mail: {f"mailboxIds/{mailboxes[label]}": True} for mail, label in taps.items()
            }
        },
    )
    await service.until_logged("pass done", passes_before + 1, patience=patience)
    proxy.round_trip = 0.0
    return proxy.since(requests_before)


async def mail_of_new_senders(person: Owner, count: int, *, first: int = 0) -> list[str]:
    """Deliver two mails of each new sender, without a label; return the ids of the later ones."""
    numbers = range(first, first + count)
    senders = [f"sender{number}@corp{number}.example" for number in numbers]
    mails = [message(sender, f"{part} {sender}") for part in ("old", "new") for sender in senders]
    return (await person.receive(*mails))[count:]


def kinds(exchanges: Iterable[Exchange]) -> Counter[str]:
    return Counter(exchange.kind for exchange in exchanges)


def figures(exchanges: Sequence[Exchange]) -> str:
    """Return the numbers of requests and of dependent steps, as text."""
    steps = dependent_steps(exchanges, at_once=AT_ONCE)
    return (
        f"{len(exchanges):3} requests in {steps} dependent steps"
        f" ({longest_chain(exchanges):2} round trips one after another,"
        f" up to {peak(exchanges)} at once)"
    )
