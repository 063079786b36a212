"""Updates of mail that are held to a state, and mended where the server ignores the state."""

from collections.abc import Callable, Mapping, Sequence

from mailroom.jmap.email_store import Written
from mailroom.jmap.mail import Email, Patch
from mailroom.jmap.mail_account import MailAccount
from mailroom.jmap.methods import SetResponse
from mailroom.screener.model.mend import Replan, mend


async def update_and_mend(  # noqa: PLR0913 - the callers differ in each argument
    account: MailAccount,
    patches: Mapping[str, Patch],
    state: str,
    *,
    as_read: Mapping[str, Email],
    replan: Replan,
    note: Callable[[Mapping[str, Patch], SetResponse], object],
    note_mended: Callable[[SetResponse], object],
    also: Sequence[str] = (),
) -> tuple[Mapping[str, Patch], bool]:
    """Patch mails by :meth:`MailAccount.update_in_state`, and mend mail if an update was not held.

    An update is not held if the server ignores the state, or if no state is known. Then the owner
    may have moved a mail just before, so the mails are read again and mended.

    Args:
        account: the account.
        patches: the patches, by mail id.
        state: the Email state in which the mails were read; empty if it is not known.
        as_read: the mails as they were read, by id.
        replan: plans mails anew.
        note: called with the patches and the result of each update, as soon as it is answered.
        note_mended: called with the result of each update that mends mail.
        also: further properties to read of mails that may have to be mended.

    Returns:
        The patches that were not carried out, because somebody else has changed mail; and True if
        every update was held.

    Raises:
        HttpError, JmapError: the server cannot be asked.
    """
    not_held = dict[str, Patch]()

    def note_written(written: Written) -> None:
        note(written.patches, written.response)
        if not written.was_held:
            not_held.update(written.patches)

    left = await account.update_in_state(patches, state, note_written)
    if not_held:
        _, emails = await account.read(sorted(not_held), also=also)
        for _, update in await account.update(mend(as_read, not_held, emails, replan)):
            note_mended(update)
    return left, not not_held
