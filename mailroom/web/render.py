"""Templates and static files."""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from mailroom.web.text import address, clean


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file that holds no data of an account."""

    body: bytes
    content_type: str
    version: str


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("mailroom.web"), autoescape=True, undefined=StrictUndefined
    )
    environment.filters.update(clean=clean, address=address)
    return environment


def render(template: str, **context: Any) -> str:
    """Return a page."""
    return _environment().get_template(template).render(**context)


def static_file(name: str) -> StaticFile | None:
    """Return a static file."""
    file = files("mailroom.web").joinpath("static", name)
    if not file.is_file():
        return None
    body = file.read_bytes()
    return StaticFile(body, "text/plain", hashlib.sha256(body).hexdigest()[:12])
