"""A message that is put into a mailbox without being sent: Email/import (RFC 8621 section 4.8)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from mailroom.jmap.answers import checked, parsed
from mailroom.jmap.errors import JmapError, SetError
from mailroom.jmap.request import Call, Operation, Results

MESSAGE: Final = "message/rfc822"
"""The media type of a message (RFC 2046 section 5.2.1)."""
_ALREADY_EXISTS: Final = "alreadyExists"
_CREATION_ID: Final = "message"


class ImportRefusedError(JmapError):
    """The server did not accept the message.

    Attributes:
        reason: the server's reason.
    """

    def __init__(self, reason: SetError) -> None:
        super().__init__(f"Email/import refused: {reason}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ImportedEmail:
    """The mail that the account has after an import.

    Attributes:
        id: its id.
        is_new: False if the account had the very same message before. The server has then put it
            into no mailbox.
    """

    id: str
    is_new: bool


def import_email(
    account_id: str,
    blob_id: str,
    *,
    mailbox_ids: Collection[str],
    keywords: Collection[str],
    received_at: datetime,
    if_in_state: str | None = None,
) -> Operation[ImportedEmail]:
    """Put an uploaded message into mailboxes.

    The operation ends in :class:`ImportRefusedError` if the server does not accept the message, and
    in MethodError ``stateMismatch`` if ``if_in_state`` is not the present Email state. Apache James
    3.8 ignores the state.

    Args:
        account_id: the account.
        blob_id: the id of the uploaded message.
        mailbox_ids: the mailboxes, at least one.
        keywords: the keywords of the mail, at least one: Apache James 3.8 refuses a mail without
            keywords.
        received_at: the time of delivery that the mail gets, with a time zone.
        if_in_state: the Email state that the account must be in; None: any state.
    """
    message = {
        "blobId": blob_id,
        "mailboxIds": dict.fromkeys(mailbox_ids, True),
        "keywords": dict.fromkeys(keywords, True),
        "receivedAt": f"{received_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
    }
    arguments: dict[str, Any] = {"accountId": account_id, "emails": {_CREATION_ID: message}}
    if if_in_state is not None:
        arguments["ifInState"] = if_in_state
    call = Call("Email/import", arguments)

    def response(results: Results) -> ImportedEmail:
        answer = results[call]
        created = checked(answer.get("created") or {}, dict, call)
        if _CREATION_ID in created:
            email_id = parsed(lambda value: str(value["id"]), call, created[_CREATION_ID])
            return ImportedEmail(email_id, is_new=True)
        refused = checked(answer.get("notCreated") or {}, dict, call).get(_CREATION_ID)
        reason = SetError.parse(refused)
        if reason.type == _ALREADY_EXISTS and reason.existing_id:
            return ImportedEmail(reason.existing_id, is_new=False)
        raise ImportRefusedError(reason)

    return Operation((call,), response)
