"""The table of behaviours and variants that a run prints at its end."""

from typing import Literal

from pytest import TestReport  # noqa: PT013 - a type, not the framework

from tests.support.variants.table import of_behaviours


def report(test: str, variant: str, outcome: Literal["passed", "failed"] = "passed") -> TestReport:
    return TestReport(
        f"tests/behaviour/test_things.py::{test}[{variant}-case]",
        ("", None, ""),
        {},
        outcome,
        None,
        "call",
        user_properties=[("measured", "1 s"), ("variant", variant)] if variant else [],
        duration=1.4,
    )


def test_a_line_for_each_behaviour_and_a_column_for_each_variant() -> None:
    reports = [
        report("test_one_thing", "cyrus"),
        report("test_one_thing", "james"),
        report("test_one_thing", "james", "failed"),
        report("test_another", "cyrus"),
        report("test_of_something_else", ""),
    ]
    assert of_behaviours(reports) == [
        "| behaviour | cyrus | james |",
        "| --- | --- | --- |",
        "| things: another | ok | - |",
        "| things: one thing | ok | FAILED |",
        "| seconds | 3 | 3 |",
    ]


def test_nothing_without_variants() -> None:
    assert of_behaviours([report("test_of_something_else", "")]) == []
