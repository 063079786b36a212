"""Mail in the categories' mailboxes whose sender and list have no contact any more.

The contact was deleted, so only the mailbox still shows that Mailroom filed the mail.
"""

from mailroom.admin.reset.scope import Scope
from mailroom.admin.reset.traces import Outcome
from mailroom.contacts.address import list_key
from mailroom.contacts.index import ContactIndex
from mailroom.jmap.mail import Patch
from mailroom.jmap.methods import NOT_FOUND
from mailroom.screener.model.lists import list_id
from mailroom.screener.model.patches import file_swept, target_of
from mailroom.screener.model.sender import UnusableFromError, is_own, sender_of
from mailroom.screener.passes.gather import GatheredMail


class Orphans:
    """The mail of senders and mailing lists without a contact.

    A mailbox with a role of its own is left alone (an archive may be a destination): it also holds
    mail that Mailroom did not file.

    Args:
        scope: the account.
        gathered: the account's mailboxes.
    """

    def __init__(self, scope: Scope, gathered: GatheredMail) -> None:
        self._scope = scope
        self._places = gathered.places
        self._own_addresses = gathered.own_addresses
        self._mailboxes = sorted(
            {
                gathered.places.destinations[category.name]
                for category in scope.categories
                if not gathered.directory.role(category.destination)
            }
        )

    async def patches(self, index: ContactIndex) -> dict[str, Patch]:
        """Return the patches, by mail id, that move the orphans back to the Screener.

        Raises:
            HttpError, JmapError: the server cannot be asked.
        """
        target = target_of(None, self._scope.categories, self._places)
        patches: dict[str, Patch] = {}
        # One mailbox is read at a time: all of them together may hold most of the account.
        for mailbox in self._mailboxes:
            _, emails = await self._scope.mail.find([{"inMailbox": mailbox}])
            for email in emails:
                try:
                    key = sender_of(email).key
                except UnusableFromError:
                    continue
                mailing_list = list_key(list_id(email.list_id))
                uids = index.uids_standing_for(key) or index.uids_standing_for(mailing_list)
                if (
                    uids
                    or is_own(key, self._own_addresses)
                    or email.mailbox_ids & self._places.tap_labels
                ):
                    continue
                if patch := file_swept(email, target, self._places, remove_warning=True):
                    patches[email.id] = patch
        return patches

    async def take_back(self, outcome: Outcome) -> None:
        """Move the orphans back, unless the server refuses. Raises as :meth:`patches`."""
        patches = await self.patches((await self._scope.book.sync()).index)
        if not patches:
            return
        failed = {
            mail_id: error
            for _, update in await self._scope.mail.update(patches)
            for mail_id, error in update.failed.items()
        }
        outcome.mails += len(patches.keys() - failed.keys())
        outcome.failures |= {
            f"mail {mail_id}": str(error)
            for mail_id, error in failed.items()
            if error.type != NOT_FOUND
        }
