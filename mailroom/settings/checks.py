"""Checks that need several settings: credentials, hosts, categories."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from mailroom.http import is_this_machine, may_carry_credentials
from mailroom.screener.model.category_mistakes import find_mistakes
from mailroom.settings.category_list import usable_categories
from mailroom.settings.layers import Layer
from mailroom.settings.model import Settings
from mailroom.settings.variables import ACCOUNTS, PATHS, SettingPath, variable_of

_TOKEN: Final = ("jmap", "token")
_JMAP_LOGIN: Final = (("jmap", "username"), ("jmap", "password"))
_CARDDAV_LOGIN: Final = (("carddav", "username"), ("carddav", "password"))
_SESSION_URL: Final = ("jmap", "session_url")
_CARDDAV_URL: Final = ("carddav", "url")
_CATEGORIES: Final = ("categories",)
_PROXY_HEADER: Final = ("web", "proxy_header")
_NETWORKS: Final = ("web", "trusted_networks")
_PROXY_USER: Final = ("web", "proxy_user")
_NOTIFY_URL: Final = ("notify", "url")
_NOTIFY_TOKEN: Final = ("notify", "token")
_API_TOKENS: Final = (("web", "api_token"), ("web", "api_token_readonly"))

_PERSONAL: Final = (
    *(_TOKEN, *_JMAP_LOGIN, ("jmap", "account"), *_CARDDAV_LOGIN),
    *(("web", "password"), _PROXY_USER, *_API_TOKENS),
)
"""Settings that belong to one account and its user; several accounts must not share them."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """The settings of one account, which may have mistakes.

    Attributes:
        settings: the settings, with defaults in place of the ``wrong`` ones.
        layers: the sources, the one with the highest precedence first.
        unread: True if a source could not be read, so that more may be set than is known.
        account: the name of one of several accounts; else empty.
        wrong: the settings whose value is wrong by itself.
        mistakes: a text for each mistake in the ``wrong`` settings.
    """

    settings: Settings
    layers: Sequence[Layer]
    unread: bool
    account: str
    wrong: frozenset[SettingPath] = frozenset()
    mistakes: tuple[str, ...] = ()

    def has(self, *paths: SettingPath) -> bool:
        """Return True if any source sets one of the ``paths``, even to a wrong value."""
        return any(path in layer.places for layer in self.layers for path in paths)

    def name(self, path: SettingPath) -> str:
        """Return a setting's name for a person: the place where it is set, else its variable."""
        places = (layer.places[path] for layer in self.layers if path in layer.places)
        return next(places, variable_of(self.account, path))


def find_misplaced(common: Candidate) -> Iterator[str]:
    """Find settings that are set for all accounts, but must be set for each."""
    for path in _PERSONAL:
        if common.has(path):
            yield f"{common.name(path)}: must be set for each of the {ACCOUNTS}, not for all"


def find_same_logins(accounts: Sequence[Candidate]) -> Iterator[str]:
    """Find accounts that are the same: two services would do everything twice."""
    by_login: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for account in accounts:
        jmap = account.settings.jmap
        if not account.wrong and (jmap.username or account.has(_TOKEN)):
            key = (str(jmap.session_url), jmap.credentials.header, jmap.account)
            by_login[key].append(account.account)
    for names in by_login.values():
        if len(names) > 1:
            same = " and ".join(names)
            yield f"{ACCOUNTS}: {same} are the same account; remove one, or set its jmap.account"


def find_same_web_users(accounts: Sequence[Candidate]) -> Iterator[str]:
    """Find tokens for the page, and users of the proxy, that several accounts have."""
    for paths in (_API_TOKENS, (_PROXY_USER,)):
        names: dict[str, list[str]] = defaultdict(list)
        for account in accounts:
            for path in paths:
                value = getattr(account.settings.web, path[1])
                text = value if isinstance(value, str) else value.get_secret_value()
                if text:
                    names[text].append(account.name(path))
        for same in names.values():
            if len(same) > 1:
                yield f"{' and '.join(same)}: must differ"


def find_contradictions(candidate: Candidate) -> list[str]:
    """Return the mistakes that show only in several settings together."""
    mistakes, has_token = list[str](), candidate.has(_TOKEN)
    login = [candidate.name(path) for path in _JMAP_LOGIN if candidate.has(path)]
    token = candidate.name(_TOKEN)
    if has_token and login:
        mistakes.append(f"{token}: must not be set together with {' and '.join(login)}")
    mistakes += _find_wrong_categories(candidate)
    if candidate.settings.shard is not None and not candidate.account:
        mistakes.append(f"{candidate.name(('shard',))}: there are no {ACCOUNTS} to divide")
    mistakes += [*_find_plain_http(candidate), *_find_wrong_sign_in(candidate)]
    mistakes += _find_wrong_notices(candidate)
    if _CATEGORIES not in candidate.wrong:
        mistakes += [
            f"{candidate.name(('web', 'answers'))}: there is no category {answer!r}"
            for answer in candidate.settings.web.answer_names
            if candidate.settings.categories.find(answer) is None
        ]
    if candidate.unread:
        return mistakes
    if login and not has_token:
        mistakes += _find_missing_half(candidate, _JMAP_LOGIN)
    elif not has_token:
        username, password = (candidate.name(path) for path in _JMAP_LOGIN)
        mistakes.append(f"{token}: is missing; set it, or {username} and {password}")
    backend = candidate.settings.contacts.backend
    # With "auto" the server's offer decides, unless settings for CardDAV show that it is wanted.
    is_wanted = backend == "auto" and candidate.has(_CARDDAV_URL, *_CARDDAV_LOGIN)
    if backend == "carddav" or is_wanted:
        mistakes += find_lacking_of_carddav(candidate)
    return mistakes


