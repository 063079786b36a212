"""Identity/get (RFC 8621 section 6): the user's own addresses. They never change."""

from typing import Final

from mailroom.sandbox import arguments as args
from mailroom.sandbox.methods.seat import Mail
from mailroom.sandbox.plugin import Arguments, MethodFailure

_PROPERTIES: Final = ("id", "name", "email", "replyTo", "bcc", "textSignature", "htmlSignature")


def get(mail: Mail, arguments: Arguments) -> Arguments:
    """Identity/get."""
    args.known_only(arguments, "ids", "properties")
    habit = mail.seat.quirks.serving.identities
    if habit == "unsupported":
        raise MethodFailure("accountNotSupportedByMethod")
    known = (*_PROPERTIES, "mayDelete")
    wanted = {"id", *(args.property_list(arguments, known) or known)}
    ids = args.id_list(arguments, "ids")
    identities = {str(number): email for number, email in enumerate(mail.addresses, start=1)}
    found = [each for each in (mail.cut(identities) if ids is None else ids) if each in identities]
    objects = [_identity(each, "" if habit == "blank" else identities[each]) for each in found]
    return {
        "state": "0",
        "list": [{name: each[name] for name in each if name in wanted} for each in objects],
        "notFound": [each for each in ids or () if each not in identities],
    }


def _identity(identity_id: str, email: str) -> Arguments:
    return {
        "id": identity_id,
        "name": "",
        "email": email,
        "replyTo": None,
        "bcc": None,
        "textSignature": "",
        "htmlSignature": "",
        "mayDelete": False,
    }
