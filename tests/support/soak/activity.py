"""A busy mailbox: mail arrives, and its owner taps, moves and edits at random, by a seed.

Simultaneous actions are chosen so that their order does not matter: a sender whose mail is tapped
writes meanwhile only if no decision about them and no card exists yet; a sender whose mail is moved
does not write meanwhile.
"""

import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Final

from tests.support.owner.person import Person, message, until
from tests.support.soak.model import (
    INBOX,
    LEFT_ALONE,
    PLACES,
    SCREENER,
    UNDO,
    Mail,
    Model,
    Sender,
)

FRIENDS: Final = "Friends"
ERROR: Final = "@MailroomError"

_STRANGERS: Final = 40
_ACQUAINTANCES: Final = 6
_LISTS: Final = 3
_REPOSITORIES: Final = 3
_DOMAINS: Final = 3
_AT_ONE: Final = 5
"""The number of senders who post to one list, or have addresses at one domain."""
_TAPS: Final = 5
_MOVES: Final = 2
_DELIVERIES: Final = 6
_MAILS: Final = 12
_SCOPED: Final = 0.5
"""The share of undos of repositories and domains that also have the label of the scope."""

Act = Callable[[], Awaitable[None]]


def make_senders() -> list[Sender]:
    """Return all senders: strangers, contacts of the owner with two addresses each, and more.

    Senders who post to a list, or are at one of the domains, write no other mail.
    """
    return [*_people(), *_lists(), *_domains()]


def _people() -> list[Sender]:
    strangers = [
        Sender(f"Stranger {at}", (f"stranger{at}@s{at}.example",)) for at in range(_STRANGERS)
    ]
    return strangers + [
        Sender(f"Friend {at}", (f"friend{at}@f.example", f"f{at}@home{at}.example"), card="own")
        for at in range(_ACQUAINTANCES)
    ]


def _lists() -> list[Sender]:
    """Lists where many write, and notices of one address about several repositories."""
    lists = [
        Sender(
            f"Poster of {at}",
            tuple(f"poster{number}@l{at}n{number}.example" for number in range(_AT_ONE)),
            headers={
                "List-Id": f"List {at} <dev.list{at}.example>",
                "List-Post": f"<mailto:dev@list{at}.example>",
            },
            on_card=f"dev@list{at}.example",
            about=f"Mailing list: dev.list{at}.example",
        )
        for at in range(_LISTS)
    ]
    return lists + [
        Sender(
            f"Forge {at}",
            ("notices@forge.example",),
            scope="@ThisList",
            headers={
                "List-Id": f"Project {at} <project{at}.forge.example>",
                "List-Post": f"<mailto:project{at}@reply.forge.example>",
            },
            on_card=f"project{at}@reply.forge.example",
            about=f"Mailing list: project{at}.forge.example",
        )
        for at in range(_REPOSITORIES)
    ]


def _domains() -> list[Sender]:
    return [
        Sender(
            f"Desk of {at}",
            tuple(f"desk{number}@d{at}.example" for number in range(_AT_ONE)),
            scope="@WholeDomain",
            on_card=f"*@d{at}.example",
            about=f"Whole domain: d{at}.example",
        )
        for at in range(_DOMAINS)
    ]


