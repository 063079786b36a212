"""A digest as a mail: a plain text for terminals, and HTML for phones. Pure.

Texts of strangers are made safe as on the page, and nothing in them becomes a link: mail apps make
links of addresses in plain text as well.
"""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cache
from hashlib import sha256
from typing import Final
from urllib.parse import quote

import idna
from jinja2 import Environment, PackageLoader, StrictUndefined

from mailroom.digest.content import Digest
from mailroom.digest.delivery import DigestMail
from mailroom.screener.overview.decided import DecidedCard
from mailroom.screener.overview.waiting import WaitingSubject
from mailroom.web.text import SAFE_DOT, address, clean, unlinked

_WIDTH: Final = 72
"""Columns of the plain text."""
_MOST_PEOPLE: Final = 20
_MOST_OTHERS: Final = 12
_MOST_NAMED: Final = 2
"""Senders who are named in the subject line."""
_LONGEST_NAME: Final = 60
_BRACKETS: Final = {ord(bracket): None for bracket in "<>"}
_ADDRESS: Final = re.compile(r"(?i)(?!www\.)[\w.+=*'-]*@[\w.-]+")
"""A mail address in which mail apps do not find the address of a web site."""
_NOBODY: Final = Address("Mailroom", "nobody", "mailroom.invalid")


@dataclass(frozen=True, slots=True)
class Frame:
    """The facts of a digest that do not depend on who waits.

    Attributes:
        account: the id of the account.
        owner: the address of the account's owner; the digest is from and to this address.
        due: the moment at which the digest is due.
        zone: the time zone of its day; None: that of the machine.
        labels: pairs of a category's name and its label, in the order of the settings.
        page: the address of the page, without a slash at the end; empty if the page is off.
    """

    account: str
    owner: str
    due: datetime
    zone: tzinfo | None
    labels: Sequence[tuple[str, str]]
    page: str = ""

    @property
    def message_id(self) -> str:
        """The Message-ID, without angle brackets: the same for all digests of a day."""
        account = sha256(self.account.encode()).hexdigest()[:16]
        # The top-level domain `invalid` belongs to nobody (RFC 6761 section 6.4).
        return f"digest.{self.due.astimezone(self.zone):%Y-%m-%d}.{account}@mailroom.invalid"


def compose(digest: Digest, frame: Frame) -> DigestMail:
    """Return a digest as a mail. The same content gives the same bytes."""
    mail = EmailMessage(policy=SMTP)
    local, _, domain = frame.owner.rpartition("@")
    try:
        ascii_domain = idna.encode(domain, uts46=True).decode()
        owner = Address("Mailroom", addr_spec=f"{local}@{ascii_domain}")
    except (ValueError, HeaderParseError):
        owner = _NOBODY  # the address has no form in ASCII
    mail["From"] = owner
    mail["To"] = owner.addr_spec
    mail["Subject"] = subject_line(digest)
    mail["Date"] = format_datetime(frame.due.astimezone(frame.zone))
    mail["Message-ID"] = f"<{frame.message_id}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation notice answers it
    mail.set_content(as_text(digest, frame), cte="quoted-printable")
    mail.add_alternative(as_html(digest, frame), subtype="html", cte="quoted-printable")
    mail.set_boundary(sha256(frame.message_id.encode()).hexdigest()[:32])
    return DigestMail(mail.as_bytes(), frame.message_id, frame.due)


def subject_line(digest: Digest) -> str:
    """Return the subject line, which names the first people."""
    senders = "1 new sender waits" if digest.new == 1 else f"{digest.new} new senders wait"
    names = [_name(waiting) for waiting in digest.people[:_MOST_NAMED]]
    if not names:
        return senders
    more = digest.new - len(names)
    return f"{senders}: {_joined([*names, f'{more} more'] if more else names)}"


