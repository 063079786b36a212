"""The check for group changes by others between deciding and writing. Pure."""

from collections.abc import Collection

from mailroom.contacts.model import AddressBookError, ContactEdit, Group


def refuse_if_joined(edit: ContactEdit, before: Collection[Group], now: Collection[Group]) -> None:
    """Check that a contact whose card is to be deleted was not added to a group.

    A person who adds a card to a group still uses the card, and nothing on the card shows it.

    Args:
        edit: the deletion.
        before: the groups as they were when the edit was decided on.
        now: the groups as they are now.

    Raises:
        AddressBookError: the card was added to a group, so the deletion must be decided again.
    """
    allowed = edit.leave | {group.id for group in before if edit.uid in group.members}
    for group in now:
        if edit.uid in group.members and group.id not in allowed:
            raise AddressBookError(
                f"card {edit.uid} was put into contact group {group.name} in the meantime"
            )
