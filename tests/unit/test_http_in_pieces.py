"""Answers that are read while they come in, and are never in memory as a whole."""

import pytest

from mailroom.http import BrokenAnswerError, HttpRequest, Response, UnexpectedStatusError
from tests.support.scripted.http import ScriptedServer, answer, http_client, redirect

LARGE = b"0123456789abcdef" * 1_000_000


class Counting:
    """Reads bodies of 200; counts octets, and ends at ``enough``."""

    def __init__(self, enough: int = 10**9) -> None:
        self.size = 0
        self._enough = enough

    def begin(self, response: Response) -> bool:
        return response.status == 200

    def feed(self, data: bytes) -> bool:
        self.size += len(data)
        return self.size < self._enough

    def result(self, response: Response) -> tuple[int, int, bytes]:
        return response.status, self.size, response.body


class Refusing(Counting):
    """Finds nothing good."""

    def feed(self, data: bytes) -> bool:
        raise BrokenAnswerError(URL_OF_TESTS, "not as promised")


URL_OF_TESTS = ScriptedServer([]).url


async def test_a_large_answer_is_fed_in_pieces() -> None:
    async with ScriptedServer.running(answer(200, LARGE)) as server, http_client() as http:
        request = HttpRequest("GET", server.url)
        assert await http.ask_in_pieces(request, Counting) == (200, len(LARGE), b"")


async def test_a_reader_may_have_enough_and_the_client_goes_on() -> None:
    async with ScriptedServer.running(answer(200, LARGE)) as server, http_client() as http:
        request = HttpRequest("GET", server.url)
        status, size, _ = await http.ask_in_pieces(request, lambda: Counting(1000))
        assert status == 200
        assert 1000 <= size < len(LARGE)
        assert (await http.request("GET", server.url)).body == LARGE


async def test_a_body_that_the_reader_does_not_want_comes_whole() -> None:
    script = redirect("/elsewhere"), answer(404, b"not here")
    async with ScriptedServer.running(*script) as server, http_client() as http:
        request = HttpRequest("GET", server.url, expected={200, 404})
        assert await http.ask_in_pieces(request, Counting) == (404, 0, b"not here")


async def test_each_attempt_has_a_reader_of_its_own() -> None:
    script = answer(503), answer(200, b"abc")
    async with ScriptedServer.running(*script) as server, http_client() as http:
        request = HttpRequest("GET", server.url)
        assert await http.ask_in_pieces(request, Counting) == (200, 3, b"")


async def test_a_broken_answer_is_asked_for_again_and_then_raised() -> None:
    async with ScriptedServer.running(answer(200, b"abc")) as server, http_client() as http:
        with pytest.raises(BrokenAnswerError, match="not as promised"):
            await http.ask_in_pieces(HttpRequest("GET", server.url), Refusing)
        assert len(server.seen) == 4


async def test_an_unexpected_status_is_raised() -> None:
    async with ScriptedServer.running(answer(410, b"gone")) as server, http_client() as http:
        with pytest.raises(UnexpectedStatusError):
            await http.ask_in_pieces(HttpRequest("GET", server.url), Counting)
