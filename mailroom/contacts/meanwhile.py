"""What somebody else did to groups between deciding and writing. Pure."""

from collections.abc import Collection

from mailroom.contacts.book import AddressBookError, ContactEdit, Group


def refuse_if_joined(edit: ContactEdit, before: Collection[Group], now: Collection[Group]) -> None:
    """See that a contact whose card is to be deleted has come into no further group.

    Who puts a card into a group has a use for it, and nothing on the card itself tells of that.

    Args:
        edit: what is to happen.
        before: the groups as they were when it was decided on.
        now: the groups as they are.

    Raises:
        AddressBookError: it has, so that it has to be decided anew.
    """
    allowed = edit.leave | {group.id for group in before if edit.uid in group.members}
    for group in now:
        if edit.uid in group.members and group.id not in allowed:
            raise AddressBookError(
                f"card {edit.uid} was put into contact group {group.name} in the meantime"
            )
