"""Forked processes are like interpreters of their own (tests/support/service/forked.py)."""

import os
import signal
from pathlib import Path

import pytest

from tests.support.service import forked, process


async def test_commands_print_and_exit_as_in_an_interpreter_of_their_own(tmp_path: Path) -> None:
    env = {"PATH": os.environ["PATH"], "PYTHONWARNINGS": "error", "MAILROOM_LOG_LEVEL": "loud"}
    for arguments in (["check"], ["explain", "--no-such-option", "\udcff"], ["--version"]):
        done = await forked.command(env, *arguments, cwd=tmp_path)
        assert done == await process.command(env, *arguments, cwd=tmp_path)


async def test_each_process_has_a_directory_and_an_environment_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "mailroom.yaml").write_text("log: {level: loud}\n")
    here = await forked.command({}, "check", cwd=tmp_path)
    assert "log.level" in here.err
    elsewhere = await forked.command({"MAILROOM_POLL_INTERVAL": "soon"}, "check")
    assert "log.level" not in elsewhere.err
    assert "MAILROOM_POLL_INTERVAL" in elsewhere.err
    assert "MAILROOM_POLL_INTERVAL" not in (await forked.command({}, "check")).err


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_signals_end_one_process_and_no_other(tmp_path: Path, number: signal.Signals) -> None:
    module = "tests.unit.test_support_forked"
    log = (tmp_path / "log").open("w+b")
    with log:
        first, second = [
            await forked.fork(module, env={}, cwd=tmp_path, stdout=log, stderr=log)
            for _ in range(2)
        ]
        first.send_signal(number)
        assert await first.wait() == first.returncode == -number
        assert second.returncode is None
        second.kill()
        assert await second.wait() == -signal.SIGKILL
        second.kill()  # nobody is hit by a signal for a process that has ended


async def test_settings_of_python_itself_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="new interpreter"):
        await forked.command({"PYTHONASYNCIODEBUG": "1"}, "check", cwd=tmp_path)


if __name__ == "__main__":
    signal.pause()
