"""The owner's address-book app for a CardDAV server (RFC 6352), with access to raw vCards."""

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any
from xml.etree import ElementTree as ET

import aiohttp

from tests.support.owner.contacts_app import Contact, ContactsApp

_VCARD = "text/vcard; charset=utf-8"
_OURS = ("FN", "N", "ORG", "NOTE", "X-MAILROOM")
"""Properties that Mailroom writes."""
_MEMBER = "X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:"
_ODD = [
    ("PHOTO;ENCODING=b;TYPE=JPEG:*** no base64 =", "FN:O", "N:O;;;;"),
    ("N:O;;;;",),
    ("FN:O",),
    ("FN:O", "N:O;;;;", "", "X-A:1"),
    ("FN:", "N:;;;;", "X-ADDRESSBOOKSERVER-KIND:group"),
    ("FN:Feed", "N:;;;;", "X-ADDRESSBOOKSERVER-KIND:location"),
]


def default_book(server: str, user: str) -> str:
    """The address book that everybody has on Cyrus and on the sandbox."""
    return f"{server}/dav/addressbooks/user/{user}/Default/"


class VCardApp(ContactsApp):
    """Speaks plain CardDAV.

    Attributes:
        book_url: the address book.
    """

    def __init__(
        self, session: aiohttp.ClientSession, book_url: str, user: str, password: str
    ) -> None:
        self.book_url = book_url
        self._session = session
        self._auth = {"Authorization": aiohttp.encode_basic_auth(user, password)}

    async def dav(
        self, method: str, url: str, body: str = "", **headers: str
    ) -> tuple[int, str, Mapping[str, str]]:
        """Send a request, and again while the book is locked; return status, body and headers."""
        named = {**self._auth, **{name.replace("_", "-"): value for name, value in headers.items()}}
        while True:
            async with self._session.request(
                method, url, data=body.encode(), headers=named
            ) as response:
                if response.status != HTTPStatus.LOCKED:
                    return response.status, await response.text(), response.headers
            await asyncio.sleep(0.02)

    async def put_card(self, uid: str, text: str) -> None:
        """Write a card, or replace it."""
        status, answer, _ = await self.dav(
            "PUT", f"{self.book_url}{uid}.vcf", text, Content_Type=_VCARD
        )
        assert status in {201, 204}, answer

    async def cards(self) -> dict[str, list[str]]:
        """Return resource name -> unfolded lines, for all cards and groups."""
        query = (
            '<C:addressbook-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav">'
            "<D:prop><C:address-data/></D:prop><C:filter/></C:addressbook-query>"
        )
        status, answer, _ = await self.dav(
            "REPORT", self.book_url, query, Depth="1", Content_Type="application/xml"
        )
        assert status == 207, answer
        cards = {}
        for response in ET.fromstring(answer).iter("{DAV:}response"):  # noqa: S314 - our own server
            href = response.findtext("{DAV:}href", "")
            data = response.findtext(".//{urn:ietf:params:xml:ns:carddav}address-data") or ""
            cards[href.rpartition("/")[2]] = unfolded(data)
        return cards

    async def card_of(self, address: str) -> list[str]:
        """The unfolded lines of the one card that bears an address."""
        (card,) = await self.cards_of(address)
        return card

    async def cards_of(self, address: str) -> list[list[str]]:
        """The unfolded lines of all cards that bear an address."""
        wanted = address.lower()
        return [
            lines
            for lines in (await self.cards()).values()
            if wanted in {value.lower() for value in values(lines, "EMAIL")}
        ]

    async def contacts(self) -> list[Contact]:
        cards = (await self.cards()).values()
        return [_contact(lines) for lines in cards if not is_group(lines)]

    async def groups(self) -> dict[str, set[str]]:
        return {
            value(lines, "FN"): {
                member.removeprefix("urn:uuid:")
                for name in ("X-ADDRESSBOOKSERVER-MEMBER", "MEMBER")
                for member in values(lines, name)
            }
            for lines in (await self.cards()).values()
            if is_group(lines)
        }

    async def add_contact(self, contact: Contact) -> None:
        first, *more = contact.addresses
        await self._put_lines(
            contact.uid,
            *(f"FN:{contact.full}", f"N:{contact.surname};{contact.given};;;"),
            f"EMAIL;TYPE=INTERNET,WORK:{first}",
            *(f"EMAIL:{address}" for address in more),
            "NICKNAME:Annie,Fuzzy\\, the Bear",
            "URL:https://x.example/a,b;c?d=e",
            "X-FOO:a;b",
            "NOTE:" + "\\n".join(line.replace(",", "\\,") for line in contact.note),
        )

    async def add_group(self, uid: str, name: str, members: Sequence[str] = ()) -> None:
        await self._put_lines(
            uid,
            *(f"FN:{name}", f"N:{name};;;;", "X-ADDRESSBOOKSERVER-KIND:group"),
            *(f"X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:{uid}" for uid in members),
            "NOTE:What I read on Sundays",
            "X-CUSTOM;X-P=1:a;b,c",
        )

    async def add_odd_cards(self) -> list[str]:
        odd = {f"odd{at}": lines for at, lines in enumerate(_ODD)}
        return [uid for uid, lines in odd.items() if (await self._put(uid, *lines))[0] == 201]

    async def _put_lines(self, uid: str, *lines: str) -> None:
        status, answer, _ = await self._put(uid, *lines)
        assert status == 201, answer

    async def _put(self, uid: str, *lines: str) -> tuple[int, str, Mapping[str, str]]:
        whole = ["BEGIN:VCARD", "VERSION:3.0", f"UID:{uid}", *lines, "END:VCARD", ""]
        text, url = "\r\n".join(whole), f"{self.book_url}{uid}.vcf"
        return await self.dav("PUT", url, text, Content_Type=_VCARD)

    async def _text(self, uid: str) -> str:
        status, text, _ = await self.dav("GET", f"{self.book_url}{uid}.vcf")
        assert status == 200, text
        return text

    async def _edit(self, uid: str, edit: Callable[[str], str]) -> None:
        await self.put_card(uid, edit(await self._text(uid)))

    async def add_phone(self, uid: str) -> None:
        await self._edit(uid, lambda text: text.replace("END:VCARD", "TEL:1\r\nEND:VCARD"))

    async def rename_organization(self, uid: str, name: str) -> None:
        await self._edit(uid, lambda text: re.sub(r"(?m)^ORG:.*?\r$", f"ORG:{name}\r", text))

    async def change_address(self, uid: str, address: str) -> None:
        email = re.compile(r"(?m)^(EMAIL[^:]*):.*?\r$")
        await self._edit(uid, lambda text: email.sub(rf"\1:{address}\r", text, count=1))

    async def rename_group(self, group: str, name: str) -> None:
        await self._edit_group(group, lambda text: re.sub(r"(?m)^FN:.*?\r$", f"FN:{name}\r", text))

    async def join(self, group: str, uid: str) -> None:
        member = f"{_MEMBER}{uid}\r\n"
        await self._edit_group(group, lambda text: text.replace("END:VCARD", f"{member}END:VCARD"))

    async def leave(self, group: str, uid: str) -> None:
        await self._edit_group(group, lambda text: text.replace(f"{_MEMBER}{uid}\r\n", ""))

    async def _edit_group(self, group: str, edit: Callable[[str], str]) -> None:
        (name,) = [
            name
            for name, lines in (await self.cards()).items()
            if is_group(lines) and value(lines, "FN") == group
        ]
        await self._edit(name.removesuffix(".vcf"), edit)

    async def delete(self, uid: str) -> None:
        status, answer, _ = await self.dav("DELETE", f"{self.book_url}{uid}.vcf")
        assert status in {200, 204}, answer

    async def everything_on(self, uid: str) -> Any:
        lines = unfolded(await self._text(uid))
        return sorted(line for line in lines if not line.startswith("REV"))

    async def rest_of(self, uid: str) -> Any:
        return [line for line in await self.everything_on(uid) if name_of(line) not in _OURS]


