"""The demo as its visitors run it: a process, a terminal or a pipe, an exit code."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEMO = ("-m", "mailroom", "demo")
PATIENCE = 60.0
GOODBYE = "Goodbye. "


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path), "PYTHONWARNINGS": "error"}


@asynccontextmanager
async def process(
    *arguments: str, env: dict[str, str], stdout: int = asyncio.subprocess.PIPE
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A Python process, ended with the block."""
    started = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        env=env,
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=stdout,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            yield started
    finally:
        if started.returncode is None:
            started.kill()
            await started.wait()


async def outcome(
    *arguments: str, env: dict[str, str], typed: str = ""
) -> tuple[int | None, str, str]:
    """Exit code, output and errors of a process that was typed to."""
    async with process(*arguments, env=env) as demo:
        out, err = await demo.communicate(typed.encode())
        return demo.returncode, out.decode(), err.decode()


async def until_told(demo: asyncio.subprocess.Process, text: str) -> str:
    """Read until the demo has told something."""
    assert demo.stdout is not None
    return (await demo.stdout.readuntil(text.encode())).decode()


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> str:
    """All that is told, by a demo in an environment that is not its own."""
    theirs = tmp_path_factory.mktemp("theirs")
    (theirs / "mailroom.yaml").write_text("push: {settle: 30}")
    env = {
        "PATH": os.environ["PATH"],
        "TMPDIR": str(theirs),
        "PYTHONWARNINGS": "error",
        "MAILROOM_JMAP_TOKEN": "their own",
        "MAILROOM_NONSENSE": "1",
    }
    command = [sys.executable, *DEMO, "--once"]
    done = subprocess.run(  # noqa: S603 - our own command
        command, env=env, cwd=theirs, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert [each.name for each in theirs.iterdir()] == ["mailroom.yaml"]
    return done.stdout


def test_once_plays_the_script_and_ends(shown: str) -> None:
    assert len(re.findall(r"label off after \d+ ms\n", shown)) == 9
    assert "10 taps. From tap to done: " in shown
    assert shown.splitlines()[-1].startswith(GOODBYE)


def test_it_fits_every_terminal(shown: str) -> None:
    assert shown.isascii()
    assert "\x1b" not in shown
    assert all(len(line) <= 80 and line == line.rstrip() for line in shown.splitlines())


def test_the_readme_shows_an_excerpt_of_the_demo(shown: str) -> None:
    (excerpt,) = re.findall(r"(?ms)^```text\n(.*?)^```", (ROOT / "README.md").read_text())
    assert re.search(re.sub(r"\d+", r"\\d+", re.escape(excerpt)), shown)


TYPED = """
tap 11 person
list inbox
mail
mail 11
tap 12 p
what
sender 99
tap 3 jail
contacts
sender 3
list Jail
tap 22 spam
mail 12
sender 12
tap 17 wholedomain
tap 17 feed @thislist
tap 17 feed thislist wholedomain
tap 17 feed WholeDomain
tap 12 jail ThisList
help
quit
never read
"""


async def test_the_visitor_goes_on_with_commands(env: dict[str, str]) -> None:
    code, out, err = await outcome(*DEMO, env=env, typed=TYPED)
    assert (code, err) == (0, "")
    assert all(len(line) <= 80 for line in out.splitlines())
    answers = [each.strip() for each in out.partition("Now you")[2].split("mailroom> ")]
    _, blank, tapped, inbox, mail, again, unclear, unknown, none, jailed, *others = answers
    contacts, sender, jail, spam, post, mailing_list, *beside, help_, bye = others
    assert blank == ""
    assert re.search(r"@ToPerson on mail 11.*\n    done +label off after \d+ ms\n", tapped)
    assert "    1 mail    Screener -> Imbox, Inbox, Person" in tapped
    assert "    11  Harbour Choir    We still need a tenor" in inbox
    assert "22, Velvet Records" in mail
    assert "goes to   Screener" in mail
    assert "23, Harbour Choir" in again
    assert "goes to   Imbox, Inbox, Person" in again
    assert '"p" may be @ToPaperTrail or @ToPerson.' in unclear
    assert 'There is no command "what"' in unknown
    assert "There is no mail 99; they go from 1 to 23." in none
    assert "3 mails   Screener -> Jail" in jailed
    assert re.search(r"    Chad Sterling +chad@growthrocket\.example", contacts)
    assert re.search(r"    Sourdough Circle +bake@lists\.example +Feed, Mailroom", contacts)
    assert re.search(r"    tidewater\.example +\*@tidewater\.example", contacts)
    assert "3 mails   in Jail" in sender
    assert jail.splitlines()[:2] == ["list Jail", "Jail"]
    assert "    1 mail    Screener -> Spam" in spam
    assert "24, Ines Moreau" in post
    assert "goes to   Feed" in post
    assert "contact   Sourdough Circle, bake@lists.example" in mailing_list
    assert "5 mails   in Feed" in mailing_list
    alone, elsewhere, both, domain, post_in_jail = beside
    assert "@WholeDomain goes beside another label" in alone
    assert "This mail came over no mailing list." in elsewhere
    assert "Either the whole domain or the mailing list" in both
    assert "contact   tidewater.example, *@tidewater.example" in domain
    assert "    4 mails   Paper Trail -> Feed" in domain
    assert "    5 mails   Feed -> Jail" in post_in_jail
    assert "Labels: @ToBillboard, " in help_
    assert bye.splitlines()[-1].startswith(GOODBYE)


async def test_without_anything_to_read_it_ends_after_the_script(env: dict[str, str]) -> None:
    code, out, err = await outcome(*DEMO, env=env)
    assert (code, err) == (0, "")
    assert out.splitlines()[-1].startswith(GOODBYE)


async def test_ctrl_c_at_the_prompt_is_a_goodbye(env: dict[str, str]) -> None:
    async with process(*DEMO, env=env) as demo:
        await until_told(demo, "mailroom> ")
        demo.send_signal(signal.SIGINT)
        out, err = await demo.communicate()
    assert (demo.returncode, err) == (0, b"")
    assert out.decode().strip().startswith(GOODBYE)


@pytest.mark.parametrize(("options", "code"), [((), 0), (("--once",), 1)], ids=["demo", "once"])
async def test_ctrl_c_in_the_script_ends_it(
    env: dict[str, str], options: tuple[str, ...], code: int
) -> None:
    async with process(*DEMO, *options, env=env) as demo:
        await until_told(demo, "1. A newsletter")
        demo.send_signal(signal.SIGINT)
        out, err = await demo.communicate()
    assert (demo.returncode, err) == (code, b"")
    assert "Where everything is now" not in out.decode()
    assert out.decode().splitlines()[-1].startswith(GOODBYE)


OTHERWISE = """
from dataclasses import replace
from mailroom.cli import main
from mailroom.demo import script, show

(tap, *others), *rest = [scene.steps for scene in script.SCENES]
wrong = replace(tap, outcome=replace(tap.outcome, mailboxes=frozenset({"Jail"})))
show.SCENES = (replace(script.SCENES[0], steps=(wrong, *others)), *script.SCENES[1:])
main()
"""


async def test_an_outcome_unlike_the_script_is_a_failure(env: dict[str, str]) -> None:
    code, out, _ = await outcome("-c", OTHERWISE, "demo", "--once", env=env)
    assert code == 1
    _, told, rest = out.partition("\nThis was not expected:\n")
    assert told
    assert rest.startswith("    3 of The Daily Loom's mails in Feed, not in Jail\n")
    assert "decision carried out" in rest
    assert GOODBYE not in out


@pytest.mark.parametrize(("more", "colours"), [({}, 1), ({"NO_COLOR": "1"}, 0)], ids=str)
async def test_a_terminal_gets_colours_unless_they_are_not_wanted(
    env: dict[str, str], more: dict[str, str], colours: int
) -> None:
    leader, follower = os.openpty()
    with os.fdopen(leader, "rb", buffering=0) as screen:
        async with process(*DEMO, "--once", env=env | more, stdout=follower) as demo:
            os.close(follower)
            shown = await asyncio.to_thread(_everything, screen.fileno())
            assert await demo.wait() == 0
    assert shown.count(b"\x1b[36m") == 10 * colours
    assert (b"\x1b" in shown) == bool(colours)


def _everything(fd: int) -> bytes:
    """All that comes to a terminal until nobody writes to it any more."""
    found = b""
    while True:
        try:
            chunk = os.read(fd, 65536)
        except OSError:  # Linux tells the end like this
            return found
        found += chunk
