"""``mailroom setup``: finds and makes the mailboxes and contact groups that are missing.

It only creates: nothing that exists is renamed, moved or deleted.
"""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from mailroom.account import Account
from mailroom.contacts.model import AddressBookError, Group, NoAddressBookError
from mailroom.http.not_now import of_set_error
from mailroom.jmap.errors import JmapError
from mailroom.jmap.mailboxes import create_mailboxes
from mailroom.screener.model.categories import Categories, Category, Layout
from mailroom.screener.model.places import Directory, missing_mailboxes
from mailroom.screener.triage.groups import missing_groups
from mailroom.waiting.backoff import full_jitter
from mailroom.waiting.concurrency import both

_ARCHIVE: Final = "archive it"
_TRIES: Final = 2
"""The most requests in a row that make nothing; the client waits up to minutes in each."""
_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 30.0
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Lacking:
    """The missing things: paths of mailboxes, names of groups, the address book itself."""

    directory: Directory
    mailboxes: tuple[str, ...]
    groups: tuple[str, ...]
    lacks_address_book: bool = False

    def __bool__(self) -> bool:
        return bool(self.mailboxes or self.groups or self.lacks_address_book)

    def lines(self) -> Iterator[str]:
        """Yield a line for each missing thing, for a person."""
        yield from (f"mailbox  {path}" for path in self.mailboxes)
        if self.lacks_address_book:
            yield "address book"
        yield from (f"group    {name}" for name in self.groups)


async def find_lacking(account: Account) -> Lacking:
    """Compare the account with the configuration.

    Raises:
        HttpError, JmapError, AddressBookError: a server cannot be used as it should.
    """
    mail, book = await account.mail(), await account.book()

    async def groups_in_book() -> tuple[Group, ...] | None:
        """Return the contact groups; None if there is no address book, but a place for one."""
        try:
            return (await book.sync()).groups
        except NoAddressBookError as error:
            if not error.homes:
                raise
            return None

    mailboxes, groups = await both(mail.mailboxes(), groups_in_book())
    categories, layout = account.settings.categories, account.settings.screener.layout
    directory = Directory(mailboxes)
    return Lacking(
        directory,
        tuple(missing_mailboxes(directory, categories, layout)),
        tuple(missing_groups(groups or (), categories, layout)),
        lacks_address_book=groups is None,
    )


async def create(account: Account, lacking: Lacking) -> None:
    """Make the missing things, in as many requests as the server's limits require.

    After each request the account is read again, so that nothing is made twice, even if the answer
    was lost. Things that the server did not make are requested again, as long as it made others or
    answered "not now".

    Raises:
        HttpError, JmapError, AddressBookError: something could not be made; what was made stays.
    """
    await _create_mailboxes(account, lacking)
    if lacking.lacks_address_book:
        await account.make_address_book()
    book, missing = await account.book(), list(lacking.groups)
    while missing:
        try:
            await book.create_groups(missing)
        except AddressBookError:
            existing = {group.name for group in (await book.sync()).groups}
            still_missing = [name for name in missing if name not in existing]
            if len(still_missing) == len(missing):
                raise
            missing = still_missing
            await _pause(0)
        else:
            return


async def _create_mailboxes(account: Account, lacking: Lacking) -> None:
    mail = await account.mail()
    directory, vain_tries = lacking.directory, 0
    while creations := mailbox_creations(directory, lacking.mailboxes):
        size = (await account.client.session()).limits.max_objects_in_set
        batch = dict(islice(creations.items(), size))  # parents come first
        # Not repeatable: if the answer were lost, a repetition would be refused as a duplicate.
        (response,) = await account.client.perform_all(
            [create_mailboxes(mail.id, batch)], repeatable=False
        )
        vain_tries = vain_tries + 1 if len(response.failed) == len(batch) else 0
        is_not_now = any(of_set_error(error.type) for error in response.failed.values())
        if vain_tries and (not is_not_now or vain_tries >= _TRIES):
            creation_id, error = next(iter(response.failed.items()))
            name = batch[creation_id]["name"]
            raise JmapError(f"the server does not create the mailbox {name!r}: {error}")
        if response.failed:
            await _pause(vain_tries)
        directory = Directory(await mail.mailboxes())


async def _pause(vain_tries: int) -> None:
    """Wait before the next request; wait longer if the last requests made nothing."""
    await asyncio.sleep(full_jitter(vain_tries + 1, base=_FIRST_PAUSE, cap=_LONGEST_PAUSE))


def mailbox_creations(directory: Directory, paths: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the ``create`` argument of a Mailbox/set that makes the paths, parents first.

    Keys are creation ids; a ``parentId`` of ``#id`` refers to a mailbox of the same call.
    """
    creations: dict[str, dict[str, Any]] = {}
    ids_by_path: dict[str, str] = {}
    for path in paths:
        parent: str | None = None
        parts = path.split("/")
        for depth in range(1, len(parts) + 1):
            prefix = "/".join(parts[:depth])
            mailbox_id = directory.find(prefix) or ids_by_path.get(prefix)
            if mailbox_id is None:
                creation_id = f"m{len(creations)}"
                creations[creation_id] = {
                    "name": parts[depth - 1],
                    "parentId": parent,
                    "isSubscribed": True,
                }
                mailbox_id = ids_by_path[prefix] = f"#{creation_id}"
            parent = mailbox_id
    return creations


def rules_text(categories: Categories, layout: Layout) -> Iterator[str]:
    """Yield the filter rules by which the provider files the mail of decided senders.

    Each rule comes with its search in Fastmail's form.
    """
    for number, category in enumerate(categories, 1):
        # The rule also applies to senders of the category's children.
        children = [
            child
            for child in categories
            if child != category and category in categories.chain(child)
        ]
        actions = [f'add the label "{category.destination}"']
        if category.mark_seen:
            unread = [child for child in children if not child.mark_seen]
            actions.append("mark it as read" + _unless_in(unread))
        if category.add_to_inbox:
            actions.append("keep it in the Inbox")
        else:
            actions.append(_ARCHIVE + _unless_in(child for child in children if child.add_to_inbox))
        yield (
            f'{number}. Sender in contact group "{category.group}"'
            f' (Fastmail: fromin:"{category.group}"):'
        )
        yield f"   {', '.join(actions)}, go on with the next rule."
    last = len(categories) + 1
    yield f"{last}. Sender not in contacts (Fastmail: NOT fromin:contacts):"
    yield f'   add the label "{layout.screener}", {_ARCHIVE}.'
    yield "These rules do not know decisions on lists and whole domains; Mailroom does."
    yield f"Rule {last} puts such mail into the Screener. The service files it from there as it"
    yield "comes, if new mail is screened. Mail that came before the service ran stays."


def _unless_in(categories: Iterable[Category]) -> str:
    """Return the exception for senders in the groups of categories; empty for no categories."""
    groups = [f'"{category.group}"' for category in categories]
    return f" (unless sender in {' or '.join(groups)})" if groups else ""
