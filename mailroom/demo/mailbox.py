"""The mail of the demo: its senders, its subjects, and its form on the wire."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from itertools import count, cycle
from typing import Final

YOU: Final = "alex@example.com"


@dataclass(frozen=True, slots=True)
class Sender:
    """A sender of mail."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail that came ``hours`` ago."""

    sender: Sender
    subject: str
    hours: float = 0

    def message(self, number: int, now: datetime) -> bytes:
        """Return the mail as it is sent (RFC 5322); ``number`` makes the message id unique."""
        sent = EmailMessage()
        sent["From"] = Address(self.sender.name, addr_spec=self.sender.address)
        sent["To"] = YOU
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
