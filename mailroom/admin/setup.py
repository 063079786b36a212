"""``mailroom setup``: the mailboxes and contact groups that are missing, and how to make them.

Creating is all that it does: nothing that exists is renamed, moved or deleted.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from mailroom.account import Account
from mailroom.concurrency import both
from mailroom.jmap.errors import JmapError
from mailroom.jmap.mailboxes import create_mailboxes, get_mailboxes
from mailroom.screener.categories import Categories, Category, Layout
from mailroom.screener.contact import missing_groups
from mailroom.screener.places import Directory, missing_mailboxes

_ARCHIVE: Final = "archive it"


@dataclass(frozen=True, slots=True)
class Lacking:
    """What is missing: paths of mailboxes, names of groups."""

    directory: Directory
    mailboxes: tuple[str, ...]
    groups: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.mailboxes or self.groups)

    def lines(self) -> Iterator[str]:
        """One for each, for a person."""
        yield from (f"mailbox  {path}" for path in self.mailboxes)
        yield from (f"group    {name}" for name in self.groups)


async def find_lacking(account: Account) -> Lacking:
    """Compare the account with the configuration.

    Raises:
        HttpError, JmapError, AddressBookError: a server cannot be used as it should.
    """
    mail, book = await account.mail(), await account.book()
    (mailboxes,), index = await both(account.client.perform(get_mailboxes(mail.id)), book.sync())
    categories, layout = account.settings.categories, account.settings.screener.layout
    directory = Directory(mailboxes)
    return Lacking(
        directory,
        tuple(missing_mailboxes(directory, categories, layout)),
        tuple(missing_groups(index.groups, categories, layout)),
    )


async def create(account: Account, lacking: Lacking) -> None:
    """Make what is missing.

    Raises:
        HttpError, JmapError, AddressBookError: it could not be made; what was made stays.
    """
    mail = await account.mail()
    creations = mailbox_creations(lacking.directory, lacking.mailboxes)
    if creations:
        # Asked twice, the server would refuse the second as a duplicate: so it is sent once.
        (made,) = await account.client.perform_all(
            [create_mailboxes(mail.id, creations)], repeatable=False
        )
        for creation_id, error in made.failed.items():
            name = creations[creation_id]["name"]
            raise JmapError(f"the server does not create the mailbox {name!r}: {error}")
    if lacking.groups:
        await (await account.book()).create_groups(lacking.groups)


def mailbox_creations(directory: Directory, paths: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The ``create`` of a Mailbox/set that makes the paths, parents first.

    Keys are creation ids; a ``parentId`` of ``#id`` is a mailbox made by the same call.
    """
    creations: dict[str, dict[str, Any]] = {}
    made: dict[str, str] = {}
    for path in paths:
        parent: str | None = None
        parts = path.split("/")
        for depth in range(1, len(parts) + 1):
            prefix = "/".join(parts[:depth])
            known = directory.find(prefix) or made.get(prefix)
            if known is None:
                creation_id = f"m{len(creations)}"
                creations[creation_id] = {
                    "name": parts[depth - 1],
                    "parentId": parent,
                    "isSubscribed": True,
                }
                known = made[prefix] = f"#{creation_id}"
            parent = known
    return creations


def rules_text(categories: Categories, layout: Layout) -> Iterator[str]:
    """The filter rules with which the provider routes the mail of decided senders.

    Each with the search that Fastmail wants for it.
    """
    for number, category in enumerate(categories, 1):
        group, inbox = category.group, _inbox_action(category, categories)
        yield f'{number}. Sender in contact group "{group}" (Fastmail: fromin:"{group}"):'
        yield f'   add the label "{category.destination}", {inbox}, go on with the next rule.'
    yield f"{len(categories) + 1}. Sender not in contacts (Fastmail: NOT fromin:contacts):"
    yield f'   add the label "{layout.screener}", {_ARCHIVE}.'


def _inbox_action(category: Category, categories: Categories) -> str:
    """What a category's rule does to the Inbox; it applies to the children's senders, too."""
    if category.add_to_inbox:
        return "keep it in the Inbox"
    others = [
        f'"{each.group}"'
        for each in categories
        if each.add_to_inbox and category in categories.chain(each)
    ]
    return f"{_ARCHIVE} (unless sender in {' or '.join(others)})" if others else _ARCHIVE
