"""Read the bodies of requests, any of which an attacker may have sent."""

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from multidict import MultiDict

_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"
_UTF8 = "utf-8"


async def read_form(request: web.Request) -> MultiDict[str]:
    """Return the fields of a form.

    Raises:
        HTTPException: the body is not a form, or too large.
    """
    # aiohttp decodes the body by any codec of Python that the sender names, so only UTF-8 may pass.
    if request.content_type != _FORM or (request.charset or _UTF8).lower() != _UTF8:
        raise web.HTTPUnsupportedMediaType(
            text="The form must be application/x-www-form-urlencoded in UTF-8."
        )
    try:
        fields = await request.post()
    except ValueError:
        raise web.HTTPBadRequest(text="The form cannot be read.") from None
    return MultiDict((name, value) for name, value in fields.items() if isinstance(value, str))


async def read_object(request: web.Request) -> Mapping[str, Any]:
    """Return the JSON object in a body.

    Raises:
        HTTPException: the body is not a JSON object, or too large.
    """
    if request.content_type != _JSON:
        raise web.HTTPUnsupportedMediaType(text="The body must be application/json.")
    try:
        value = json.loads(await request.read())
    except (ValueError, RecursionError):
        raise web.HTTPBadRequest(text="The body is not JSON.") from None
    if not isinstance(value, dict):
        raise web.HTTPBadRequest(text="The body must be a JSON object.")
    return value


def text_of(fields: Mapping[str, Any], name: str) -> str:
    """Return the text in a field of a form or a JSON object.

    Raises:
        HTTPException: the field is missing, or is not a text.
    """
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise web.HTTPBadRequest(text=f"{name!r} is missing, or not a text.")
    return value
