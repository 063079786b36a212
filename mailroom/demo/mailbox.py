"""The mail of the demo: its senders, its subjects, and its form on the wire."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from itertools import count, cycle
from typing import Final

from mailroom.contacts.address import list_key

YOU: Final = "alex@example.com"


@dataclass(frozen=True, slots=True)
class Sender:
    """A sender of mail."""

    name: str
    address: str

    @property
    def key(self) -> str:
        """The key of the contact in the address book."""
        return self.address


@dataclass(frozen=True, slots=True)
class MailingList:
    """A mailing list that many people write to.

    Attributes:
        name: its name.
        identifier: the identifier in List-Id.
        address: the address that people post to.
    """

    name: str
    identifier: str
    address: str

    @property
    def key(self) -> str:
        """The key of the contact in the address book."""
        return list_key(self.identifier)


@dataclass(frozen=True, slots=True)
class Domain:
    """Everybody at a domain; ``name`` is the domain."""

    name: str

    @property
    def address(self) -> str:
        """The address of the contact."""
        return f"*@{self.name}"

    @property
    def key(self) -> str:
        """The key of the contact in the address book."""
        return self.address


Subject = Sender | MailingList | Domain
"""The subject of a decision."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail that came ``hours`` ago, perhaps over a mailing list."""

    sender: Sender
    subject: str
    hours: float = 0
    mailing_list: MailingList | None = None

    @property
    def about(self) -> Sender | MailingList:
        """The subject of a decision by one label on the mail."""
        return self.mailing_list or self.sender

    def is_of(self, about: Subject) -> bool:
        """Return True if the mail is of a sender, a list, or somebody at a domain."""
        if isinstance(about, Domain):
            return self.sender.address.endswith(f"@{about.name}")
        return self.about == about

    def message(self, number: int, now: datetime) -> bytes:
        """Return the mail as it is sent (RFC 5322); ``number`` makes the message id unique."""
        sent = EmailMessage()
        sent["From"] = Address(self.sender.name, addr_spec=self.sender.address)
        sent["To"] = YOU
        if self.mailing_list:
            mailing_list = self.mailing_list
            sent.replace_header("To", mailing_list.address)
            sent["List-Id"] = f"{mailing_list.name} <{mailing_list.identifier}>"
            sent["List-Post"] = f"<mailto:{mailing_list.address}>"
        sent["Subject"] = self.subject
        sent["Date"] = format_datetime(self.received_at(now))
        sent["Message-ID"] = f"<{number}@{self.sender.address.partition('@')[2]}>"
        sent.set_content(f"Hello Alex,\n\n{self.subject}\n\n{self.sender.name}\n")
        return sent.as_bytes()

    def received_at(self, now: datetime) -> datetime:
        """Return the time of the arrival."""
        return now - timedelta(hours=self.hours)


LOOM: Final = Sender("The Daily Loom", "hello@dailyloom.example")
BROOK: Final = Sender("Brook & Sons", "orders@brookandsons.example")
CHAD: Final = Sender("Chad Sterling", "chad@growthrocket.example")
MIRA: Final = Sender("Mira Castellano", "mira@castellano.example")
PARCEL: Final = Sender("Swift Parcel", "tracking@swiftparcel.example")
CHOIR: Final = Sender("Harbour Choir", "board@harbourchoir.example")
INES: Final = Sender("Ines Moreau", "ines@moreau.example")
TOM: Final = Sender("Tom Okafor", "tom@okafor.example")
GRETA: Final = Sender("Greta Holm", "greta@holm.example")
BAKERS: Final = MailingList("Sourdough Circle", "sourdough.lists.example", "bake@lists.example")
SUPPORT: Final = Sender("Tidewater Support", "support@tidewater.example")
BILLING: Final = Sender("Tidewater Billing", "billing@tidewater.example")
LENA: Final = Sender("Lena Brandt", "lena@tidewater.example")
TIDEWATER: Final = Domain("tidewater.example")

FIRST: Final = (
    Letter(LOOM, "Five looms you will love", 52),
    Letter(BROOK, "Your receipt for order 1843", 49),
    Letter(CHAD, "Quick question, Alex", 47),
    Letter(LOOM, "Is cotton over?", 28),
    Letter(CHAD, "Did you see my last mail?", 23),
    Letter(BROOK, "Your receipt for order 1851", 9),
    Letter(MIRA, "Back in town on Friday. Dinner?", 6),
    Letter(CHAD, "Bumping this to the top of your inbox", 5),
    Letter(PARCEL, "Your parcel comes today", 3),
    Letter(LOOM, "Weaving the weekend", 2),
    Letter(CHOIR, "We still need a tenor for December", 1),
    Letter(INES, "Why is my crumb so dense?", 0.9, BAKERS),
    Letter(SUPPORT, "Ticket 88 is solved", 0.8),
    Letter(TOM, "Re: Why is my crumb so dense?", 0.7, BAKERS),
    Letter(GRETA, "Rye starter to give away", 0.6, BAKERS),
    Letter(BILLING, "Invoice 311", 0.5),
    Letter(LENA, "Minutes of our call", 0.4),
)
"""The mail at the beginning."""

_STRANGERS: Final = (
    Letter(Sender("Velvet Records", "news@velvetrecords.example"), "Twelve inches of joy"),
    Letter(Sender("Jonas Lindqvist", "jonas@lindqvist.example"), "We met at the bike shop"),
    Letter(Sender("CloudPay", "billing@cloudpay.example"), "Invoice 2207 is paid"),
    Letter(Sender("Lucky Larry", "larry@lottery.example"), "You have WON!!!"),
    Letter(Sender("Corner Bakery", "post@cornerbakery.example"), "New: bread by subscription"),
    Letter(Sender("Dr. Priya Raman", "p.raman@dentist.example"), "Time for a check-up"),
)
_AGAIN: Final = ("One more thing", "News since last time", "Before I forget", "And finally")


def strangers() -> Iterator[Letter]:
    """Yield mail of people who have not written yet, without end."""
    for number in count(1):
        for letter in _STRANGERS:
            sender = letter.sender
            yield (
                letter
                if number == 1
                else Letter(
                    Sender(f"{sender.name} {number}", f"no{number}.{sender.address}"),
                    letter.subject,
                )
            )


def further_subjects() -> Iterator[str]:
    """Yield subjects for further mail of a sender, without end."""
    return cycle(_AGAIN)
