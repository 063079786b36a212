"""Ticks by number, range, sender, or all."""

import pytest

from mailroom.admin.ticks import TickError, ticked

SENDERS = ["ann@x.example", "dev.lists.example", "<loom@lists.example>"]


@pytest.mark.parametrize(
    ("text", "positions"),
    [
        ("", []),
        (" \t", []),
        ("all", [0, 1, 2]),
        ("ALL", [0, 1, 2]),
        ("1", [0]),
        ("3, 1", [0, 2]),
        ("1,2-3", [0, 1, 2]),
        ("1 1 1", [0]),
        ("2-2", [1]),
        ("Ann@X.example", [0]),
        ("dev.lists.example,<loom@lists.example>", [1, 2]),
        ("loom@lists.example", [2]),
        ("1,,2,", [0, 1]),
    ],
)
def test_ticks(text: str, positions: list[int]) -> None:
    assert ticked(text, SENDERS) == positions


@pytest.mark.parametrize(
    "text", ["0", "4", "1-9", "3-1", "-1", "1-", "bob@x.example", "1;2", "1.5", "none", "9" * 30]
)
def test_a_tick_that_is_not_in_the_list_is_a_mistake(text: str) -> None:
    with pytest.raises(TickError):
        ticked(f"1,{text}", SENDERS)


def test_nothing_can_be_ticked_in_an_empty_list() -> None:
    assert ticked("all", []) == []
    with pytest.raises(TickError):
        ticked("1", [])
