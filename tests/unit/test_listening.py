"""A server that listens: requests that are no HTTP leave no line in the log."""

import logging

import aiohttp
import pytest
from aiohttp import web

from mailroom.http.listening import listen


async def test_a_request_that_is_too_long_is_refused_without_a_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail(_: web.Request) -> web.Response:
        raise ValueError("a mistake")

    app = web.Application()
    app.router.add_get("/fail", fail)
    with caplog.at_level(logging.DEBUG):
        async with (
            listen(app, host="127.0.0.1", port=0, section="HEALTH") as port,
            aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client,
        ):
            async with client.get(f"/{'y' * 9000}") as response:
                assert response.status == 400
            assert not [line for line in caplog.records if line.levelno >= logging.WARNING]
            async with client.get("/fail") as response:
                assert response.status == 500
    assert [line.name for line in caplog.records if line.levelno >= logging.ERROR] == [
        "mailroom.http.server"
    ]
