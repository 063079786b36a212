"""The HTTP server that reports the state of the service to people and probes.

- ``/healthz``: for people and uptime monitors. Fails if no pass succeeded for two poll intervals.
- ``/livez``: for a supervisor that restarts a process that hangs. It never depends on the mail
  server, which a restart would not mend. An answer shows that the event loop runs.
- ``/readyz``: succeeds if the session was fetched and the first pass is done.

Everybody who can reach the port can read the reports, so they must hold no secret. They name only
the senders whose contact or mail the server refuses for good, so that a person can mend that.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from types import MappingProxyType

from aiohttp import web
from aiohttp.typedefs import Handler

from mailroom.health.overview import Overview
from mailroom.http.listening import listen


@asynccontextmanager
async def serve(
    health: Overview, *, host: str, port: int, pages: Mapping[str, Handler] = MappingProxyType({})
) -> AsyncIterator[int]:
    """Answer on ``host`` and ``port`` as long as the block runs; yield the port.

    The host ``::`` stands for all addresses of both IP families. ``pages`` are further pages:
    path -> handler.

    Raises:
        PortUnavailableError: the port is taken or not permitted, or the host is not this machine.
    """

    async def healthz(_request: web.Request) -> web.Response:
        return _answer(health.report(), good=health.is_well())

    async def livez(_request: web.Request) -> web.Response:
        alive = health.is_alive()
        return _answer({"status": "ok" if alive else "stuck"}, good=alive)

    async def readyz(_request: web.Request) -> web.Response:
        if health.is_ready():
            return _answer({"status": "ready"}, good=True)
        reason = health.why_not_ready()
        return _answer({"status": "not ready", **({"why": reason} if reason else {})}, good=False)

    app = web.Application()
    own_pages = {"/healthz": healthz, "/livez": livez, "/readyz": readyz}
    for path, page in {**own_pages, **pages}.items():
        app.router.add_get(path, page)
    app.on_response_prepare.append(_never_store)
    async with listen(app, host=host, port=port, section="HEALTH") as bound:
        yield bound


def _answer(body: Mapping[str, object], *, good: bool) -> web.Response:
    status = HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
    return web.json_response(body, status=status)


async def _never_store(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Cache-Control"] = "no-store"