def unfolded(card: str) -> list[str]:
    """The lines of a vCard, unfolded (RFC 6350 section 3.2)."""
    return re.sub(r"\r?\n[ \t]", "", card).splitlines()


def name_of(line: str) -> str:
    """The property of an unfolded line, in capitals."""
    return line.partition(":")[0].partition(";")[0].rpartition(".")[2].upper()


def values(lines: Iterable[str], name: str) -> list[str]:
    """The raw values of all lines of a property, group prefixes and parameters left out."""
    return [line.partition(":")[2] for line in lines if name_of(line) == name]


def value(lines: Iterable[str], name: str) -> str:
    """The raw value of the one line of a property."""
    (single,) = values(lines, name)
    return single


def is_group(lines: Iterable[str]) -> bool:
    """Return True if a card is a group, in Apple's form or in vCard 4's."""
    lines = list(lines)
    kinds = values(lines, "X-ADDRESSBOOKSERVER-KIND") + values(lines, "KIND")
    return any(kind.lower() == "group" for kind in kinds)


def note(lines: Iterable[str]) -> list[str]:
    """The lines of a card's notes."""
    return [line for note in values(lines, "NOTE") for line in _plain(note).split("\n")]


def _plain(escaped: str) -> str:
    """A value without its backslashes (RFC 6350 section 3.4)."""
    return re.sub(r"\\(.)", lambda match: "\n" if match[1] in "nN" else match[1], escaped)


def _parts(structured: Sequence[str]) -> list[str]:
    """Return the components of the first structured value, and two empty ones behind them."""
    first = next(iter(structured), "")
    return [*map(_plain, re.split(r"(?<!\\);", first)), "", ""]


def _contact(lines: list[str]) -> Contact:
    surname, given, *_ = _parts(values(lines, "N"))
    return Contact(
        uid=value(lines, "UID").removeprefix("urn:uuid:"),
        full=_plain(next(iter(values(lines, "FN")), "")),
        given=given,
        surname=surname,
        organization=_parts(values(lines, "ORG"))[0],
        addresses=tuple(values(lines, "EMAIL")),
        note=tuple(note(lines)),
    )
