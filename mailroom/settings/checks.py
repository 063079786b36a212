"""What can only be judged by looking at several settings: credentials, hosts, categories."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from mailroom.screener.categories import find_mistakes
from mailroom.settings.model import Settings
from mailroom.settings.sources import Layer
from mailroom.settings.variables import PATHS, Path

_TOKEN: Final = ("jmap", "token")
_JMAP_LOGIN: Final = (("jmap", "username"), ("jmap", "password"))
_CARDDAV_LOGIN: Final = (("carddav", "username"), ("carddav", "password"))
_SESSION_URL: Final = ("jmap", "session_url")
_CARDDAV_URL: Final = ("carddav", "url")
_CARDDAV: Final = (_CARDDAV_URL, *_CARDDAV_LOGIN)
_CATEGORIES: Final = ("categories",)


@dataclass(frozen=True, slots=True)
class Given:
    """What was given, and what came of it.

    Attributes:
        settings: with defaults in place of what is ``wrong``.
        layers: the sources, the one that beats the others first.
        wrong: the settings whose own value is wrong.
    """

    settings: Settings
    layers: Sequence[Layer]
    wrong: frozenset[Path]

    def has(self, path: Path) -> bool:
        """Whether somebody set this, well or not."""
        return any(path in layer.names for layer in self.layers)

    def name(self, path: Path) -> str:
        """What a person knows the setting by: where it was set, else the variable."""
        names = (layer.names[path] for layer in self.layers if path in layer.names)
        return next(names, PATHS[path].name)

    @property
    def unread(self) -> bool:
        """Whether more may have been given than is known."""
        return any(layer.unread for layer in self.layers)


def find_contradictions(given: Given) -> list[str]:
    """Every mistake that shows only when several settings are looked at."""
    found = [*_too_many_credentials(given), *_bad_categories(given)]
    if not given.unread:
        found += _missing_jmap_login(given)
        if _must_have_carddav(given):
            found += find_lacking_of_carddav(given)
    return found


def _must_have_carddav(given: Given) -> bool:
    """Whether CardDAV is wanted. With ``auto`` that shows when the server says what it offers."""
    match given.settings.contacts.backend:
        case "auto":
            return any(given.has(path) for path in _CARDDAV)
        case backend:
            return backend == "carddav"


def inherits_credentials(given: Given) -> bool:
    """Whether CardDAV gets JMAP's user name and password: none of its own, and the same host."""
    jmap, carddav = given.settings.jmap, given.settings.carddav
    return (
        any(given.has(path) for path in _JMAP_LOGIN)
        and not any(given.has(path) for path in _CARDDAV_LOGIN)
        and jmap.session_url.host == carddav.url.host
    )


def _too_many_credentials(given: Given) -> Iterator[str]:
    login = [given.name(path) for path in _JMAP_LOGIN if given.has(path)]
    if given.has(_TOKEN) and login:
        yield f"{given.name(_TOKEN)}: must not be set together with {' and '.join(login)}"


def _missing_jmap_login(given: Given) -> Iterator[str]:
    if given.has(_TOKEN):
        return
    if any(given.has(path) for path in _JMAP_LOGIN):
        yield from _missing_half(given, _JMAP_LOGIN)
    else:
        username, password = (given.name(path) for path in _JMAP_LOGIN)
        yield f"{given.name(_TOKEN)}: is missing (or {username} and {password})"


def _missing_half(given: Given, login: Sequence[Path]) -> Iterator[str]:
    for path in login:
        if not given.has(path):
            others = [given.name(other) for other in login if given.has(other)]
            yield f"{given.name(path)}: is missing, as {' and '.join(others)} is set"


def find_lacking_of_carddav(given: Given) -> Iterator[str]:
    """What would have to be set for CardDAV to be used."""
    no_url = _lacks_carddav_url(given)
    if no_url:
        session_url = given.name(_SESSION_URL)
        yield f"{given.name(_CARDDAV_URL)}: is missing, as {session_url} is not Fastmail's"
    if any(given.has(path) for path in _CARDDAV_LOGIN):
        yield from _missing_half(given, _CARDDAV_LOGIN)
        return
    # Once the URLs are right, JMAP's login may turn out to do.
    unclear = no_url or not given.wrong.isdisjoint({_SESSION_URL, _CARDDAV_URL})
    basic = any(given.has(path) for path in _JMAP_LOGIN)
    if not inherits_credentials(given) and not (basic and unclear):
        why = ", as the address book is on another host than the mail" if basic else ""
        yield from (f"{given.name(path)}: is missing{why}" for path in _CARDDAV_LOGIN)


def _lacks_carddav_url(given: Given) -> bool:
    """A password must not go to Fastmail just because nobody named another address book."""
    return not given.settings.jmap.is_fastmail and not given.has(_CARDDAV_URL)


def _bad_categories(given: Given) -> Iterator[str]:
    if _CATEGORIES in given.wrong:
        return
    screener = [path for path in PATHS if path[0] == "screener" and given.has(path)]
    culprits = [_CATEGORIES] if given.has(_CATEGORIES) or not screener else screener
    where = ", ".join(given.name(path) for path in culprits)
    layout = given.settings.screener.layout
    for mistake in find_mistakes(given.settings.categories, layout):
        yield f"{where}: {mistake}"
