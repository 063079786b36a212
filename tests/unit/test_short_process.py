"""A function that is called in a process of its own, and settings on their way out of it."""

import os
import pickle
import signal
from pathlib import Path

import pytest
import yaml

from mailroom.cli.short_process import call_in_short_process
from mailroom.settings.load import load_settings
from mailroom.settings.mistakes import SettingsError


def test_the_result_comes_from_another_process() -> None:
    assert call_in_short_process(os.getpid) != os.getpid()


def test_a_process_that_ends_without_a_result_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="ended with exit code 3"):
        call_in_short_process(lambda: os._exit(3))


def test_a_process_that_is_killed_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="ended with exit code -9"):
        call_in_short_process(lambda: os.kill(os.getpid(), signal.SIGKILL))


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
