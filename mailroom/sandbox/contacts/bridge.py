"""One set of cards for both protocols, as on Cyrus 3.14 and Stalwart."""

from urllib.parse import quote

from mailroom.sandbox.contacts.carddav import CardDav
from mailroom.sandbox.contacts.cards import DEFAULT, CardStore
from mailroom.sandbox.contacts.conversion import Server, to_jscontact, to_vcard


class Bridge:
    """Copies each change of a card from one protocol to the other.

    Args:
        cards: the cards over JMAP.
        vcards: the cards over CardDAV, which are the stored ones.
        server: the server whose losses are imitated.
    """

    def __init__(self, cards: CardStore, vcards: CardDav, server: Server) -> None:
        self._cards = cards
        self._vcards = vcards
        self._server: Server = server
        self._paths: dict[str, str] = {}
        cards.on_change = self._card_changed
        vcards.on_change = self._vcard_changed

    def _card_changed(self, card_id: str) -> None:
        """Write the vCard of a card that was made, changed or destroyed over JMAP."""
        if card_id not in self._cards.cards:
            del self._vcards.cards[self._paths.pop(card_id)]
            return
        default = f"{self._vcards.book}{quote(card_id, safe='')}.vcf"
        path = self._paths.setdefault(card_id, default)
        vcard = to_vcard(self._cards.cards[card_id], self._vcards.cards.get(path))
        self._vcards.cards[path] = vcard
        self._show(card_id, vcard)

    def _vcard_changed(self, path: str) -> None:
        """Update the JMAP card after a vCard was put or deleted over CardDAV."""
        history = self._cards.card_history
        if path not in self._vcards.cards:
            card_id = next(key for key, card_path in self._paths.items() if card_path == path)
            del self._paths[card_id], self._cards.cards[card_id]
            history.record_destroyed(card_id, self._cards.record_change())
            return
        vcard = self._vcards.cards[path]
        card_id = to_jscontact(vcard, self._server)["uid"]
        self._paths[card_id] = path
        is_known = card_id in self._cards.cards
        add_to_history = history.record_updated if is_known else history.record_created
        self._show(card_id, vcard)
        add_to_history(card_id, self._cards.record_change())

    def _show(self, card_id: str, vcard: bytes) -> None:
        """Replace a JMAP card by the form in which the server shows its vCard over JMAP."""
        shown = to_jscontact(vcard, self._server)
        self._cards.cards[card_id] = {**shown, "addressBookIds": {DEFAULT: True}}
