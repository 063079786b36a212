"""The sandbox's contacts over JMAP against recordings of a real server (Cyrus IMAP 3.13).

``contacts_recordings.json`` has the requests and answers in the order of the session, without
account ids and properties of that server's own. It is replayed against a sandbox: the same requests
must get answers of the same shape, the same cards, and the same errors. Steps without responses
only bring the sandbox to where the recorded server was.

Values that differ in each run are translated (ids, states) or left out (times, product ids).
"""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from mailroom.sandbox.dispatch import CORE
from mailroom.sandbox.quirks import Limits, Quirks
from mailroom.sandbox.sandbox_account import CONTACTS, SandboxAccount, User

Json = dict[str, Any]
RECORDED: Final[list[Json]] = json.loads(
    Path(__file__).with_suffix("").with_name("contacts_recordings.json").read_text()
)
REPLAYED: Final = [step["name"] for step in RECORDED if "responses" in step]

QUIRKS: Final = Quirks(limits=Limits(max_calls_in_request=100))
"""The limit is high, because a step sends calls together that were recorded one by one."""
TIMES: Final = {"created", "updated", "prodId"}
STATES: Final = ("state", "queryState", "oldState", "newState")


class Replay:
    """Sends the recorded requests to the sandbox, and compares the answers."""

    def __init__(self) -> None:
        self._account = SandboxAccount(User(), QUIRKS, lambda: 0.0)
        self._ids: dict[str, str] = {}
        self._states: dict[str, str] = {}
        self.compared = 0

    def run(self, step: Json, *, compare: bool) -> None:
        """Send the requests of a step, and compare the answers if there are any."""
        answers = self._ask(step["calls"])
        if "responses" not in step:
            assert not any(
                answer.get("notCreated") or answer.get("notUpdated") for _, answer, _ in answers
            )
            return
        for call, recorded, here in zip(step["calls"], step["responses"], answers, strict=True):
            self._learn(recorded[1], here[1])
            if compare:
                self._compare(f"{step['name']}: {call}", recorded, here)

    def _ask(self, calls: list[Any]) -> list[Any]:
        here = [[name, self._as_here(arguments), tag] for name, arguments, tag in calls]
        request = {"using": [CORE, CONTACTS], "methodCalls": here}
        answers: list[Any] = json.loads(json.dumps(self._account.dispatcher.perform(request)))[
            "methodResponses"
        ]
        return answers

    def _compare(self, what: str, recorded: Any, here: Any) -> None:
        self.compared += 1
        assert here[0] == recorded[0], (what, here)
        if here[0] == "error":
            wanted, got = (_without(response[1], {"description"}) for response in (recorded, here))
        else:
            wanted = _shape(self._as_here(recorded[1]), recorded[1])
            got = _shape(here[1], recorded[1])
        assert got == wanted, what

    def _learn(self, recorded: Json, here: Json) -> None:
        """Note the ids and states of this sandbox that correspond to recorded ones."""
        created = recorded.get("created")
        for creation_id, facts in created.items() if isinstance(created, dict) else ():
            self._ids[facts["id"]] = here["created"][creation_id]["id"]
        for name in STATES:
            if recorded.get(name, "").isdecimal() and name in here:
                self._states[recorded[name]] = here[name]

    def _as_here(self, value: Any) -> Any:
        """Replace recorded ids and states by those of this sandbox.

        Only the values of three arguments are states; elsewhere, an equal text is something else.
        """
        match value:
            case dict():
                return {
                    self._as_here(key): self._state(item)
                    if key in {"sinceState", "ifInState", "sinceQueryState"}
                    else self._as_here(item)
                    for key, item in value.items()
                }
            case list():
                return [self._as_here(item) for item in value]
            case str():
                return self._ids.get(value, value)
        return value

    def _state(self, state: str) -> str:
        return self._states.get(state, state)


def _without(value: Any, names: set[str]) -> Any:
    match value:
        case dict():
            return {key: _without(item, names) for key, item in value.items() if key not in names}
        case list():
            return [_without(item, names) for item in value]
    return value


def _shape(answer: Json, recorded: Json) -> Json:
    """Return the parts of an answer that must be equal; of a word search only ids are recorded."""
    if recorded.keys() == {"ids"}:
        return {"ids": answer["ids"]}
    shape: Json = _without(answer, {*STATES, "mayShare", "filter", "accountId"})
    if "oldState" in answer:
        shape["moved"] = answer["oldState"] != answer["newState"]
    for part in ("created", "updated"):
        if isinstance(shape.get(part), dict):
            shape[part] = {key: _facts(facts) for key, facts in shape[part].items()}
    if "list" in shape:
        objects = [_without(item, TIMES) for item in shape["list"]]
        has_order = "isDefault" not in str(objects)  # address books are ordered by random ids
        shape["list"] = objects if has_order else sorted(objects, key=lambda book: book["name"])
    if shape.get("hasMoreChanges"):
        del shape["moved"]
    return shape


def _facts(facts: Json | None) -> Json | None:
    """Return the answer about a new or changed object: the names of times, and all other values."""
    return None if facts is None else {**_without(facts, TIMES), "times": sorted(TIMES & {*facts})}


@pytest.mark.parametrize("name", REPLAYED)
def test_the_sandbox_answers_as_the_recorded_server(name: str) -> None:
    """All earlier steps are replayed first, because each step depends on them."""
    replay = Replay()
    for step in RECORDED[: [step["name"] for step in RECORDED].index(name)]:
        replay.run(step, compare=False)
    (step,) = (step for step in RECORDED if step["name"] == name)
    replay.run(step, compare=True)
    assert replay.compared
