"""Copies a sandbox account, and compares all of its mail and contacts with a snapshot."""

import copy
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from mailroom.sandbox.owner import OwnerConsole
from mailroom.sandbox.sandbox_account import SandboxAccount
from tests.support.owner.vcard_app import is_group, name_of, unfolded, values

_LEFT_OUT_OF_CARDS: Final = {"id", "uid", "created", "updated", "members"}
_LEFT_OUT_OF_VCARDS: Final = {"UID", "REV", "CREATED", "X-ADDRESSBOOKSERVER-MEMBER", "MEMBER"}
"""Properties that differ from run to run, or that snapshots show in another form."""
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d( at \d\d:\d\d)?")


def copied(account: SandboxAccount) -> SandboxAccount:
    """Return a copy of an account. Messages are shared, because they never change."""
    messages = {id(email.message): email.message for email in account.mail.emails.values()}
    return copy.deepcopy(account, dict(messages))


def snapshot(account: SandboxAccount) -> list[str]:
    """Return a line for each mail and card of an account, without ids, uids and times."""
    mails = [
        f"mail {mail.subject}: {sorted(mail.mailboxes)} {sorted(mail.keywords)}"
        for mail in OwnerConsole(account).mails()
    ]
    cards = _jmap_cards(account) if account.quirks.contacts else _carddav_cards(account)
    return sorted(_DATE.sub("DATE", line) for line in [*mails, *cards])


def differences(account: SandboxAccount, expected: Sequence[str]) -> list[str]:
    """Return the differences between an account and the expected snapshot."""
    actual, wanted = Counter(snapshot(account)), Counter(expected)
    return [
        *(f"too much: {line}" for line in (actual - wanted).elements()),
        *(f"lacking: {line}" for line in (wanted - actual).elements()),
        *(f"in no mailbox: {mail}" for mail in OwnerConsole(account).violations),
    ]


def _jmap_cards(account: SandboxAccount) -> Iterable[str]:
    cards = list(account.cards.cards.values())
    names = {card["uid"]: _addresses(card) for card in cards}
    return _card_lines(cards, names, lambda card: list(card.get("members", ())), _rest_of_card)


def _addresses(card: Mapping[str, Any]) -> str:
    return " ".join(email["address"] for email in card.get("emails", {}).values())


def _rest_of_card(card: Mapping[str, Any]) -> str:
    kept = {name: value for name, value in card.items() if name not in _LEFT_OUT_OF_CARDS and value}
    return json.dumps(kept, sort_keys=True)


def _carddav_cards(account: SandboxAccount) -> Iterable[str]:
    cards = [unfolded(card.decode()) for card in account.carddav.cards.values()]
    names = {_plain(values(card, "UID")[0]): " ".join(values(card, "EMAIL")) for card in cards}

    def members(card: list[str]) -> list[str]:
        uids = [*values(card, "X-ADDRESSBOOKSERVER-MEMBER"), *values(card, "MEMBER")]
        assert not uids or is_group(card)
        return [_plain(uid) for uid in uids]

    return _card_lines(cards, names, members, _rest_of_vcard)


def _plain(uid: str) -> str:
    return uid.removeprefix("urn:uuid:")


def _rest_of_vcard(card: list[str]) -> str:
    return "|".join(sorted(line for line in card if name_of(line) not in _LEFT_OUT_OF_VCARDS))


def _card_lines(
    cards: Iterable[Any],
    names: Mapping[str, str],
    members: Callable[[Any], list[str]],
    rest: Callable[[Any], str],
) -> Iterable[str]:
    for card in cards:
        member_names = sorted(names.get(uid, "nobody") for uid in members(card))
        yield f"card {rest(card)} {member_names}"
