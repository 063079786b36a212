"""Templates and static files of the page."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from mailroom.web.model import SPAM, Answer
from mailroom.web.text import address, clean

_PACKAGE: Final = "mailroom.web"
_TYPES: Final = {
    "css": "text/css",
    "js": "text/javascript",
    "png": "image/png",
    "svg": "image/svg+xml",
    "webmanifest": "application/manifest+json",
}
_HUES: Final = 6
"""The number of accent colours for categories; categories that deny share another colour."""


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file that holds no data of an account.

    Attributes:
        body: its content.
        content_type: its media type.
        version: a text that changes with the content.
    """

    body: bytes
    content_type: str
    version: str


def render(template: str, **context: Any) -> str:
    """Return a page, or a part of one."""
    return _environment().get_template(template).render(**context)


def static_file(name: str) -> StaticFile | None:
    """Return the static file with a name; None if there is no such file."""
    return _static_files().get(name)


@cache
def _static_files() -> Mapping[str, StaticFile]:
    """Return all static files by name, so that no name in a request becomes a path."""
    static_files = dict[str, StaticFile]()
    for file in files(_PACKAGE).joinpath("static").iterdir():
        body = file.read_bytes()
        version = hashlib.sha256(body).hexdigest()[:12]
        static_files[file.name] = StaticFile(body, _TYPES[file.name.rpartition(".")[2]], version)
    return static_files


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(_PACKAGE),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters.update(
        clean=clean, address=address, breakable=breakable, day=day, answer_name=answer_name
    )
    environment.globals.update(
        static=lambda name: f"/static/{name}?v={_static_files()[name].version}",
        hue=_hue,
        decision_day=decision_day,
        # _pages.html is part of pages with and without a search and a category.
        search="",
        category="",
    )
    return environment


def day(when: datetime, now: datetime | None = None) -> Markup:
    """Return a time in short: "14:03" today, "Tue 14:03" within six days, else "25 Feb"."""
    local = when.astimezone()
    today = (now or datetime.now(local.tzinfo)).astimezone(local.tzinfo)
    age = today.date() - local.date()
    if age == timedelta():
        text = f"{local:%H:%M}"
    elif timedelta() < age < timedelta(days=7):
        text = f"{local:%a %H:%M}"
    elif local.year == today.year:
        text = f"{local.day} {local:%b}"
    else:
        text = f"{local.day} {local:%b %Y}"
    exact = local.isoformat(timespec="minutes")
    return Markup('<time datetime="{}">{}</time>').format(exact, text)


def decision_day(date: str, time: str) -> Markup | str:
    """Return the time of a decision as :func:`day` does; a text that is no date stays as it is."""
    try:
        # The notes on contacts have the time in the time zone of the service.
        return day(datetime.fromisoformat(f"{date}T{time or '00:00'}"))
    except ValueError:
        return date


def answer_name(name: str) -> str:
    """Return the name of an answer as the page shows it."""
    return "Spam" if name == SPAM else clean(name)


def breakable(text: str) -> Markup:
    """Return an address in which a browser may break a line before the "@"."""
    return Markup("<wbr>@").join(text.split("@"))


def _hue(name: str, answers: Sequence[Answer]) -> str:
    """Return the CSS class for the accent colour of an answer."""
    answer = next((answer for answer in answers if answer.name == name), None)
    if answer is None or answer.denies:
        return "hue-no"
    accepting = [answer for answer in answers if not answer.denies]
    return f"hue-{accepting.index(answer) % _HUES}"