def inherits_credentials(candidate: Candidate) -> bool:
    """Return True if CardDAV uses JMAP's login: it has none of its own, and the same host."""
    jmap, carddav = candidate.settings.jmap, candidate.settings.carddav
    return (
        candidate.has(*_JMAP_LOGIN)
        and not candidate.has(*_CARDDAV_LOGIN)
        and jmap.session_url.host == carddav.url.host
    )


def find_lacking_of_carddav(candidate: Candidate) -> Iterator[str]:
    """Find the settings that CardDAV needs and that are missing."""
    # Fastmail is the default, but the password of another server must not go there.
    lacks_url = not candidate.settings.jmap.is_fastmail and not candidate.has(_CARDDAV_URL)
    if lacks_url:
        session_url = candidate.name(_SESSION_URL)
        yield f"{candidate.name(_CARDDAV_URL)}: is missing, because {session_url} is not Fastmail's"
    if candidate.has(*_CARDDAV_LOGIN):
        yield from _find_missing_half(candidate, _CARDDAV_LOGIN)
        return
    has_basic = candidate.has(*_JMAP_LOGIN)
    # While a URL is missing or wrong, it is unknown whether JMAP's login is enough.
    is_unclear = (
        lacks_url
        or not candidate.wrong.isdisjoint({_SESSION_URL, _CARDDAV_URL})
        or any(_find_plain_http(candidate))
    )
    if not inherits_credentials(candidate) and not (has_basic and is_unclear):
        why = ", because the address book is on another host than the mail" if has_basic else ""
        yield from (f"{candidate.name(path)}: is missing{why}" for path in _CARDDAV_LOGIN)


def _find_plain_http(candidate: Candidate) -> Iterator[str]:
    jmap, carddav = candidate.settings.jmap, candidate.settings.carddav
    for path, url, is_allowed in (
        (_SESSION_URL, jmap.session_url, jmap.insecure),
        (_CARDDAV_URL, carddav.url, carddav.insecure),
    ):
        if not may_carry_credentials(url) and not is_allowed:
            yield (
                f"{candidate.name(path)}: must begin with https://, because credentials are sent to"
                " it (http is for servers on this machine); in a container network of your own, set"
                f" {candidate.name((path[0], 'insecure'))}"
            )


def _find_wrong_notices(candidate: Candidate) -> Iterator[str]:
    """Find mistakes in the settings for the server of the notices."""
    notify, name = candidate.settings.notify, candidate.name
    if not notify.is_on:
        if candidate.has(_NOTIFY_TOKEN) and not candidate.has(_NOTIFY_URL) and not candidate.unread:
            yield f"{name(_NOTIFY_URL)}: is missing, because {name(_NOTIFY_TOKEN)} is set"
        return
    if not may_carry_credentials(notify.target) and not notify.insecure:
        yield (
            f"{name(_NOTIFY_URL)}: must begin with https://, because senders' names are sent to it"
            " (http is for servers on this machine); in a network of your own, set"
            f" {name(('notify', 'insecure'))}"
        )
    if notify.format == "ntfy" and not notify.is_topic:
        yield (
            f"{name(_NOTIFY_URL)}: must be an ntfy topic (https://ntfy.example.com/topic); set"
            f" {name(('notify', 'format'))} to webhook for another program"
        )


def _find_wrong_sign_in(candidate: Candidate) -> Iterator[str]:
    """Find mistakes in the ways to sign in to the page."""
    web, name = candidate.settings.web, candidate.name
    # Networks without that header are no mistake: the proxy may still send X-Forwarded-For.
    if candidate.has(_PROXY_HEADER) and not candidate.has(_NETWORKS) and not candidate.unread:
        yield f"{name(_NETWORKS)}: is missing, because {name(_PROXY_HEADER)} is set"
    if web.proxy_header and candidate.account and not web.proxy_user:
        yield f"{name(_PROXY_USER)}: is missing, because {name(_PROXY_HEADER)} is set"
    if web.auth == "none":
        auth = name(("web", "auth"))
        if not is_this_machine(web.host):
            host = name(("web", "host"))
            yield f"{auth}: may be none only on this machine; set {host} to 127.0.0.1"
        if candidate.account:
            yield f"{auth}: may be none only for a single account"
    if web.api_token.get_secret_value() and web.api_token == web.api_token_readonly:
        yield f"{' and '.join(map(name, _API_TOKENS))}: must differ"


def _find_missing_half(candidate: Candidate, login: Sequence[SettingPath]) -> Iterator[str]:
    for path in login:
        if not candidate.has(path):
            others = [candidate.name(other) for other in login if candidate.has(other)]
            yield f"{candidate.name(path)}: is missing, because {' and '.join(others)} is set"


def _find_wrong_categories(candidate: Candidate) -> Iterator[str]:
    """Find mistakes in the usable categories and in the names of other mailboxes and groups."""
    categories, has_gaps = candidate.settings.categories, False
    if _CATEGORIES in candidate.wrong:
        written = next(
            layer.source().get("categories")
            for layer in candidate.layers
            if _CATEGORIES in layer.places
        )
        usable = usable_categories(written)
        if usable is None:
            return
        categories, has_gaps = usable
    screener = [path for path in PATHS if path[0] == "screener" and candidate.has(path)]
    paths = [_CATEGORIES] if candidate.has(_CATEGORIES) or not screener else screener
    where = ", ".join(candidate.name(path) for path in paths)
    layout = candidate.settings.screener.layout
    for mistake in find_mistakes(categories, layout, has_gaps=has_gaps):
        yield f"{where}: {mistake}"
