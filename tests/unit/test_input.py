"""Lines from the standard input, whatever that is; nothing blocks the event loop."""

import asyncio
import os
from pathlib import Path

import pytest

from mailroom.terminal.input import Lines


async def every_line(lines: Lines) -> list[str]:
    found = []
    while (line := await lines.next()) is not None:
        found.append(line)
    return found


async def test_a_pipe_is_waited_for_without_blocking() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading) as file, os.fdopen(writing, "wb", buffering=0) as pipe:
        lines = Lines(file)
        waiting = asyncio.create_task(lines.next())
        pipe.write(b"li")
        await asyncio.sleep(0)
        assert not waiting.done()
        pipe.write(b"st\r\ntap 1 feed\n\xff")
        assert await waiting == "list"
        assert await lines.next() == "tap 1 feed"
        pipe.close()
        assert await lines.next() == "\N{REPLACEMENT CHARACTER}"
        assert await lines.next() is None
        assert await lines.next() is None
        assert not lines.is_terminal


async def test_waiting_can_be_given_up() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading) as file, os.fdopen(writing, "wb", buffering=0) as pipe:
        lines = Lines(file)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await lines.next()
        assert not asyncio.get_running_loop().remove_reader(file.fileno())
        pipe.write(b"list\n")
        assert await lines.next() == "list"


async def test_a_file_on_a_disk_is_read(tmp_path: Path) -> None:
    (tmp_path / "commands").write_text("list\n\nquit")
    with (tmp_path / "commands").open() as file:
        assert await every_line(Lines(file)) == ["list", "", "quit"]


async def test_where_there_is_nothing_to_read_the_end_comes_at_once() -> None:
    with os.fdopen(os.open(os.devnull, os.O_RDONLY)) as file:
        assert await every_line(Lines(file)) == []
    assert await every_line(Lines(None)) == []


async def test_a_line_without_end_is_cut(tmp_path: Path) -> None:
    (tmp_path / "long").write_text("x" * 100_000)
    with (tmp_path / "long").open() as file:
        lines = await every_line(Lines(file))
    assert "".join(lines) == "x" * 100_000
    assert len(lines) == 2


async def test_a_terminal_is_known_as_one() -> None:
    leader, follower = os.openpty()
    with os.fdopen(leader, "wb", buffering=0) as keyboard, os.fdopen(follower) as file:
        lines = Lines(file)
        assert lines.is_terminal
        keyboard.write(b"quit\n")
        assert await lines.next() == "quit"
        assert os.get_blocking(file.fileno())
