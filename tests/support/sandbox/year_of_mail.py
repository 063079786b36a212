"""A year of made-up mail: senders of known kinds, whose mail looks as such senders' mail does.

The same seed makes the same mail. Nothing here knows by which signals Mailroom recognises a kind.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from mailroom.sandbox import OwnerConsole

OWN: Final = "alice@example.com"
DAYS: Final = 364
PERSON: Final = "person"
COMPANY: Final = "company"
NEWSLETTER: Final = "newsletter"
NOTIFICATIONS: Final = "notifications"
RECEIPTS: Final = "receipts"
MAILING_LIST: Final = "mailing list"
STRANGER: Final = "stranger"

_GIVEN: Final = (
    *("Ann", "Ben", "Cleo", "Dirk", "Eve", "Finn", "Gül", "Hana", "Ivo", "Jun", "Kai", "Léa"),
    *("Max", "Nora", "Olga", "Per", "Quinn"),
)
_SURNAMES: Final = (
    *("Weaver", "Dyer", "Smith", "Müller", "Rossi", "Silva", "Novák", "Öz", "Ito", "Park"),
    *("Khan", "Berg", "Roy"),
)
_LETTERS: Final = (
    *(
        "Lunch on Friday?",
        "Re: the loom",
        "Photos",
        "Your question",
        "Next week",
        "Hallo",
        "Ça va?",
    ),
    *("In order to meet", "Our trip", "Invoice of the plumber?", "Fwd: tickets", "Happy birthday"),
)
_NEWS: Final = (
    *("Issue {n}: warp and weft", "Order now and save 20 %", "Free delivery this weekend", "News"),
    *(
        "In order to grow, {n} ideas",
        "The week in looms",
        "Neue Muster für den Herbst",
        "Last day!",
    ),
    *("Notre lettre n° {n}", "What we read in week {n}", "Ofertas de verano", "{n} new patterns"),
)
_EVENTS: Final = (
    *("[loom] Fix the shuttle (#{n})", "Build {n} failed", "New login to your account", "Reminder"),
    *("Ben mentioned you", "3 new messages", "Backup finished", "Termin morgen um 10 Uhr"),
    *("Your weekly report", "Someone liked your post", "Disk is {n} % full", "Password changed"),
)
_TALK: Final = ("Re: [dev] Shuttle threads", "[dev] Release {n}", "Warping order", "Patch {n}")
_RECEIPTS: Final = {
    "en": ("Your order #{n}", "Receipt for {n}", "Invoice {n}", "Your package has shipped"),
    "de": ("Rechnung Nr. {n}", "Ihre Bestellung {n}", "Versandbestätigung", "Zahlung erhalten"),
    "fr": ("Votre facture n° {n}", "Commande {n} confirmée", "Votre reçu", "Colis en route"),
    "es": ("Factura {n}", "Tu pedido {n}", "Recibo de pago", "Pedido enviado"),
    "it": ("Fattura {n}", "Il tuo ordine {n}", "Ricevuta di pagamento", "Spedizione in corso"),
    "nl": ("Factuur {n}", "Je bestelling {n}", "Betaling ontvangen", "Je pakket is onderweg"),
    "pt": ("Fatura {n}", "Seu pedido {n}", "Pagamento aprovado", "Nota fiscal {n}"),
    "pl": ("Faktura {n}", "Zamówienie {n}", "Płatność przyjęta", "Twoja przesyłka"),
    "sv": ("Kvitto {n}", "Orderbekräftelse {n}", "Faktura {n}", "Leverans på väg"),
    "tr": ("Siparişiniz {n}", "Fatura {n}", "Ödeme tamam", "Kargoya verildi"),
    "ru": ("Ваш заказ {n}", "Кассовый чек", "Счёт {n}", "Оплата получена"),
    "ja": ("ご注文の確認 {n}", "領収書 {n}", "請求書 {n}", "発送のお知らせ"),
}
_OTHER: Final = ("How was it?", "Welcome!", "Wie zufrieden sind Sie?", "Votre avis compte")


@dataclass
class MadeUpSender:
    """A sender of a known kind.

    Attributes:
        who: the address, or the List-Id.
        kind: the kind.
        mails: the number of mails.
    """

    who: str
    kind: str
    mails: int = 0


@dataclass
class YearOfMail:
    """Fills an account.

    Attributes:
        console: the owner of the account.
        now: the end of the year.
        senders: the senders so far.
        count: the number of mails from senders so far.
    """

    console: OwnerConsole
    now: datetime
    senders: list[MadeUpSender] = field(default_factory=list)
    count: int = 0
    _chance: random.Random = field(
        default_factory=lambda: random.Random(13)  # noqa: S311 - the same mail each time
    )
    _number: int = 0

    def fill(self, mails: int, *, scale: int = 1) -> None:
        """Add senders of all kinds, a number of each for ``scale``, until there is so much mail."""
        makers = {
            self._person: 15,
            self._company: 3,
            self._newsletter: 9,
            self._shop: 9,
            self._notifier: 9,
            self._mailing_list: 2,
            self._stranger: 40,
        }
        for make, share in makers.items():
            for _ in range(share * scale):
                make()
        assert self.count <= mails, self.count
        regular = [sender for sender in self.senders if sender.kind == NEWSLETTER]
        while self.count < mails:
            sender = self._chance.choice(regular)
            unsubscribe = ("List-Unsubscribe: <https://loom.example/u>",)
            self._receive(sender, sender.who, self._chance.choice(_NEWS), unsubscribe)

    def _person(self) -> None:
        name = f"{self._chance.choice(_GIVEN)} {self._chance.choice(_SURNAMES)}"
        sender = self._new("{name}@home{n}.example", PERSON, name=name.split(maxsplit=1)[0].lower())
        mails, habit = self._chance.randint(2, 40), self._chance.random()
        for at in range(mails):
            answers_this = at == 0 or self._chance.random() < 0.4
            keywords = ("$answered",) if answers_this and habit > 0.5 else ()
            fields = ("Auto-Submitted: auto-replied",) if self._chance.random() < 0.05 else ()
            letter = self._receive(
                sender, f"{name} <{sender.who}>", self._chance.choice(_LETTERS), fields, keywords
            )
            if answers_this and habit < 0.4:
                self._send(sender.who)
            elif answers_this and habit <= 0.5:  # to another address of theirs
                self._send(f"work{self._number}@corp.example", answers=letter)

    def _company(self) -> None:
        word = self._chance.choice(("info", "support", "office", "hello"))
        sender = self._new(f"{word}@firm{{n}}.example", COMPANY)
        for _ in range(self._chance.randint(3, 20)):
            name = f"{self._chance.choice(_GIVEN)} of the firm"
            keywords = ("$answered",) if self._chance.random() < 0.6 else ()
            subject = self._chance.choice(_LETTERS)
            self._receive(sender, f"{name} <{sender.who}>", subject, (), keywords)
        self._send(sender.who)

    def _newsletter(self) -> None:
        habit = self._chance.random()
        word = (
            "news" if habit < 0.1 else self._chance.choice(("hello", "ben", "newsletter", "mail"))
        )
        sender = self._new(f"{word}@paper{{n}}.example", NEWSLETTER)
        fields: tuple[str, ...] = ("List-Unsubscribe: <mailto:u@paper.example>",)
        if habit < 0.1:
            fields = ()
        elif habit < 0.3:
            fields = (*fields, "Feedback-ID: 1:2:3", f"List-Id: <{sender.who.partition('@')[2]}>")
        elif habit > 0.95:  # written by hand to everybody in Bcc
            fields = ()
        for _ in range(self._chance.randint(20, 90)):
            keywords = ("$answered",) if self._chance.random() < 0.005 else ()
            subject = self._chance.choice(_NEWS)
            self._receive(sender, f"Paper <{sender.who}>", subject, fields, keywords)

    def _shop(self) -> None:
        word = self._chance.choice(("orders", "noreply", "service", "info", "shop", "rechnung"))
        sender = self._new(f"{word}@shop{{n}}.example", RECEIPTS)
        lines = self._chance.choice([*_RECEIPTS.values()])
        fields = self._chance.choice(
            ((), ("Auto-Submitted: auto-generated",), ("Feedback-ID: 7:8:9",))
        )
        for _ in range(self._chance.randint(2, 25)):
            subjects = lines if self._chance.random() < 0.8 else _OTHER
            self._receive(sender, f"Shop <{sender.who}>", self._chance.choice(subjects), fields)
        if self._chance.random() < 0.1:
            self._send(sender.who)

    def _notifier(self) -> None:
        ways = {
            "notifications": ("List-Id: <loom.{d}>", "List-Post: <mailto:reply@{d}>"),
            "no-reply": ("Auto-Submitted: auto-generated",),
            "updates": ("List-Unsubscribe: <https://{d}/u>", "Feedback-ID: 4:5:6"),
            "monitor": ("Precedence: bulk",),
            "alerts": (),
            "calendar": ("Auto-Submitted: auto-generated",),
        }
        word = self._chance.choice([*ways])
        sender = self._new(f"{word}@site{{n}}.example", NOTIFICATIONS)
        domain = sender.who.partition("@")[2]
        fields = tuple(line.format(d=domain) for line in ways[word])
        for _ in range(self._chance.randint(20, 120)):
            name = self._chance.choice(_GIVEN) if word == "notifications" else "Site"
            subject = self._chance.choice(_EVENTS)
            self._receive(sender, f"{name} <{sender.who}>", subject, fields)

    def _mailing_list(self) -> None:
        sender = self._new("dev{n}.lists.example", MAILING_LIST)
        label = sender.who.partition(".")[0]
        post = f"{label}@lists.example"
        fields = (f"List-Id: Weavers <{sender.who}>", f"List-Post: <mailto:{post}>")
        for _ in range(self._chance.randint(60, 200)):
            poster = f"poster{self._chance.randrange(40)}@p{self._chance.randrange(40)}.example"
            if self._chance.random() < 0.1:
                poster = f"Ann via {label} <{post}>"
            self._receive(sender, poster, self._chance.choice(_TALK), fields)

    def _stranger(self) -> None:
        sender = self._new("stranger{n}@far{n}.example", STRANGER)
        for _ in range(self._chance.randint(1, 3)):
            self._receive(sender, f"Sam <{sender.who}>", self._chance.choice(_LETTERS))

    def _new(self, pattern: str, kind: str, **parts: str) -> MadeUpSender:
        sender = MadeUpSender(pattern.format(n=len(self.senders), **parts), kind)
        self.senders.append(sender)
        return sender

    def _receive(
        self,
        sender: MadeUpSender,
        from_: str,
        subject: str,
        fields: tuple[str, ...] = (),
        keywords: tuple[str, ...] = (),
    ) -> str:
        """Have a mail come, read or not; return its Message-ID."""
        sender.mails += 1
        self.count += 1
        seen = ("$seen",) if self._chance.random() < 0.5 else ()
        return self._store("Inbox", from_, OWN, subject, fields, (*keywords, *seen))

    def _send(self, to: str, *, answers: str = "") -> None:
        fields = (f"In-Reply-To: {answers}",) if answers else ()
        self._store("Sent", OWN, to, self._chance.choice(_LETTERS), fields, ("$seen",))

    def _store(
        self,
        mailbox: str,
        from_: str,
        to: str,
        subject: str,
        fields: tuple[str, ...],
        keywords: tuple[str, ...],
    ) -> str:
        self._number += 1
        message_id = f"<{self._number}@year.example>"
        head = (f"From: {from_}", f"To: {to}", f"Subject: {subject.format(n=self._number)}")
        lines = (*head, f"Message-ID: {message_id}", *fields)
        age = timedelta(days=DAYS) * self._chance.random()
        self.console.append(
            ("\n".join(lines) + "\n\nHi.\n").encode(),
            mailboxes=[mailbox],
            keywords=keywords,
            received_at=self.now - age,
        )
        return message_id


def table(rows: Mapping[str, Mapping[str, int]], answers: Sequence[str]) -> Iterator[str]:
    """Yield the lines of a confusion table: a row for each kind, a column for each answer."""
    yield " " * 14 + "".join(f"{answer:>13}" for answer in answers)
    for kind, row in rows.items():
        yield f"{kind:14}" + "".join(f"{row.get(answer, 0):13}" for answer in answers)
