"""A function that is called in a process of its own, and settings on their way out of it."""

import os
import pickle
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from mailroom.cli.short_process import ShortProcessError, call_in_short_process
from mailroom.settings.load import load_settings
from mailroom.settings.mistakes import SettingsError

LONG = 30
"""Seconds in which a process must have ended."""
BLOCKING = """
import os, signal
from mailroom.cli.short_process import call_in_short_process

def block():
    print(os.getpid(), flush=True)
    signal.pause()

call_in_short_process(block)
"""
LARGE = """
import os, signal
from mailroom.cli.short_process import call_in_short_process

def send_much():
    os.kill(os.getppid(), signal.SIGSTOP)  # so that it does not read the result
    print(os.getpid(), flush=True)
    return "x" * 1_000_000

call_in_short_process(send_much)
"""


def test_the_result_comes_from_another_process() -> None:
    assert call_in_short_process(os.getpid) != os.getpid()


def test_a_process_that_ends_without_a_result_is_an_error() -> None:
    with pytest.raises(ShortProcessError, match="exit code 3"):
        call_in_short_process(lambda: os._exit(3))


def test_a_process_that_is_killed_is_an_error() -> None:
    with pytest.raises(ShortProcessError, match="killed by signal 9"):
        call_in_short_process(lambda: os.kill(os.getpid(), signal.SIGKILL))


def test_without_a_further_process_there_is_an_error() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, before[1]))
    try:
        with pytest.raises(ShortProcessError, match="Too many open files"):
            call_in_short_process(os.getpid)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.parametrize("code", [BLOCKING, LARGE], ids=["blocks", "has a large result"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=str)
def test_the_process_ends_with_its_parent(number: signal.Signals, code: str) -> None:
    """Ctrl-C comes to both, other signals to the parent only."""
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as parent:
        try:
            assert parent.stdout is not None
            assert int(parent.stdout.readline()) != parent.pid
            send = os.killpg if number is signal.SIGINT else os.kill
            send(parent.pid, number)
            os.kill(parent.pid, signal.SIGCONT)
            # The output is at its end when both processes have ended.
            _, errors = parent.communicate(timeout=LONG)
        except BaseException:
            os.killpg(parent.pid, signal.SIGKILL)
            raise
    assert "ForkProcess" not in errors
    assert parent.returncode == -number


def test_the_process_ignores_ctrl_c() -> None:
    assert call_in_short_process(lambda: os.kill(os.getpid(), signal.SIGINT)) is None


def test_settings_of_every_kind_leave_the_process_whole(tmp_path: Path) -> None:
    content = {
        "accounts": {
            "anna": {
                "jmap": {"username": "anna", "password": "hers"},
                "web": {"password": "correct horse battery"},
            },
            "ben": {"jmap": {"token": "bens"}, "categories": [{"name": "Imbox"}]},
        },
        "shard": "0/1",
        "screener": {"mailbox": "Inbox/Waiting"},
    }
    (tmp_path / "mailroom.yaml").write_text(yaml.safe_dump(content))
    settings = load_settings({}, cwd=tmp_path)

    copy = pickle.loads(pickle.dumps(settings))  # noqa: S301 - of our own making

    assert copy == settings
    assert copy.secrets() == settings.secrets() >= {"hers", "bens", "correct horse battery"}
    assert [account.name for account in copy.served] == ["anna", "ben"]


def test_mistakes_leave_the_process_whole() -> None:
    error = SettingsError(["one", "two"])
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - of our own making
    assert (copy.mistakes, str(copy)) == (("one", "two"), "one\ntwo")
