"""Signed links in notices, each of which makes one decision on one sender.

A link holds the sender, the category and the mail of the notice. Its signature needs the key of the
account, and is valid for three days. Nobody has to sign in to use the link, so that the app of the
notices can send the request: whoever sees the notice may decide on this sender.
"""

import hashlib
import secrets
from dataclasses import astuple, dataclass
from functools import cache, cached_property
from typing import Final

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

_AGE: Final = 3 * 24 * 3600
"""Seconds for which a link is valid."""
_SALT: Final = b"mailroom notice links"
_PURPOSE: Final = "mailroom.notice.answer"


class InvalidLinkError(Exception):
    """The account did not sign the link with its present key."""


class ExpiredLinkError(InvalidLinkError):
    """The account signed the link, but too long ago."""


@dataclass(frozen=True, slots=True)
class NoticeLink:
    """The content of a link.

    Attributes:
        who: the subject of the decision.
        category: the name of the category.
        mail_id: the mail of the notice.
    """

    who: str
    category: str
    mail_id: str


class LinkSigner:
    """Signs the links of one account, and checks them.

    The key is derived from the token of programs or, without a token, from the password of the
    page. Both are the same in every process of the account, and a new token or password ends all
    links. The token is preferred, because somebody who has a link can try passwords on it without
    asking the page. If there is neither, the key is random, and links end with the process.

    Args:
        account: the name of the account; empty for a single account.
        api_token: the token of programs that decide on the page; may be empty.
        password: the password of the page; may be empty.
    """

    def __init__(self, account: str, *, api_token: str, password: str) -> None:
        self._account = account
        self._secret = api_token or password

    def sign(self, link: NoticeLink) -> str:
        """Return the text of a link, which can be a segment of a path."""
        return str(self._serializer.dumps(astuple(link)))

    def read(self, text: str) -> NoticeLink:
        """Return the content of a link.

        Raises:
            InvalidLinkError: the account did not sign the link, or signed it too long ago.
        """
        try:
            return NoticeLink(*self._serializer.loads(text, max_age=_AGE))
        except SignatureExpired:
            raise ExpiredLinkError from None
        except (BadSignature, UnicodeError):
            raise InvalidLinkError from None

    @cached_property
    def _serializer(self) -> URLSafeTimedSerializer:
        # Deriving the key takes a while, so the key is derived when the first link is needed.
        return URLSafeTimedSerializer(
            hashlib.scrypt(
                self._secret.encode() or _random_secret(),
                salt=_SALT + self._account.encode(),
                n=2**14,
                r=8,
                p=1,
            ),
            salt=_PURPOSE,
            signer_kwargs={"digest_method": hashlib.sha256},
        )


@cache
def _random_secret() -> bytes:
    """Return a random secret, the same in each call of this process."""
    return secrets.token_bytes(32)
