"""Errors as pages for people, as parts of pages for the script, and as RFC 9457 for programs."""

from http import HTTPStatus
from typing import Final

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from mailroom.web.context import AUTHENTICATOR, html, page_of
from mailroom.web.model import AccountUnavailableError, RefusedError
from mailroom.web.security import is_by_program, is_by_script

log = structlog.get_logger(__name__)

_HEADINGS: Final = {
    HTTPStatus.FORBIDDEN: "The request was refused",
    HTTPStatus.NOT_FOUND: "There is no such page",
    HTTPStatus.GONE: "This link is too old",
    HTTPStatus.MISDIRECTED_REQUEST: "Unknown host name",
    HTTPStatus.SERVICE_UNAVAILABLE: "The mail account cannot be used now",
    HTTPStatus.UNPROCESSABLE_ENTITY: "The request was refused",
    HTTPStatus.INTERNAL_SERVER_ERROR: "A mistake in Mailroom",
}
_ADVICE: Final = {
    HTTPStatus.SERVICE_UNAVAILABLE: "Nothing is lost. Try again in a minute.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Mailroom's log has the details.",
}


@web.middleware
async def show_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer a request; turn an error into a page, a part of a page, or JSON."""
    try:
        return await handler(request)
    except web.HTTPRedirection:
        raise
    except web.HTTPException as error:
        status, text = HTTPStatus(error.status), error.text or ""
        if text == f"{error.status}: {error.reason}":  # aiohttp's own text repeats the status
            text = ""
        kept = ("Allow", "Retry-After", "WWW-Authenticate")
        headers = {name: error.headers[name] for name in kept if name in error.headers}
    except RefusedError as error:
        status, text, headers = HTTPStatus.UNPROCESSABLE_ENTITY, str(error), {}
    except AccountUnavailableError as error:
        status, text, headers = HTTPStatus.SERVICE_UNAVAILABLE, str(error), {"Retry-After": "60"}
    except Exception:
        # The path of a notice's link is a secret with which anybody can decide, so the log gets the
        # route, such as /notice/{link}.
        resource = request.match_info.route.resource
        path = "" if resource is None else resource.canonical
        log.exception("a mistake in Mailroom itself: the page did not answer", path=path)
        status, text, headers = HTTPStatus.INTERNAL_SERVER_ERROR, "", {}
    response = await _response(request, status, text)
    response.headers.update(headers)
    return response


async def _response(request: web.Request, status: HTTPStatus, text: str) -> web.Response:
    if is_by_program(request):
        problem = {"type": "about:blank", "title": status.phrase, "status": status.value}
        return web.json_response(
            {**problem, "detail": text}, status=status, content_type="application/problem+json"
        )
    context = {
        "status": status.value,
        "heading": _HEADINGS.get(status, status.phrase),
        "text": text,
        "advice": _ADVICE.get(status, ""),
    }
    if is_by_script(request):
        return html("_problem.html", code=status, **context)
    # A site whose name points to this machine (DNS rebinding) can read this response, so the
    # response shows nothing of an account.
    is_our_host = status != HTTPStatus.MISDIRECTED_REQUEST
    access = request.app[AUTHENTICATOR].access_of(request) if is_our_host else None
    page = page_of(request, str(context["heading"]), access=access)
    return html("error.html", code=status, page=page, **context)
