"""Public reports about what stands between a program and its server; and none of them breaks.

The docstring of each test names the report, as in :mod:`tests.behaviour.test_reports`.
"""

import json
from collections.abc import Mapping
from typing import Any

from multidict import CIMultiDict

from mailroom.http import USER_AGENT
from tests.behaviour.conftest import Start, on
from tests.support.owner.person import Owner, message
from tests.support.proxy.proxy import Answer, Exchange, Forward, Proxy
from tests.support.variants.worlds import Variant

JMAP = Variant("sandbox", "jmap", "websocket")
EVENTS = Variant("sandbox", "jmap", "eventsource")
CARDDAV = Variant("sandbox", "carddav", "eventsource")
ANN = "Ann <ann@corp.example>"
ELSEWHERE = "//mail.example:10443"
BLOCKED = Answer(403, CIMultiDict({"Content-Type": "text/html"}), b"error code: 1010")
FORBIDDEN = Answer(
    403, CIMultiDict({"Content-Type": "application/json"}), b'{"message": "Forbidden"}'
)


async def tapped_and_triaged(owner: Owner) -> None:
    """Tap a mail of Ann's, and see it filed."""
    (tapped,) = await owner.receive(message(ANN, "tapped"))
    await owner.tap(tapped, "@ToFeed")
    await owner.until_triaged()
    assert await owner.where("tapped") == {"Feed"}


@on(JMAP, EVENTS, CARDDAV)
async def test_a_filter_that_refuses_the_names_of_libraries(
    alice: Owner, start: Start, proxy: Proxy
) -> None:
    """vectorize-io/hindsight#1041: Cloudflare answers Python's own name with error 1010."""

    async def refuse_python(exchange: Exchange, forward: Forward) -> Answer:
        is_ours = exchange.headers.get("User-Agent") == USER_AGENT
        return await forward() if is_ours else BLOCKED

    proxy.intercept = refuse_python
    async with start(alice, http=proxy.url):
        await tapped_and_triaged(alice)
    names = {each.headers.get("User-Agent") for each in proxy.exchanges}
    assert names == {USER_AGENT}, "push is asked for under our name as well"
    assert any(each.is_stream for each in proxy.exchanges)


@on(JMAP, CARDDAV)
async def test_a_burst_that_a_filter_refuses_is_no_refusal_of_the_credentials(
    alice: Owner, start: Start, proxy: Proxy
) -> None:
    """fmbiete/Z-Push-contrib#75: mod_evasive answers 403 in a burst; gateways do so in JSON."""
    answers = [BLOCKED, FORBIDDEN]

    async def refuse(exchange: Exchange, forward: Forward) -> Answer:
        return answers.pop() if answers else await forward()

    proxy.intercept = refuse
    async with start(alice, http=proxy.url) as service:
        await tapped_and_triaged(alice)
        assert service.events("pass failed") == [], "it is asked again a moment later"
    assert answers == []


def moved(session: Mapping[str, Any]) -> dict[str, Any]:
    """The session of a server that does not know by which name and port it is reached."""
    websocket = "urn:ietf:params:jmap:websocket"
    capabilities = dict(session["capabilities"])
    if websocket in capabilities:
        capabilities[websocket] = {
            **capabilities[websocket],
            "url": f"ws:{ELSEWHERE}/jmap/ws/",
        }
    addresses = {name: f"https:{ELSEWHERE}{session[name]}" for name in ("apiUrl", "eventSourceUrl")}
    return {**session, **addresses, "capabilities": capabilities}


@on(JMAP, EVENTS)
async def test_a_server_that_names_another_port_scheme_and_host(
    alice: Owner, start: Start, proxy: Proxy
) -> None:
    """stalwartlabs/stalwart#1445, stalwartlabs/webui#5: behind a proxy it names itself wrongly."""

    async def misname(exchange: Exchange, forward: Forward) -> Answer:
        answer = await forward()
        if exchange.method != "GET" or b'"apiUrl"' not in answer.body:
            return answer
        body = json.dumps(moved(json.loads(answer.body))).encode()
        headers = CIMultiDict({"Content-Type": "application/json"})
        return Answer(answer.status, headers, body)

    proxy.intercept = misname
    async with start(alice, http=proxy.url, MAILROOM_JMAP_KEEP_ORIGIN="true"):
        await tapped_and_triaged(alice)
    asked = len([each for each in proxy.exchanges if each.calls])
    assert asked
    async with start(alice, http=proxy.url, wait=False) as service:
        await service.until_logged("giving up")
        (end,) = service.events("giving up")
    assert "MAILROOM_JMAP_KEEP_ORIGIN" in str(end["error"])
    assert end["exit_code"] == 2
    assert len([each for each in proxy.exchanges if each.calls]) == asked
