"""JSON for programs: list waiting subjects and decisions, decide, and undo. See docs/page.md."""

from aiohttp import web

from mailroom.web.context import AUTHENTICATOR
from mailroom.web.forms import read_object, text_of
from mailroom.web.model import Choice, Outcome, RefusedError
from mailroom.web.protocol import ScreenedAccount


async def waiting(request: web.Request) -> web.StreamResponse:
    """Return the waiting subjects as ``mailroom waiting --json`` does, and the time of reading."""
    shown = await _account_of(request, decides=False).waiting()
    data = {
        "waiting": [dict(row.data) for row in shown.rows],
        "read_at": shown.read_at.isoformat(timespec="seconds"),
        "problem": shown.problem or None,
    }
    return web.json_response(data)


async def decided(request: web.Request) -> web.StreamResponse:
    """Return the decisions as ``mailroom decided --json`` does."""
    account = _account_of(request, decides=False)
    category, search = request.query.get("category", ""), request.query.get("search", "")
    rows = await account.decided(category=category, search=search)
    return web.json_response({"decided": [dict(row.data) for row in rows]})


async def decide(request: web.Request) -> web.StreamResponse:
    """Decide on one subject."""
    account, body = _account_of(request, decides=True), await read_object(request)
    choice = Choice(
        text_of(body, "who"), text_of(body, "category"), mark_read=body.get("mark_read") is True
    )
    (outcome,) = await account.decide([choice])
    return _outcome(outcome)


async def undo(request: web.Request) -> web.StreamResponse:
    """Undo a decision."""
    account, body = _account_of(request, decides=True), await read_object(request)
    return _outcome(await account.undo(text_of(body, "who")))


def _account_of(request: web.Request, *, decides: bool) -> ScreenedAccount:
    """Return the account of the program that sends a request.

    Raises:
        HTTPException: the token is missing or wrong, or may only read.
    """
    program = request.app[AUTHENTICATOR].program_of(request)
    if program is None:
        raise web.HTTPUnauthorized(
            text="The token is missing, or wrong.", headers={"WWW-Authenticate": "Bearer"}
        )
    access, may_decide = program
    if decides and not may_decide:
        raise web.HTTPForbidden(text="This token may read, but not decide.")
    return access.account


def _outcome(outcome: Outcome) -> web.StreamResponse:
    if outcome.failure:
        raise RefusedError(outcome.failure)
    return web.json_response(dict(outcome.data), status=202 if outcome.is_pending else 200)
