"""The script: the mail that comes, the labels that you tap, and the outcomes. Only data."""

from dataclasses import dataclass
from typing import Final

from mailroom.demo.mailbox import (
    BAKERS,
    BROOK,
    CHAD,
    GRETA,
    LOOM,
    MIRA,
    PARCEL,
    TIDEWATER,
    Letter,
    Sender,
    Subject,
)
from mailroom.demo.sighting import Outcome

_OURS: Final = "Mailroom"
"""The group of the contacts that Mailroom made."""


LABEL_OFF: Final = "label off"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A mail comes, and is filed.

    Attributes:
        text: printed before.
        letter: the mail.
        about: the subject that the outcome is about.
        outcome: the state of the subject's mail and contact afterwards.
    """

    text: str
    letter: Letter
    about: Subject
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Tap:
    """You put labels on a mail, or remove one.

    Attributes:
        text: printed before.
        about: the subject that the label decides on.
        subject: the subject line of the mail.
        outcome: the state of the subject's mail and contact afterwards.
        add: the labels to put on.
        remove: the labels to remove.
        done: the event that ends the measured time.
    """

    text: str
    about: Subject
    subject: str
    outcome: Outcome
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    done: str = LABEL_OFF


@dataclass(frozen=True, slots=True)
class Scene:
    """Some steps under one title."""

    title: str
    steps: tuple[Arrival | Tap, ...]


def _filed(number: int, *mailboxes: str, groups: tuple[str, ...], note: str) -> Outcome:
    """Return an outcome: all mail in these mailboxes, the contact also in Mailroom's group."""
    return Outcome(number, frozenset(mailboxes), frozenset({*groups, _OURS}), note)


SCENES: Final = (
    Scene(
        "A newsletter, to be skimmed some time",
        (
            Tap(
                "One label on one mail, in whatever mail app you like:",
                LOOM,
                "Five looms you will love",
                add=("@ToFeed",),
                outcome=_filed(3, "Feed", groups=("Feed",), note="Triaged to Feed on "),
            ),
            Arrival(
                "Its next mail goes there by itself:",
                Letter(LOOM, "Linen is back"),
                LOOM,
                _filed(4, "Feed", groups=("Feed",), note="Triaged to Feed on "),
            ),
        ),
    ),
    Scene(
        "Receipts, to be found when they are needed",
        (
            Tap(
                "",
                BROOK,
                "Your receipt for order 1851",
                add=("@ToPaperTrail",),
                outcome=_filed(
                    2, "Paper Trail", groups=("Paper Trail",), note="Triaged to Paper Trail on "
                ),
            ),
        ),
    ),
    Scene(
        "Somebody who will not stop",
        (
            Tap(
                "",
                CHAD,
                "Bumping this to the top of your inbox",
                add=("@ToJail",),
                outcome=_filed(3, "Jail", groups=("Jail",), note="Triaged to Jail on "),
            ),
        ),
    ),
    Scene(
        "An old friend",
        (
            Tap(
                "A person gets a given name and a surname, and a place in your Inbox:",
                MIRA,
                "Back in town on Friday. Dinner?",
                add=("@ToPerson",),
                outcome=Outcome(
                    1,
                    frozenset({"Inbox", "Imbox", "Person"}),
                    frozenset({"Person", "Imbox", _OURS}),
                    "Triaged to Person on ",
                    given="Mira",
                    surname="Castellano",
                ),
            ),
        ),
    ),
    Scene(
        "A slip of the thumb",
        (
            Tap(
                "Two labels at once. Mailroom does not guess, it marks the mail and waits:",
                PARCEL,
                "Your parcel comes today",
                add=("@ToTruck", "@ToFeed"),
                outcome=Outcome(
                    1, frozenset({"Screener", "@ToTruck", "@ToFeed", "@MailroomError"})
                ),
                done="@MailroomError put on",
            ),
            Tap(
                "You take the wrong one off, and it goes on by itself:",
                PARCEL,
                "Your parcel comes today",
                remove=("@ToFeed",),
                outcome=_filed(
                    1,
                    "Truck",
                    "Paper Trail",
                    groups=("Truck", "Paper Trail"),
                    note="Triaged to Truck on ",
                ),
            ),
        ),
    ),
    Scene(
        "A change of mind",
        (
            Tap(
                "The Loom is too good to be skimmed. Another label is all it takes:",
                LOOM,
                "Linen is back",
                add=("@ToImbox",),
                outcome=_filed(4, "Imbox", groups=("Imbox",), note="Re-triaged to Imbox on "),
            ),
        ),
    ),
    Scene(
        "A mailing list",
        (
            Tap(
                "Three people have posted. One label on one post decides on the whole list:",
                BAKERS,
                "Why is my crumb so dense?",
                add=("@ToFeed",),
                outcome=_filed(3, "Feed", groups=("Feed",), note="Triaged to Feed on "),
            ),
            Arrival(
                "Somebody new posts:",
                Letter(Sender("Noor Aziz", "noor@aziz.example"), "Spelt?", mailing_list=BAKERS),
                BAKERS,
                _filed(4, "Feed", groups=("Feed",), note="Triaged to Feed on "),
            ),
            Arrival(
                "Nobody who posts became a contact, so Greta's own letter waits:",
                Letter(GRETA, "May I ask you something?"),
                GRETA,
                Outcome(1, frozenset({"Screener"})),
            ),
        ),
    ),
    Scene(
        "Everybody at a company",
        (
            Tap(
                "A second label on the same mail decides on everybody at the sender's domain:",
                TIDEWATER,
                "Invoice 311",
                add=("@WholeDomain", "@ToPaperTrail"),
                outcome=_filed(
                    3, "Paper Trail", groups=("Paper Trail",), note="Triaged to Paper Trail on "
                ),
            ),
            Arrival(
                "Somebody new at the company writes:",
                Letter(Sender("Tidewater News", "news@tidewater.example"), "We have moved"),
                TIDEWATER,
                _filed(
                    4, "Paper Trail", groups=("Paper Trail",), note="Triaged to Paper Trail on "
                ),
            ),
        ),
    ),
    Scene(
        "Mercy",
        (
            Tap(
                "@ToScreener undoes. The contact goes as well, as Mailroom has made it:",
                CHAD,
                "Quick question, Alex",
                add=("@ToScreener",),
                outcome=Outcome(3, frozenset({"Screener"})),
            ),
        ),
    ),
)
