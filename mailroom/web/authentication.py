"""Signing in: passwords and cookies, users that a proxy names, and tokens of programs."""

import hashlib
import hmac
import math
import time
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Final

import structlog
from aiohttp import web
from itsdangerous import BadSignature, TimestampSigner

from mailroom.web.options import Access, PageOptions
from mailroom.web.throttle import Throttle

log = structlog.get_logger(__name__)

COOKIE: Final = "__Host-mailroom"
"""Browsers take a cookie with this prefix only over https, for this host alone (RFC 6265bis)."""
_AGE: Final = 90 * 24 * 3600
"""Seconds that a person stays signed in."""
_SALT: Final = b"mailroom page"
_SESSION: Final = "mailroom.session"


class WaitError(Exception):
    """Too many attempts have failed; ``seconds`` have to pass before the next one."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = math.ceil(seconds)


class Authenticator:
    """Decides which account a request may see.

    Args:
        accesses: the accounts, and who may see them.
        options: the options of the page.
    """

    def __init__(self, accesses: Sequence[Access], options: PageOptions) -> None:
        self._accesses = accesses
        self._options = options
        self._throttle = Throttle(time.monotonic)
        self._with_password = {
            access.account.name: access for access in accesses if access.password
        }
        self._signers = dict[str, TimestampSigner]()
        self._tokens = [
            (_digest(token), access, may_decide)
            for access in accesses
            for token, may_decide in ((access.api_token, True), (access.api_token_readonly, False))
            if token
        ]

    @property
    def account_names(self) -> tuple[str, ...]:
        """The names of the accounts with a password; empty for a single account."""
        return () if len(self._accesses) == 1 else tuple(self._with_password)

    @property
    def has_passwords(self) -> bool:
        """True if people can sign in with a password."""
        return bool(self._with_password)

    def access_of(self, request: web.Request) -> Access | None:
        """Return the access of the person who sends a request; None if nobody is signed in."""
        if self._options.open_to_all:
            return self._accesses[0]
        header = self._options.proxy_header
        users = request.headers.getall(header, []) if header else []
        if len(users) == 1 and users[0] and self._is_trusted(request):
            for access in self._accesses:
                if access.proxy_user == users[0]:
                    return access
            only = self._accesses[0]
            if len(self._accesses) == 1 and not only.proxy_user:
                return only
        return self._by_cookie(request)

    def _is_trusted(self, request: web.Request) -> bool:
        """Return True if the sender of a request is the proxy."""
        try:
            address = ip_address((request.remote or "").partition("%")[0])
        except ValueError:
            return False
        address = getattr(address, "ipv4_mapped", None) or address
        return any(address in network for network in self._options.trusted_networks)

    def _by_cookie(self, request: web.Request) -> Access | None:
        value = request.cookies.get(COOKIE, "")
        name = value.partition(".")[0]
        access = self._with_password.get(name)
        if access is None:
            return None
        try:
            self._signer_of(access).unsign(value, max_age=_AGE)
        except (BadSignature, UnicodeError):  # a cookie may have any octets
            return None
        return access

    def _signer_of(self, access: Access) -> TimestampSigner:
        """Return the signer of an account's cookies; the first call derives its key."""
        name = access.account.name
        if name not in self._signers:
            # A new password makes another key, so a new password ends all sign-ins.
            key = hashlib.scrypt(
                access.password.encode(), salt=_SALT + name.encode(), n=2**14, r=8, p=1
            )
            self._signers[name] = TimestampSigner(key, salt=_SESSION, digest_method=hashlib.sha256)
        return self._signers[name]

    def sign_in(self, request: web.Request, name: str, password: str) -> Access | None:
        """Return the access to an account; None if the password is wrong.

        Raises:
            WaitError: too many attempts from this address failed; the password was not checked.
        """
        address = self._client_address(request)
        if len(self._accesses) == 1:  # the form does not ask for the account
            name = self._accesses[0].account.name
        access = self._with_password.get(name)
        # Failures are counted for each account. Otherwise, somebody who guesses the password of
        # another account could end each delay by a sign-in to an account of their own.
        account = access.account.name if access else ""
        if seconds := self._throttle.remaining_delay(address, account):
            raise WaitError(seconds)
        expected = access.password if access else ""
        # The comparison takes the same time for an account that does not exist.
        is_right = hmac.compare_digest(_digest(password), _digest(expected))
        if access is not None and is_right:
            self._throttle.succeeded(address, account)
            log.info("signed in", address=address, to=account or None)
            return access
        count = self._throttle.failed(address, account)
        if count & (count - 1) == 0:  # at 1, 2, 4, 8: an attack must not fill the log
            log.warning("wrong password for the page", address=address, failures=count)
        return None

    def _client_address(self, request: web.Request) -> str:
        """Return the address of the client; behind the proxy, the address that the proxy names."""
        remote = str(request.remote)
        if not self._is_trusted(request):
            return remote
        hops = ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")
        # The proxy itself added the last address: some proxies append to the header that the client
        # sent, others add a second header.
        last = hops[-1].strip()
        try:
            ip_address(last)
        except ValueError:
            return remote
        return last

    def set_cookie(self, response: web.Response, access: Access) -> None:
        """Set the cookie that keeps a person signed in."""
        name = access.account.name
        response.set_cookie(
            COOKIE,
            self._signer_of(access).sign(name).decode(),
            max_age=_AGE,
            path="/",
            secure=True,
            httponly=True,
            samesite="Lax",
        )

    def remove_cookie(self, response: web.Response) -> None:
        """Remove the cookie that keeps a person signed in."""
        response.del_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="Lax")

    def can_sign_out(self, request: web.Request) -> bool:
        """Return True if a person is signed in by a password."""
        return self._by_cookie(request) is not None

    def program_of(self, request: web.Request) -> tuple[Access, bool] | None:
        """Return the access of a program, and True if it may decide; None if its token is wrong."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        sent = _digest(token.strip())
        program = None
        # All tokens are compared, so that the time reveals nothing about the tokens.
        for known, access, may_decide in self._tokens:
            if hmac.compare_digest(sent, known):
                program = access, may_decide
        return program


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="surrogateescape")).digest()
