"""The web application of the page: its routes and middlewares."""

import asyncio
import secrets
from collections.abc import Sequence

from aiohttp import web
from itsdangerous import URLSafeTimedSerializer

from mailroom.web import actions, api, notice_pages, pages, sign_in_pages
from mailroom.web.authentication import Authenticator
from mailroom.web.context import AUTHENTICATOR, LINK_SIGNERS, OUTCOME_SIGNER
from mailroom.web.errors import show_errors
from mailroom.web.events import STOPPING, end_streams, events
from mailroom.web.notice_links import LinkSigner
from mailroom.web.options import Access, PageOptions
from mailroom.web.render import static_file
from mailroom.web.security import MOST_OCTETS, Guard, add_headers

_KEEP_FOR_A_YEAR = "public, max-age=31536000, immutable"


def make_app(accesses: Sequence[Access], options: PageOptions) -> web.Application:
    """Return the application.

    Args:
        accesses: the accounts, each with the people and programs that may see it; at least one.
        options: the options that hold for all accounts.
    """
    app = web.Application(
        client_max_size=MOST_OCTETS, middlewares=[show_errors, Guard(options.url)]
    )
    app[AUTHENTICATOR] = Authenticator(accesses, options)
    app[LINK_SIGNERS] = [
        (
            access,
            LinkSigner(access.account.name, api_token=access.api_token, password=access.password),
        )
        for access in accesses
    ]
    # Outcomes are shown right after the form was sent, so the key need not outlive the process.
    app[OUTCOME_SIGNER] = URLSafeTimedSerializer(secrets.token_bytes(32), salt="mailroom.outcomes")
    app[STOPPING] = asyncio.Event()
    app.on_shutdown.append(end_streams)
    app.on_response_prepare.append(add_headers)
    app.add_routes(_routes())
    return app


def _routes() -> list[web.RouteDef]:
    return [
        web.get("/", pages.waiting),
        web.get("/rows", pages.rows),
        web.get("/decided", pages.decided),
        web.get("/subject", pages.subject),
        web.get("/suggest", pages.suggest),
        web.get("/clear", pages.clear),
        web.get("/offline", pages.offline),
        web.get("/events", events, allow_head=False),
        web.get("/sign-in", sign_in_pages.show),
        web.post("/sign-in", sign_in_pages.sign_in),
        web.post("/sign-out", sign_in_pages.sign_out),
        web.post("/decide", actions.decide),
        web.post("/undo", actions.undo),
        web.post("/let-in", actions.let_in),
        web.post("/send-back", actions.send_back),
        web.post("/suggest", actions.suggest),
        web.post("/clear", actions.clear),
        web.get("/notice/{link}", notice_pages.show),
        web.post("/notice/{link}", notice_pages.decide),
        web.get("/api/waiting", api.waiting),
        web.get("/api/decided", api.decided),
        web.post("/api/decide", api.decide),
        web.post("/api/undo", api.undo),
        # The name is matched before its escapes are resolved, so it is never a path.
        web.get(r"/static/{name:[\w-]+\.\w+}", _static),
        web.get(r"/{name:manifest\.webmanifest|sw\.js}", _static),
    ]


async def _static(request: web.Request) -> web.StreamResponse:
    """Return a file that holds no data of an account."""
    file = static_file(request.match_info["name"])
    if file is None:
        raise web.HTTPNotFound
    response = web.Response(body=file.body, content_type=file.content_type)
    # A new version has a new address, so browsers may keep this one.
    if request.query.get("v") == file.version:
        response.headers["Cache-Control"] = _KEEP_FOR_A_YEAR
    return response