class Activity:
    """The actions of the account's owner and of the senders.

    Args:
        owner: the account.
        model: the expected contents; every action updates it.
        chance: chooses actions.

    Attributes:
        ids: mail ids by subject; the caller updates them.
        done: the number of actions by kind.
    """

    def __init__(self, owner: Person, model: Model, chance: random.Random) -> None:
        self.ids: dict[str, str] = {}
        self.done: Counter[str] = Counter()
        self._owner = owner
        self._model = model
        self._people = [sender for sender in model.senders if not sender.about]
        self._chance = chance

    async def begin(self) -> None:
        """Make the address book."""
        await self._owner.contacts.add_group("friends", FRIENDS)
        for sender in self._model.senders:
            if sender.card:
                await self._add_card(sender)

    def round(self) -> list[Act]:
        """Return actions that need not wait for Mailroom after each one."""
        busy = self._chance.sample(self._model.senders, 3 * _TAPS)
        tapped = [sender for sender in busy[: 2 * _TAPS] if self._outside_trash(sender)][:_TAPS]
        moved = [sender for sender in busy[2 * _TAPS :] if self._outside_trash(sender)][:_MOVES]
        writing = [sender for sender in self._model.senders if _may_write(sender, tapped, moved)]
        acts: list[Act] = [self._tapping(sender) for sender in tapped]
        acts += [self._moving(sender) for sender in moved]
        acts += [self._writing(writing) for _ in range(self._chance.randint(1, _DELIVERIES))]
        self._chance.shuffle(acts)
        return acts

    def _outside_trash(self, sender: Sender) -> list[Mail]:
        return [mail for mail in self._model.mails_of(sender) if not mail.mailboxes & LEFT_ALONE]

    def _tapping(self, sender: Sender) -> Act:
        label = self._chance.choice([label for label in PLACES if label != UNDO or sender.label])
        mails = self._outside_trash(sender)
        tapped = self._chance.sample(mails, self._chance.randint(1, min(3, len(mails))))
        # An undo needs no label of the scope: Mailroom knows on which subject it decided.
        is_scoped = sender.scope and (label != UNDO or self._chance.random() < _SCOPED)
        labels = [sender.scope, label] if is_scoped else [label]
        subject = f" {sender.about.partition(':')[0].lower()}" if sender.about else ""

        async def tap() -> None:
            await self._owner.tap([self.ids[mail.subject] for mail in tapped], *labels)
            self._model.tap(sender, tapped, label)
            self.done[("undone" if label == UNDO else "tapped") + subject] += 1

        return tap

    def _moving(self, sender: Sender) -> Act:
        mail = self._chance.choice(self._outside_trash(sender))
        target = self._chance.choice([INBOX, "Archive", "Trash"])

        async def move() -> None:
            mail_id = self.ids[mail.subject]
            await self._read([mail])
            await self._owner.move([mail_id], [target])
            mail.mailboxes = frozenset({target})
            self.done["moved"] += 1

        return move

    def _writing(self, senders: list[Sender]) -> Act:
        mails = [
            Mail(f"mail {self._chance.getrandbits(48):x}", self._chance.choice(senders))
            for _ in range(self._chance.randint(1, _MAILS))
        ]
        written = [(mail, self._chance.choice(mail.sender.addresses)) for mail in mails]

        async def write() -> None:
            raw = [
                message(
                    f"{mail.sender.name} <{address}>", mail.subject, headers=mail.sender.headers
                )
                for mail, address in written
            ]
            await self._owner.server.deliver(self._owner.name, *raw)
            for mail in mails:
                self._model.arrive(mail)
            self.done["mails"] += len(mails)

        return write

    # Actions that wait for their result

    async def conflict(self) -> None:
        """Put two labels on two mails of a sender, wait for the error, and remove one label."""
        pair = next(self._pairs(), None)
        if pair is None:
            return
        one, other = pair
        labels, mailboxes = {one: "@ToFeed", other: "@ToJail"}, await self._owner.mailboxes()
        patches = {
            self.ids[mail.subject]: {f"mailboxIds/{mailboxes[label]}": True}
            for mail, label in labels.items()
        }
        await self._owner.jmap("Email/set", {"update": patches})

        async def seen() -> bool:
            return all([ERROR in await self._owner.where(mail.subject) for mail in labels])

        await until(seen, "the conflict is seen")
        await self._owner.untap(self.ids[other.subject], "@ToJail")
        self._model.tap(one.sender, [one], "@ToFeed")
        self.done["conflicts"] += 1

    def _pairs(self) -> Iterator[tuple[Mail, Mail]]:
        for sender in self._people:
            waiting = [
                mail for mail in self._model.mails_of(sender) if mail.mailboxes == {SCREENER}
            ]
            if len(waiting) > 1:
                yield waiting[0], waiting[1]

    async def edit(self) -> None:
        """Edit a contact at a moment when Mailroom does not."""
        sender = self._chance.choice(self._people)
        if not sender.card:
            await self._add_card(sender)
            sender.card = "own"
            self.done["cards added"] += 1
        elif not sender.phone:
            await self._owner.contacts.add_phone(await self._uid(sender))
            sender.phone = True
            self.done["cards edited"] += 1
        elif sender.card == "own":
            await self._befriend(sender)
            self.done["groups edited"] += 1

    async def _befriend(self, sender: Sender) -> None:
        change = self._owner.contacts.leave if sender.is_friend else self._owner.contacts.join
        await change(FRIENDS, await self._uid(sender))
        sender.is_friend = not sender.is_friend

    async def _add_card(self, sender: Sender) -> None:
        first, *more = sender.addresses
        uid, note = f"own-{first.partition('@')[0]}", f"Met {sender.name} in Bergen"
        await self._owner.contacts.add(uid, sender.name, first, note, more=more)
        sender.note = note

    async def _uid(self, sender: Sender) -> str:
        return (await self._owner.contact(sender.addresses[0])).uid

    async def read_inbox(self) -> None:
        """Read the mail in the Inbox: Mailroom ignores read mail at its start."""
        await self._read(mail for mail in self._model.mails if mail.mailboxes == {INBOX})

    async def _read(self, mails: Iterable[Mail]) -> None:
        unread = [mail for mail in mails if not mail.is_read]
        patch = {"keywords/$seen": True}
        if unread:
            update = {self.ids[mail.subject]: patch for mail in unread}
            await self._owner.jmap("Email/set", {"update": update})
        for mail in unread:
            mail.is_read = True


def _may_write(sender: Sender, tapped: list[Sender], moved: list[Sender]) -> bool:
    is_unknown = not sender.label and not sender.card
    return sender not in moved and (sender not in tapped or is_unknown)