def as_text(digest: Digest, frame: Frame) -> str:
    """Return the digest as plain text."""
    lines = list[str]()
    for waiting in digest.people[:_MOST_PEOPLE]:
        # The name and the address have a line each: a name that is written from right to left would
        # reorder the rest of its line.
        name, who = _name(waiting), address_of(waiting.address)
        lines += [name] if name == who else [name, f"  {who}"]
        lines += _wrapped(_mails(waiting), indent="  ")
        if link := _link(waiting, frame):
            lines.append(f"  {link}")
        lines.append("")
    if more := digest.people[_MOST_PEOPLE:]:
        lines += [f"And {len(more)} more people.", ""]
    for line in filter(None, (_others(digest), _forged(digest), _longer(digest))):
        lines += _wrapped(line)
        lines.append("")
    labels = _joined([f"{label} ({category})" for category, label in frame.labels], "or")
    lines += _wrapped(f"To decide, put a label on a mail in the Screener: {labels}.")
    if frame.page:
        lines.append(f"Or decide on the page: {frame.page}/")
    if digest.decided:
        lines += ["", "Decided last:"]
        width = max(len(_categories(decision)) for decision in digest.decided)
        for decision in digest.decided:
            lines.append(f"  {_categories(decision):{width}}  {_decided(decision)}")
    return "\n".join([*lines, ""])


def as_html(digest: Digest, frame: Frame) -> str:
    """Return the digest as HTML, which refers to nothing outside of the mail but the page."""
    return (
        _environment()
        .get_template("digest.html")
        .render(
            title=subject_line(digest),
            people=digest.people[:_MOST_PEOPLE],
            more_people=len(digest.people[_MOST_PEOPLE:]),
            others=_others(digest),
            forged=_forged(digest),
            longer=_longer(digest),
            decided=digest.decided,
            labels=frame.labels,
            page=frame.page,
            link=lambda waiting: _link(waiting, frame),
        )
    )


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _mails(waiting: WaitingSubject) -> str:
    """Return how many mails of a subject wait, and the subject line of the newest."""
    line = unlinked(clean(waiting.subject_line)) or "(no subject line)"
    return line if waiting.count == 1 else f"{waiting.count} mails, the newest: {line}"


def _others(digest: Digest) -> str:
    names = [_name(waiting) for waiting in digest.others[:_MOST_OTHERS]]
    if more := digest.others[_MOST_OTHERS:]:
        names.append(f"{len(more)} more")
    kind = "Lists, newsletters and programs"
    return f"{kind}: {_joined(names)}." if names else ""


def _forged(digest: Digest) -> str:
    if not digest.forged:
        return ""
    count = digest.forged
    senders = "1 forged sender waits" if count == 1 else f"{count} forged senders wait"
    return f"{senders}, too."


def _longer(digest: Digest) -> str:
    if not digest.longer:
        return ""
    waits = "1 sender has waited" if digest.longer == 1 else f"{digest.longer} senders have waited"
    return f"{waits} longer."


def _name(waiting: WaitingSubject) -> str:
    """Return the name of a subject; its address if it has none."""
    return _shown_name(waiting.name) or address_of(waiting.address) or "(no sender)"


def _categories(decision: DecidedCard) -> str:
    return ", ".join(decision.categories)


def _decided(decision: DecidedCard) -> str:
    subject = str(decision.subjects[0])
    who = address_of(subject)
    # The card of a sender without a name has the address as its name.
    name = "" if decision.name.strip() == subject else _shown_name(decision.name)
    return f"{name} <{who.strip('<>')}>" if name else who


def _link(waiting: WaitingSubject, frame: Frame) -> str:
    """Return the address of a subject's page; empty if there is none.

    The page only shows the subject: opening it decides nothing.
    """
    if not frame.page or waiting.subject is None:
        return ""
    return f"{frame.page}/subject?who={quote(str(waiting.subject), safe='')}"


def _shown_name(name: str) -> str:
    """Return a name without angle brackets, so that it cannot pretend to hold an address."""
    return unlinked(clean(name.translate(_BRACKETS), _LONGEST_NAME))


def address_of(text: str) -> str:
    """Return an address in full, in which mail apps find no link but to the address itself.

    ``https://example.com/@example.com`` is a valid address for some servers. In such an address
    slashes and colons are written as escapes.
    """
    shown = address(text)
    if _ADDRESS.fullmatch(text):
        return shown
    escaped = shown.replace("/", r"\x2f").replace(":", r"\x3a")
    return escaped.replace(".", SAFE_DOT)


def _joined(names: Sequence[str], conjunction: str = "and") -> str:
    """Return names as in a sentence: ``Ann, Ben and 3 more``."""
    if len(names) == 1:
        return names[0]
    return f"{', '.join(names[:-1])} {conjunction} {names[-1]}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("mailroom.digest"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "name": _name,
        "address": address_of,
        "mails": _mails,
        "categories": _categories,
        "decided": _decided,
    }
    return environment
