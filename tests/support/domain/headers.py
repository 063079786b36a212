"""Headers of mail as ``mailroom suggest`` reads them."""

from dataclasses import replace
from typing import Any, Final

from mailroom.jmap.recent_mail import MailWithHeaders
from tests.support.domain.builders import NOW, mail

ANN: Final = "Ann <ann@x.example>"
DEV: Final = {"list_id": "Dev <dev.lists.example>", "list_post": "<mailto:dev@lists.example>"}


def headers(sender: str = ANN, subject: str = "Hello", **more: Any) -> MailWithHeaders:
    """A mail in the Inbox; ``more`` are attributes of the mail or of its headers."""
    of_headers = {name: more.pop(name) for name in [*more] if name in MailWithHeaders.__slots__}
    email = replace(mail("Inbox", sender=sender), received_at=f"{NOW:%Y-%m-%dT%H:%M:%SZ}")
    return MailWithHeaders(replace(email, subject=subject, **more), **of_headers)
