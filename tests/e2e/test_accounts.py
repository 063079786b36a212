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
    """Three people; the last has no mailboxes for Mailroom."""
    people = []
    async with AsyncExitStack() as stack:
        for _ in range(3):
            name = f"f{os.getpid()}n{next(_numbers)}"
            await cyrus.fresh_user(name)
            session = await stack.enter_async_context(aiohttp.ClientSession())
            people.append(Person(cyrus, name, session))
        for each in people[:2]:
            await set_up(environment(each), tmp_path)
        yield people


def environment_of(family: list[Person], folder: Path, **more: str) -> dict[str, str]:
    """Passwords in files, everything else in the YAML file."""
    server = family[0].server.url
    secrets = folder / "secrets"
    secrets.mkdir()
    for each in family:
        (secrets / f"mailroom_accounts_{each.name}_jmap_password").write_text(each.password)
    content = {
        "jmap": {"session_url": f"{server}/jmap/"},
        "carddav": {"url": f"{server}/"},
        "arrivals": {"enabled": False},
        "accounts": {each.name: {"jmap": {"username": each.name}} for each in family},
    }
    (folder / "mailroom.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    keep = {"PATH", "MAILROOM_HEALTH_HOST", "MAILROOM_LOG_FORMAT", "PYTHONWARNINGS"}
    return {
        **{key: value for key, value in environment(family[0]).items() if key in keep},
        "MAILROOM_CONFIG": str(folder / "mailroom.yaml"),
        "MAILROOM_SECRETS_DIR": str(secrets),
        **more,
    }


async def until_settled(service: Running, **expected: str) -> None:
    async def settled() -> bool:
        status, body = await service.get("/healthz")
        accounts = json.loads(body)["accounts"] if status else {}
        return {name: each["status"] for name, each in accounts.items()} == expected

    await until(settled, f"/healthz tells {expected}")


async def test_the_others_work_on_while_one_lacks_its_mailboxes(
    family: list[Person], tmp_path: Path
) -> None:
    anna, ben, carol = family
    env = environment_of(family, tmp_path)
    async with running(env, tmp_path / "log", wait=False) as service:
        expected = {anna.name: "ok", ben.name: "ok", carol.name: "gave up"}
        await until_settled(service, **expected)
        for each in (anna, ben):
            (mail,) = await each.receive(message("Bob <bob@corp.example>", "one"))
            await each.tap(mail, "@ToFeed")
            await each.until_triaged("one")
            assert await each.groups_of("bob@corp.example") == {"Feed", "Mailroom"}
        # The label is off a moment before the pass ends, and the end is counted.
        await service.until_logged("decision carried out", 2)
        for path in ("/healthz", "/livez", "/readyz"):
            assert (await service.get(path))[0] == 200
        health = await service.health()
        assert health["status"] == "degraded"
        assert health["accounts"][carol.name]["gave_up"]["exit_code"] == 4
        _, metrics = await service.get("/metrics")
        for each in (anna, ben):
            one = f'mailroom_decisions_total{{account="{each.name}",category="Feed"}} 1.0'
            assert one in metrics.splitlines()
        assert await service.end() == 0
    for event in ("decision carried out", "push connected"):
        assert {line["account"] for line in service.events(event)} >= {anna.name, ben.name}
    assert "secret" not in (tmp_path / "log").read_text()


async def test_commands_work_on_all_or_on_one(family: list[Person], tmp_path: Path) -> None:
    anna, ben, carol = family
    env = environment_of(family, tmp_path)
    told = await command(env, "setup")
    assert told.code == 0
    for each in family:
        assert f"{each.name}:" in told.out.splitlines()
    assert told.out.count("All mailboxes and contact groups are there.") == 2

    told = await command(env, "check", "--json")
    assert told.code == 4
    codes = {name: each["exit_code"] for name, each in json.loads(told.out)["accounts"].items()}
    assert codes == {anna.name: 0, ben.name: 0, carol.name: 4}

    told = await command(env, "triage", "--account", ben.name)
    assert (told.code, told.out.splitlines()[0]) == (0, f"{ben.name}:")
    assert anna.name not in told.out

    told = await command(env, "explain", "bob@corp.example", "--account", "nobody")
    assert told.code == 2
    known = ", ".join(each.name for each in family)
    assert told.err == f"there is no account 'nobody' (there are: {known})\n"


async def test_an_account_that_fails_is_in_the_data_of_all(
    family: list[Person], tmp_path: Path
) -> None:
    anna, ben, _ = family
    env = environment_of(family[:2], tmp_path)
    env[f"MAILROOM_ACCOUNTS_{ben.name.upper()}_JMAP_PASSWORD"] = "not-bens"
    told = await command(env, "explain", "bob@corp.example", "--json")
    assert told.code == 3
    accounts = json.loads(told.out)["accounts"]
    assert accounts[anna.name]["subject"] == "bob@corp.example"
    assert accounts[ben.name]["exit_code"] == 3
    assert "credentials refused" in accounts[ben.name]["error"]
    assert "not-bens" not in told.out + told.err


@pytest.mark.parametrize("options", [[], ["--account", ""]], ids=str)
async def test_nothing_is_taken_back_in_all_accounts_at_once(
    family: list[Person], tmp_path: Path, options: list[str]
) -> None:
    told = await command(environment_of(family, tmp_path), "reset", "--apply", *options)
    known = ", ".join(each.name for each in family)
    assert told.code == 2
    assert told.out == ""
    assert told.err.endswith(f"(there are: {known})\n")


async def test_each_process_takes_its_shard(family: list[Person], tmp_path: Path) -> None:
    env = environment_of(family[:2], tmp_path)
    found: list[str] = []
    for index in range(2):
        shard = {**env, "MAILROOM_SHARD": f"{index}/2"}
        async with running(shard, tmp_path / f"log{index}", wait=False) as service:
            await service.until_logged("started")
            (line,) = service.events("started")
            accounts = list((await service.health())["accounts"])
            assert (line["shard"], line["accounts"]) == (f"{index}/2", len(accounts))
            found += accounts
            assert await service.end() == 0
    assert sorted(found) == sorted(each.name for each in family[:2])
