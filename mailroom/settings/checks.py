"""Checks that need several settings: credentials, hosts, categories."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from mailroom.http import may_carry_credentials
from mailroom.screener.model.category_mistakes import find_mistakes
from mailroom.settings.fields import Salvaged
from mailroom.settings.layers import Layer
from mailroom.settings.model import Settings
from mailroom.settings.variables import ACCOUNTS, PATHS, Path, variable_of

_TOKEN: Final = ("jmap", "token")
_JMAP_LOGIN: Final = (("jmap", "username"), ("jmap", "password"))
_CARDDAV_LOGIN: Final = (("carddav", "username"), ("carddav", "password"))
_SESSION_URL: Final = ("jmap", "session_url")
_CARDDAV_URL: Final = ("carddav", "url")
_CARDDAV: Final = (_CARDDAV_URL, *_CARDDAV_LOGIN)
CATEGORIES: Final = ("categories",)
_SHARD: Final = ("shard",)


_PERSONAL: Final = (_TOKEN, *_JMAP_LOGIN, ("jmap", "account"), *_CARDDAV_LOGIN)
"""Settings that identify an account. If accounts shared them, they would be the same account."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The settings of one account, and the mistakes in single values.

    Attributes:
        settings: the settings, with defaults in place of the ``wrong`` ones.
        layers: the sources, the one with the highest precedence first.
        wrong: the settings whose value is wrong by itself.
        unread: True if a source could not be read, so that more may be set than is known.
        account: the name of one of several accounts; else empty.
        mistakes: a text for each mistake in the ``wrong`` settings.
        salvaged: the usable part of a wrong list of categories; None if the list is right, or
            not a list at all.
    """

    settings: Settings
    layers: Sequence[Layer]
    wrong: frozenset[Path]
    unread: bool
    account: str
    mistakes: tuple[str, ...] = ()
    salvaged: Salvaged | None = None

    def has(self, path: Path) -> bool:
        """Return True if any source sets ``path``, even to a wrong value."""
        return any(path in layer.names for layer in self.layers)

    def name(self, path: Path) -> str:
        """Return a setting's name for a person: the place where it is set, else its variable."""
        names = (layer.names[path] for layer in self.layers if path in layer.names)
        return next(names, variable_of(self.account, path))


def find_misplaced(common: Judged) -> Iterator[str]:
    """Find settings that are set for all accounts, but must be set for each."""
    for path in _PERSONAL:
        if common.has(path):
            yield f"{common.name(path)}: must be set in each of the {ACCOUNTS}, not for all"


def find_same_logins(accounts: Sequence[Judged]) -> Iterator[str]:
    """Find accounts that are the same: two services would do everything twice."""
    by_login: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for each in accounts:
        jmap = each.settings.jmap
        if not each.wrong and (jmap.username or each.has(_TOKEN)):
            key = (str(jmap.session_url), jmap.credentials.header, jmap.account)
            by_login[key].append(each.account)
    for names in by_login.values():
        if len(names) > 1:
            yield f"{ACCOUNTS}: {' and '.join(names)} are the same account (set jmap.account?)"


def find_contradictions(judged: Judged) -> list[str]:
    """Return the mistakes that show only in several settings together."""
    found = [*_too_many_credentials(judged), *_bad_categories(judged), *_useless_shard(judged)]
    found += _plain_http(judged)
    if not judged.unread:
        found += _missing_jmap_login(judged)
        if _must_have_carddav(judged):
            found += find_lacking_of_carddav(judged)
    return found


def _must_have_carddav(judged: Judged) -> bool:
    """Return True if CardDAV is needed for certain; with ``auto`` the server's offer decides."""
    match judged.settings.contacts.backend:
        case "auto":
            return any(judged.has(path) for path in _CARDDAV)
        case backend:
            return backend == "carddav"


def inherits_credentials(judged: Judged) -> bool:
    """Return True if CardDAV uses JMAP's login: it has none of its own, and the same host."""
    jmap, carddav = judged.settings.jmap, judged.settings.carddav
    return (
        any(judged.has(path) for path in _JMAP_LOGIN)
        and not any(judged.has(path) for path in _CARDDAV_LOGIN)
        and jmap.session_url.host == carddav.url.host
    )


