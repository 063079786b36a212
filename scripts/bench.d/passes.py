"""Fills an account, and measures each kind of pass at one round trip."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Final

from results import Pass, Spread
from stand import SCREENER, Stand

from tests.support.owner.person import Owner, message

TITLES: Final = {
    "idle": "nothing to do",
    "1x1": "1 sender, 1 mail",
    "10x5": "10 senders, 5 mails each",
    "50x5": "50 senders, 5 mails each",
    "60x5": "60 senders, 5 mails each",
    "1x1000": "1 sender, 1,000 mails",
    "again": "the same 1,000 mails, to another place",
}
"""The passes, by key."""
BURSTS: Final = {"10x5": 10, "50x5": 50, "60x5": 60}
"""Key of a pass that decides on several senders at the same time -> number of these senders."""
_MAILS_EACH: Final = 5

_LABELS: Final = ("@ToFeed", "@ToImbox", "@ToPaperTrail", "@ToJail", "@ToPerson", "@ToTruck")


@dataclass(frozen=True)
class Size:
    """The extent of a measurement.

    Attributes:
        repeats: repetitions of quick passes.
        mails: mails of the sender with many mails.
        events: the number of single taps, and the number of arrivals.
        far_events: the same numbers at a long round trip.
        idle_passes: passes before memory is measured again.
        accounts: numbers of accounts in one process; each number is measured.
        idle_seconds: seconds over which the processor time of idle accounts is measured.
        rush: the number of accounts with a tap at the same time.
        growth: sizes of an account, by the kind of growth.
    """

    repeats: int = 5
    mails: int = 1000
    events: int = 20
    far_events: int = 10
    idle_passes: int = 1000
    accounts: tuple[int, ...] = (1, 100, 1000)
    idle_seconds: float = 30.0
    rush: int = 100
    growth: Mapping[str, Sequence[int]] = field(
        default_factory=lambda: {
            "mails": (1_000, 10_000, 100_000),
            "contacts": (200, 2_000, 20_000),
            "waiting": (50, 500, 5_000),
        }
    )


QUICK: Final = Size(
    repeats=2,
    mails=100,
    events=5,
    far_events=3,
    idle_passes=50,
    accounts=(1, 20),
    idle_seconds=5.0,
    rush=20,
    growth={"mails": (100, 1_000), "contacts": (20, 200), "waiting": (5, 50)},
)


@dataclass(frozen=True)
class Screener:
    """The mails that wait in an account, by their ids.

    Attributes:
        big: all mails of the sender with many mails.
        bursts: key of a pass -> one mail of each sender on whom it decides.
        single: the mails of senders with one mail each.
    """

    big: list[str]
    bursts: dict[str, list[str]]
    single: list[str]


async def fill(owner: Owner, size: Size) -> Screener:
    """Put mail into the Screener."""
    senders = {
        "big": ["big@corp.example"] * size.mails,
        **{
            key: [f"s{number}@m{number}x{key}.example" for number in range(count)] * _MAILS_EACH
            for key, count in BURSTS.items()
        },
        "single": [
            f"one{number}@s{number}.example" for number in range(size.repeats + size.events)
        ],
    }
    mails = [
        message(sender, f"{kind} {number}")
        for kind, addresses in senders.items()
        for number, sender in enumerate(addresses)
    ]
    await owner.server.append(owner.name, SCREENER, *mails)
    by_subject = {mail.subject: mail.id for mail in await owner.mails()}
    ids = {
        kind: [by_subject[f"{kind} {number}"] for number in range(len(addresses))]
        for kind, addresses in senders.items()
    }
    bursts = {key: ids[key][:count] for key, count in BURSTS.items()}
    return Screener(ids["big"], bursts, ids["single"])


async def measure_passes(
    stand: Stand, screener: Screener, size: Size
) -> AsyncIterator[tuple[str, Pass]]:
    """Run every kind of pass; yield each pass with its key."""
    first = screener.big[0]
    yield "idle", Pass.median_of([await stand.idle(first) for _ in range(size.repeats)])
    single = screener.single[: size.repeats]
    yield "1x1", Pass.median_of([(await stand.tap({mail_id: "@ToFeed"}))[0] for mail_id in single])
    for key, mails in screener.bursts.items():
        yield key, (await stand.tap(dict.fromkeys(mails, "@ToFeed")))[0]
    yield "1x1000", (await stand.tap({first: "@ToFeed"}))[0]
    yield "again", (await stand.tap({first: "@ToPaperTrail"}))[0]


async def measure_taps(stand: Stand, screener: Screener, size: Size) -> Spread:
    """Tap one sender after another; return the times from the event's arrival to the end."""
    mails = screener.single[size.repeats :]
    taps = zip(mails, cycle(_LABELS), strict=False)
    return Spread.of([(await stand.tap({mail: label}))[1] for mail, label in taps])


async def measure_arrivals(stand: Stand, size: Size) -> Spread:
    """Deliver mails, every second one of a known sender; return the times from event to filing."""
    stand.proxy.round_trip = stand.round_trip
    spread = Spread.of([await _arrival(stand, number) for number in range(size.events)])
    stand.proxy.round_trip = 0.0
    return spread


async def _arrival(stand: Stand, number: int) -> float:
    done = len(stand.service.events("pass done"))
    sender = "big@corp.example" if number % 2 else f"new{number}@n{number}.example"
    await stand.owner.server.deliver(stand.owner.name, message(sender, f"arrival {number}"))
    await stand.service.until_logged("pass done", done + 1)
    since_event: float = stand.service.events("pass done")[-1]["seconds"]
    return since_event
