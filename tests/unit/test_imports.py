"""The packages that a command imports: each takes memory and time, on every start."""

import subprocess
import sys
from pathlib import Path

import pytest

ANY_COMMAND = """
import sys
from mailroom.cli import run_command
try:
    run_command(sys.argv[1:])
finally:
    print(*sys.modules, file=sys.stderr)
"""
SERVICE = """
import sys
from mailroom.cli.commands import COMMANDS
COMMANDS["run"].load()
print(*sys.modules, file=sys.stderr)
"""
LOADING = """
import sys
from mailroom.cli.commands import COMMANDS
COMMANDS["run"].load()
from mailroom.cli.start import settings_or_exit
settings = settings_or_exit(in_own_process=True)
print(settings.jmap.token.get_secret_value(), *sys.modules, file=sys.stderr)
"""


def imported_by(code: str, *arguments: str, cwd: Path, **environ: str) -> set[str]:
    """Return the modules that a program has imported when it ends."""
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", code, *arguments],
        cwd=cwd,
        env={"MAILROOM_HEALTH_PORT": "1", "MAILROOM_HEALTH_HOST": "127.0.0.1", **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    return set(done.stderr.split())


@pytest.mark.parametrize("arguments", [["health"], ["--help"], ["check", "--help"]], ids=str)
def test_health_and_help_import_next_to_nothing(tmp_path: Path, arguments: list[str]) -> None:
    modules = imported_by(ANY_COMMAND, *arguments, cwd=tmp_path)
    assert "mailroom.cli.commands" in modules
    packages = {"aiohttp", "asyncio", "pydantic", "structlog", "yaml", "mailroom.settings.model"}
    assert modules & packages == set()


def test_the_service_loads_its_settings_without_keeping_pydantic(tmp_path: Path) -> None:
    modules = imported_by(LOADING, cwd=tmp_path, MAILROOM_JMAP_TOKEN="token")
    assert "token" in modules  # the settings
    assert modules & {"dotenv", "pydantic", "pydantic_core", "pydantic_settings"} == set()


def test_the_service_imports_no_other_command_and_nothing_that_is_off(tmp_path: Path) -> None:
    """Contacts, WebSockets, the page, the digest and a YAML parser are loaded if needed."""
    modules = imported_by(SERVICE, cwd=tmp_path)
    assert "mailroom.runtime.process" in modules
    packages = {
        "click",
        "jinja2",
        "pydantic",
        "pygments",
        "rich.console",
        "typer",
        "websockets",
        "xml.etree",
        "yaml",
    }
    parts = {
        "admin.decide",
        "contacts.carddav",
        "contacts.jmap",
        "contacts.jscontact",
        "contacts.vcard",
        "demo",
        "digest",
        "runtime.digest_schedule",
        "runtime.page",
        "sandbox",
        "screener.suggest",
        "web",
    }
    assert modules & (packages | {f"mailroom.{part}" for part in parts}) == set()
