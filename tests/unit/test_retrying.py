from collections.abc import Awaitable, Callable

import pytest

from mailroom.waiting.retrying import retry_while_changed


def disturbed(times: int, attempts: list[list[str]]) -> Callable[[list[str]], Awaitable[list[str]]]:
    """Return an attempt at some work that leaves the rest of it so many times."""

    async def attempt(work: list[str]) -> list[str]:
        attempts.append(work)
        return work[1:] if len(attempts) <= times else []

    return attempt


@pytest.mark.parametrize(
    ("times", "attempts", "left"),
    [
        (0, [["a", "b", "c", "d"]], []),
        (1, [["a", "b", "c", "d"], ["b", "c", "d"]], []),
        (3, [["a", "b", "c", "d"], ["b", "c", "d"], ["c", "d"]], ["d"]),
    ],
)
async def test_each_attempt_is_at_the_rest(
    times: int, attempts: list[list[str]], left: list[str]
) -> None:
    made: list[list[str]] = []
    assert await retry_while_changed(disturbed(times, made), list("abcd"), tries=3) == left
    assert made == attempts


async def test_without_work_nothing_is_attempted() -> None:
    made: list[list[str]] = []
    nothing: list[str] = []
    assert await retry_while_changed(disturbed(1, made), nothing, tries=3) == []
    assert made == []
