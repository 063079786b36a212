"""The section of the page: its address, the ways to sign in, and its rows."""

from dataclasses import dataclass
from ipaddress import ip_network
from typing import Annotated, Final, Literal

from yarl import URL

from mailroom.http import is_this_machine
from mailroom.settings.fields import HeaderToken, Password, Word, matching, service_url
from mailroom.settings.setting import Between, Check, Convert, Secret, Section, setting

PROCESS_WIDE: Final = frozenset({"host", "port", "url", "auth", "proxy_header", "trusted_networks"})
"""The settings of this section that a process has once, however many accounts it serves."""
_LEAST_PASSWORD: Final = 12
_LEAST_TOKEN: Final = 20
_MOST_ANSWERS: Final = 4
_PLACEHOLDERS: Final = ("{id}", "{thread_id}", "{message_id}")
_UNSAFE_SCHEMES: Final = frozenset({"", "javascript", "data", "vbscript", "blob", "file"})


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _joined(value: object) -> object:
    """Return the elements of a YAML list as one text, separated by commas."""
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def _at_most_four(value: str) -> str:
    if len(_names(value)) > _MOST_ANSWERS:
        raise ValueError(f"must be {_MOST_ANSWERS} names at most")
    return value


def _networks(value: str) -> str:
    for name in _names(value):
        try:
            ip_network(name)
        except ValueError:
            raise ValueError("must be networks like 10.0.0.0/8, separated by commas") from None
    return value


def _origin(value: str) -> str:
    if value:
        url = service_url(value)
        if url.path not in {"", "/"} or url.query_string or url.fragment:
            raise ValueError("must be https:// and a host, without a path")
        if url.scheme != "https" and not is_this_machine(url.host or ""):
            raise ValueError("must begin with https:// (http is for this machine)")
        return str(url.origin())
    return value


def _mail_url(value: str) -> str:
    if not value:
        return value
    if not any(placeholder in value for placeholder in _PLACEHOLDERS):
        raise ValueError(f"must contain {', '.join(_PLACEHOLDERS[:-1])} or {_PLACEHOLDERS[-1]}")
    try:
        scheme = URL(value, encoded=True).scheme
    except ValueError:
        raise ValueError("must be a URL") from None
    if scheme.lower() in _UNSAFE_SCHEMES:
        raise ValueError("must be a URL that begins with https:// or the scheme of a mail app")
    return value


def _min_length(least: int) -> Check:
    def check(value: Secret) -> Secret:
        if 0 < len(value.get_secret_value()) < least:
            raise ValueError(f"must have at least {least} characters")
        return value

    return Check(check)


_Token = Annotated[HeaderToken, _min_length(_LEAST_TOKEN)]


@dataclass(frozen=True, kw_only=True)
class WebSettings(Section):
    """The page, which is off until there is a way to sign in."""

    host: str = setting(
        default="::",
        meaning="address to listen on; `::`: all addresses of IPv4 and IPv6",
    )
    port: Annotated[int, Between(0, 65535)] = setting(
        default=8081,
        meaning="port to listen on; `0`: any free port",
    )
    url: Annotated[str, Check(_origin)] = setting(
        default="",
        meaning="address of the page as your browser shows it: `https://mailroom.example.com`;"
        " without it the page answers only to IP addresses and `localhost`",
    )
    auth: Annotated[Literal["auto", "none"], Word] = setting(
        default="auto",
        meaning="`auto`: people sign in with a password or through a proxy; `none`: nobody signs"
        " in; only with a `MAILROOM_WEB_HOST` like `127.0.0.1`",
    )
    password: Annotated[Password, _min_length(_LEAST_PASSWORD)] = setting(
        default=Secret(""),
        meaning=f"password of the page, of at least {_LEAST_PASSWORD} characters",
    )
    proxy_header: Annotated[
        str, matching(r"([A-Za-z0-9-]+)?", "must be the name of a header like Remote-User")
    ] = setting(
        default="",
        meaning="header in which a proxy names the user whom it signed in: `Remote-User`",
    )
    trusted_networks: Annotated[str, Convert(_joined), Check(_networks)] = setting(
        default="",
        meaning="networks of the proxy in front of the page: `10.0.0.0/8, fd00::/8`; from"
        " elsewhere, Mailroom ignores the proxy's header and `X-Forwarded-For`",
    )
    proxy_user: str = setting(
        default="",
        meaning="user of the proxy who may see the account; default for a single account: any user",
    )
    api_token: _Token = setting(
        default=Secret(""),
        meaning=f"token (Bearer) for programs that read and decide, of at least {_LEAST_TOKEN}"
        " characters",
    )
    api_token_readonly: _Token = setting(
        default=Secret(""),
        meaning="token (Bearer) for programs that only read",
    )
    answers: Annotated[str, Convert(_joined), Check(_at_most_four)] = setting(
        default="",
        meaning="categories that stand in each row, four at most: `Imbox, Feed`; default:"
        " Imbox, Feed, Paper Trail, and the first category that denies",
    )
    preview: bool = setting(
        default=False,
        meaning="`true`: rows show the beginning of the newest mail's text",
    )
    mail_url: Annotated[str, Check(_mail_url)] = setting(
        default="",
        meaning="address that opens a mail in your mail app, with `{id}`, `{thread_id}` or"
        " `{message_id}` in it: `message:%3C{message_id}%3E`",
    )

    @property
    def is_on(self) -> bool:
        """True if there is a way to sign in, or a token for programs."""
        secrets = (self.password, self.api_token, self.api_token_readonly)
        return bool(
            self.auth == "none"
            or self.proxy_header
            or any(secret.get_secret_value() for secret in secrets)
        )

    @property
    def answer_names(self) -> tuple[str, ...]:
        """The names of the categories that stand in each row; empty: the default."""
        return _names(self.answers)

    @property
    def network_names(self) -> tuple[str, ...]:
        """The networks of the proxy, each like ``10.0.0.0/8``."""
        return _names(self.trusted_networks)
