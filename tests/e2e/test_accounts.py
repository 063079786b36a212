"""Several accounts in one process, on a real server."""

import itertools
import json
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
import yaml

from tests.support.owner.person import Person, message, until
from tests.support.servers.cyrus import Cyrus
from tests.support.service.forked import command, running
from tests.support.service.in_process import set_up
from tests.support.service.process import Running, environment

_numbers = itertools.count()


@pytest.fixture
async def family(cyrus: Cyrus, tmp_path: Path) -> AsyncIterator[list[Person]]:
    """Three owners; the account of the last one is not set up for Mailroom."""
    people = []
    async with AsyncExitStack() as stack:
        for _ in range(3):
            name = f"f{os.getpid()}n{next(_numbers)}"
            await cyrus.fresh_user(name)
            session = await stack.enter_async_context(aiohttp.ClientSession())
            people.append(Person(cyrus, name, session))
        for person in people[:2]:
            await set_up(environment(person), tmp_path)
        yield people


def environment_of(family: list[Person], folder: Path, **more: str) -> dict[str, str]:
    """Return an environment with passwords in files, and all other settings in a YAML file."""
    server = family[0].server.url
    secrets = folder / "secrets"
    secrets.mkdir()
    for person in family:
        (secrets / f"mailroom_accounts_{person.name}_jmap_password").write_text(person.password)
    content = {
        "jmap": {"session_url": f"{server}/jmap/"},
        "carddav": {"url": f"{server}/"},
        "arrivals": {"enabled": False},
        "accounts": {person.name: {"jmap": {"username": person.name}} for person in family},
    }
    (folder / "mailroom.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    keep = {"PATH", "MAILROOM_HEALTH_HOST", "MAILROOM_LOG_FORMAT", "PYTHONWARNINGS"}
    return {
        **{key: value for key, value in environment(family[0]).items() if key in keep},
        "MAILROOM_CONFIG": str(folder / "mailroom.yaml"),
        "MAILROOM_SECRETS_DIR": str(secrets),
        **more,
    }


async def until_statuses(service: Running, **expected: str) -> None:
    async def are_as_expected() -> bool:
        status, body = await service.get("/healthz")
        accounts = json.loads(body)["accounts"] if status else {}
        return {name: account["status"] for name, account in accounts.items()} == expected

    await until(are_as_expected, f"/healthz has the statuses {expected}")


async def test_the_others_work_on_while_one_lacks_its_mailboxes(
    family: list[Person], tmp_path: Path
) -> None:
    anna, ben, carol = family
    env = environment_of(family, tmp_path)
    async with running(env, tmp_path / "log", wait=False) as service:
        expected = {anna.name: "ok", ben.name: "ok", carol.name: "gave up"}
        await until_statuses(service, **expected)
        for person in (anna, ben):
            (mail,) = await person.receive(message("Bob <bob@corp.example>", "one"))
            await person.tap(mail, "@ToFeed")
            await person.until_triaged("one")
            assert await person.groups_of("bob@corp.example") == {"Feed", "Mailroom"}
        # The label is off a moment before the pass ends, and the end is counted.
        await service.until_logged("decision carried out", 2)
        for path in ("/healthz", "/livez", "/readyz"):
            assert (await service.get(path))[0] == 200
        health = await service.health()
        assert health["status"] == "degraded"
        assert health["accounts"][carol.name]["gave_up"]["exit_code"] == 4
        _, metrics = await service.get("/metrics")
        for person in (anna, ben):
            line = f'mailroom_decisions_total{{account="{person.name}",category="Feed"}} 1.0'
            assert line in metrics.splitlines()
        assert await service.end() == 0
    for event in ("decision carried out", "push connected"):
        assert {line["account"] for line in service.events(event)} >= {anna.name, ben.name}
    assert "secret" not in (tmp_path / "log").read_text()


async def test_commands_work_on_all_or_on_one(family: list[Person], tmp_path: Path) -> None:
    anna, ben, carol = family
    env = environment_of(family, tmp_path)
    finished = await command(env, "setup")
    assert finished.code == 0
    for person in family:
        assert f"{person.name}:" in finished.out.splitlines()
    assert finished.out.count("All mailboxes and contact groups are there.") == 2

    finished = await command(env, "check", "--json")
    assert finished.code == 4
    codes = {
        name: account["exit_code"] for name, account in json.loads(finished.out)["accounts"].items()
    }
    assert codes == {anna.name: 0, ben.name: 0, carol.name: 4}

    finished = await command(env, "triage", "--account", ben.name)
    assert (finished.code, finished.out.splitlines()[0]) == (0, f"{ben.name}:")
    assert anna.name not in finished.out

    finished = await command(env, "explain", "bob@corp.example", "--account", "nobody")
    assert finished.code == 2
    known = ", ".join(person.name for person in family)
    assert finished.err == f"there is no account 'nobody' (there are: {known})\n"


async def test_an_account_that_fails_is_in_the_data_of_all(
    family: list[Person], tmp_path: Path
) -> None:
    anna, ben, _ = family
    env = environment_of(family[:2], tmp_path)
    env[f"MAILROOM_ACCOUNTS_{ben.name.upper()}_JMAP_PASSWORD"] = "not-bens"
    finished = await command(env, "explain", "bob@corp.example", "--json")
    assert finished.code == 3
    accounts = json.loads(finished.out)["accounts"]
    assert accounts[anna.name]["subject"] == "bob@corp.example"
    assert accounts[ben.name]["exit_code"] == 3
    assert "credentials refused" in accounts[ben.name]["error"]
    assert "not-bens" not in finished.out + finished.err


@pytest.mark.parametrize("options", [[], ["--account", ""]], ids=str)
async def test_nothing_is_taken_back_in_all_accounts_at_once(
    family: list[Person], tmp_path: Path, options: list[str]
) -> None:
    finished = await command(environment_of(family, tmp_path), "reset", "--apply", *options)
    known = ", ".join(person.name for person in family)
    assert finished.code == 2
    assert finished.out == ""
    assert finished.err.endswith(f"(there are: {known})\n")


async def test_each_process_takes_its_shard(family: list[Person], tmp_path: Path) -> None:
    env = environment_of(family[:2], tmp_path)
    names: list[str] = []
    for index in range(2):
        shard = {**env, "MAILROOM_SHARD": f"{index}/2"}
        async with running(shard, tmp_path / f"log{index}", wait=False) as service:
            await service.until_logged("started")
            (line,) = service.events("started")
            accounts = list((await service.health())["accounts"])
            assert (line["shard"], line["accounts"]) == (f"{index}/2", len(accounts))
            names += accounts
            assert await service.end() == 0
    assert sorted(names) == sorted(person.name for person in family[:2])
