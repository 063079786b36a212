"""The command line, as far as it needs no server."""

import os
import socket
from contextlib import redirect_stderr, redirect_stdout
from importlib.metadata import entry_points, version
from io import StringIO
from pathlib import Path
from unittest import mock

import pytest

from mailroom.cli import main, run_command
from mailroom.cli.commands import COMMANDS
from tests.support.service.forked import command
from tests.support.service.process import Finished

WITHOUT_ARGUMENTS = ["run", "check", "setup", "triage", "suggest", "waiting", "decided", "reset"]
"""Those that need settings and nothing else."""
SECRET = "correct-horse-battery"
SOUND = {
    "MAILROOM_JMAP_SESSION_URL": "http://127.0.0.1:1/jmap/",
    "MAILROOM_JMAP_USERNAME": "alice",
    "MAILROOM_JMAP_PASSWORD": SECRET,
    "MAILROOM_CARDDAV_URL": "http://127.0.0.1:1/",
    "MAILROOM_HEALTH_HOST": "127.0.0.1",
}


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings of whoever runs the tests get in."""
    monkeypatch.chdir(tmp_path)
    for name in ("MAILROOM_CONFIG", "MAILROOM_SECRETS_DIR", *SOUND):
        monkeypatch.delenv(name, raising=False)


def mailroom(*arguments: str, **env: str) -> Finished:
    out, err = StringIO(), StringIO()
    with (
        mock.patch.dict(os.environ, env),
        redirect_stdout(out),
        redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        run_command(arguments)
    code = ended.value.code or 0
    assert isinstance(code, int)
    return Finished(code, out.getvalue(), err.getvalue())


def test_the_version() -> None:
    told = mailroom("--version")
    assert (told.code, told.out) == (0, f"mailroom {version('mailroom')}\n")


def test_the_entry_point_is_this_command_line() -> None:
    (entry,) = entry_points(group="console_scripts", name="mailroom")
    assert entry.load() is main


def test_help_names_every_command() -> None:
    told = mailroom("--help")
    assert told.code == 0
    assert all(f"\n  {name}" in told.out for name in COMMANDS)
    _, _, listed = told.out.partition("Commands:")
    assert "..." not in listed  # no sentence is cut


@pytest.mark.parametrize("arguments", [[], *([name] for name in COMMANDS)], ids=str)
def test_help_fits_a_terminal(arguments: list[str]) -> None:
    told = mailroom(*arguments, "--help", COLUMNS="80")
    assert told.code == 0
    assert max(map(len, told.out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["frob"], "no such command: frob\n"),
        (["chek"], "no such command: chek (did you mean check?)"),
        (["--frob"], "no such option: --frob"),
        (["triage", "--dryrun"], "no such option: --dryrun (did you mean --dry-run?)"),
        (["triage", "--dry"], "no such option: --dry (did you mean --dry-run?)"),
        (["run", "now"], "unexpected argument: now"),
        (["decide", "a@b.example"], "arguments are required: CATEGORY"),
        (["check", "--account"], "--account: expected one argument"),
        (["suggest", "--limit", "0"], "--limit: must be a whole number of at least 1: '0'"),
        (["import", "nowhere", "--to", "spam"], "FILE: there is no file 'nowhere'"),
        (["import", "/", "--to", "spam"], "FILE: '/' is a directory"),
    ],
    ids=str,
)
def test_what_is_not_known_is_a_mistake_of_usage(arguments: list[str], named: str) -> None:
    told = mailroom(*arguments, **SOUND)
    assert told.code == 2
    assert named in told.err
    assert told.out == ""


@pytest.mark.parametrize("arguments", [[], *([name] for name in WITHOUT_ARGUMENTS)], ids=str)
def test_mistakes_in_the_settings_are_all_listed(arguments: list[str]) -> None:
    told = mailroom(*arguments, **SOUND, MAILROOM_JMAP_TOKEN=SECRET, MAILROOM_POLL_INTERVAL="often")
    assert told.code == 2
    assert told.out == ""
    token, interval = sorted(told.err.splitlines())
    assert token.startswith("MAILROOM_JMAP_TOKEN: must not be set together with")
    assert interval == "MAILROOM_POLL_INTERVAL: must be a number"
    assert SECRET not in told.err


@pytest.mark.parametrize("arguments", [[], ["run"]], ids=["without a command", "run"])
async def test_a_port_that_is_taken_is_a_mistake_in_the_settings(arguments: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        told = await command({**SOUND, "MAILROOM_HEALTH_PORT": port}, *arguments)
    assert told.code == 2
    assert told.err.splitlines()[-1].startswith(f"cannot listen on 127.0.0.1 port {port}: ")
