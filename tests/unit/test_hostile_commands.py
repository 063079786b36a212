"""What stands in an account is told as well as a terminal can, whatever it is."""

import json
import os
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from mailroom.account import open_account
from mailroom.admin.setup import create, find_lacking
from mailroom.sandbox import Quirks, Sandbox, User
from mailroom.settings.load import load_settings
from tests.support.owner.jscontact_app import JsContactApp
from tests.support.service.forked import command

HALF = "Half \ud83d of a character"


@pytest.mark.parametrize("arguments", [(), ("--json",)], ids=["text", "JSON"])
async def test_half_a_character_on_a_card_is_told_in_another_way(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    sandbox = Sandbox(users=[User("alice")], quirks=Quirks(contacts=True))
    environ = {
        "PATH": os.environ["PATH"],
        "MAILROOM_JMAP_USERNAME": "alice",
        "MAILROOM_JMAP_PASSWORD": User("alice").password,
    }
    async with sandbox.serve(), aiohttp.ClientSession() as session:
        environ["MAILROOM_JMAP_SESSION_URL"] = sandbox.session_url
        async with open_account(load_settings(environ, cwd=tmp_path)) as account:
            await create(account, await find_lacking(account))
        app = JsContactApp(session, URL(sandbox.session_url), "alice", User("alice").password)
        await app.add("bob", HALF, "bob@corp.example")
        done = await command(environ, "explain", "bob@corp.example", *arguments, cwd=tmp_path)
    assert done.code == 0, done.err
    assert "Half \\ud83d of a character" in done.out
    if arguments:
        assert HALF in json.dumps(json.loads(done.out), ensure_ascii=False)