def _plain_http(judged: Judged) -> Iterator[str]:
    jmap, carddav = judged.settings.jmap, judged.settings.carddav
    for path, url, is_allowed in (
        (_SESSION_URL, jmap.session_url, jmap.insecure),
        (_CARDDAV_URL, carddav.url, carddav.insecure),
    ):
        if not may_carry_credentials(url) and not is_allowed:
            allowing = judged.name((path[0], "insecure"))
            yield (
                f"{judged.name(path)}: must be https (http only to this machine itself): it gets"
                f" credentials; in a container network of your own set {allowing}"
            )


def _useless_shard(judged: Judged) -> Iterator[str]:
    if judged.settings.shard is not None and not judged.account:
        yield f"{judged.name(_SHARD)}: there are no {ACCOUNTS} to share out"


def _too_many_credentials(judged: Judged) -> Iterator[str]:
    login = [judged.name(path) for path in _JMAP_LOGIN if judged.has(path)]
    if judged.has(_TOKEN) and login:
        yield f"{judged.name(_TOKEN)}: must not be set together with {' and '.join(login)}"


def _missing_jmap_login(judged: Judged) -> Iterator[str]:
    if judged.has(_TOKEN):
        return
    if any(judged.has(path) for path in _JMAP_LOGIN):
        yield from _missing_half(judged, _JMAP_LOGIN)
    else:
        username, password = (judged.name(path) for path in _JMAP_LOGIN)
        yield f"{judged.name(_TOKEN)}: is missing (or {username} and {password})"


def _missing_half(judged: Judged, login: Sequence[Path]) -> Iterator[str]:
    for path in login:
        if not judged.has(path):
            others = [judged.name(other) for other in login if judged.has(other)]
            yield f"{judged.name(path)}: is missing, as {' and '.join(others)} is set"


def find_lacking_of_carddav(judged: Judged) -> Iterator[str]:
    """Find the settings that CardDAV needs and that are missing."""
    no_url = _lacks_carddav_url(judged)
    if no_url:
        session_url = judged.name(_SESSION_URL)
        yield f"{judged.name(_CARDDAV_URL)}: is missing, as {session_url} is not Fastmail's"
    if any(judged.has(path) for path in _CARDDAV_LOGIN):
        yield from _missing_half(judged, _CARDDAV_LOGIN)
        return
    # Once the URLs are right, JMAP's login may be enough.
    unclear = no_url or not _are_urls_right(judged)
    basic = any(judged.has(path) for path in _JMAP_LOGIN)
    if not inherits_credentials(judged) and not (basic and unclear):
        why = ", as the address book is on another host than the mail" if basic else ""
        yield from (f"{judged.name(path)}: is missing{why}" for path in _CARDDAV_LOGIN)


def _are_urls_right(judged: Judged) -> bool:
    return judged.wrong.isdisjoint({_SESSION_URL, _CARDDAV_URL}) and not [*_plain_http(judged)]


def _lacks_carddav_url(judged: Judged) -> bool:
    """Return True if CardDAV's default is wrong: no other password must go to Fastmail."""
    return not judged.settings.jmap.is_fastmail and not judged.has(_CARDDAV_URL)


def _bad_categories(judged: Judged) -> Iterator[str]:
    categories, has_gaps = judged.settings.categories, False
    if CATEGORIES in judged.wrong:
        if judged.salvaged is None:
            return
        categories, has_gaps = judged.salvaged.categories, judged.salvaged.has_gaps
    screener = [path for path in PATHS if path[0] == "screener" and judged.has(path)]
    culprits = [CATEGORIES] if judged.has(CATEGORIES) or not screener else screener
    where = ", ".join(judged.name(path) for path in culprits)
    layout = judged.settings.screener.layout
    for mistake in find_mistakes(categories, layout, has_gaps=has_gaps):
        yield f"{where}: {mistake}"
