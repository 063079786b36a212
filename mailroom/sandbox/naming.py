"""The forms of ids: those of Cyrus, of Stalwart (digits), and compact ones."""

import uuid
from typing import Literal

Form = Literal["plain", "digits", "compact"]


def mailbox_id(form: Form, owner: str, number: int) -> str:
    """Return the id of the ``number``-th object of an owner, a mailbox."""
    match form:
        case "digits":
            return str(number)
        case "compact":
            return f"P-{number:X}"
        case _:
            return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{owner} {number}"))


def email_id(form: Form, digest: str, number: int) -> str:
    """Return the id of the ``number``-th object, a mail with this hash."""
    return f"S{number:x}" if form == "compact" else f"M{digest[:24]}"
