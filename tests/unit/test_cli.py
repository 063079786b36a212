"""The command line, as far as it needs no server."""

import socket
from importlib.metadata import entry_points, version
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from mailroom.cli import app, main
from tests.support.service.process import command

WITHOUT_ARGUMENTS = ["run", "check", "setup", "triage", "suggest", "waiting", "decided", "reset"]
"""Those that need settings and nothing else."""
COMMANDS = [*WITHOUT_ARGUMENTS, "explain", "health", "demo"]
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


def mailroom(*arguments: str, **env: str) -> Result:
    return CliRunner().invoke(app, arguments, env=env)


def test_the_version() -> None:
    told = mailroom("--version")
    assert (told.exit_code, told.output) == (0, f"mailroom {version('mailroom')}\n")


def test_the_entry_point_is_this_command_line() -> None:
    (entry,) = entry_points(group="console_scripts", name="mailroom")
    assert entry.load() is main


def test_help_names_every_command() -> None:
    told = mailroom("--help")
    assert told.exit_code == 0
    assert all(f"\n  {name}" in told.output for name in COMMANDS)
    _, _, listed = told.output.partition("Commands:")
    assert "..." not in listed  # no sentence is cut


@pytest.mark.parametrize("arguments", [[], *([name] for name in COMMANDS)], ids=str)
def test_help_fits_a_terminal(arguments: list[str]) -> None:
    told = mailroom(*arguments, "--help", COLUMNS="80")
    assert told.exit_code == 0
    assert max(map(len, told.output.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["frob"], "No such command 'frob'"),
        (["--frob"], "No such option: --frob"),
        (["triage", "--dryrun"], "--dry-run"),
        (["run", "now"], "now"),
    ],
    ids=str,
)
def test_what_is_not_known_is_a_mistake_of_usage(arguments: list[str], named: str) -> None:
    told = mailroom(*arguments, **SOUND)
    assert told.exit_code == 2
    assert named in told.stderr
    assert told.stdout == ""


@pytest.mark.parametrize("arguments", [[], *([name] for name in WITHOUT_ARGUMENTS)], ids=str)
def test_mistakes_in_the_settings_are_all_listed(arguments: list[str]) -> None:
    told = mailroom(*arguments, **SOUND, MAILROOM_JMAP_TOKEN=SECRET, MAILROOM_POLL_INTERVAL="often")
    assert told.exit_code == 2
    assert told.stdout == ""
    token, interval = sorted(told.stderr.splitlines())
    assert token.startswith("MAILROOM_JMAP_TOKEN: must not be set together with")
    assert interval == "MAILROOM_POLL_INTERVAL: must be a number"
    assert SECRET not in told.stderr


@pytest.mark.parametrize("arguments", [[], ["run"]], ids=["without a command", "run"])
async def test_a_port_that_is_taken_is_a_mistake_in_the_settings(arguments: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        told = await command({**SOUND, "MAILROOM_HEALTH_PORT": port}, *arguments)
    assert told.code == 2
    assert told.err.splitlines()[-1].startswith(f"cannot listen on 127.0.0.1 port {port}: ")
