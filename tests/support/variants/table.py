"""The table of shown behaviours: a line for each behaviour, a column for each variant."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from pytest import TestReport  # noqa: PT013 - a type, not the framework

_SHOWN, _FAILED, _NOT_RUN = "ok", "FAILED", "-"
_PROPERTY: Final = "variant"


def of_behaviours(reports: Iterable[TestReport]) -> list[str]:
    """Return the lines of a table in Markdown; none if no report names a variant.

    A behaviour with several cases is shown if all of them passed. The last line is the sum of the
    seconds that the tests of a variant took, with their set-up.
    """
    outcomes: dict[str, dict[str, bool]] = defaultdict(dict)
    seconds: dict[str, float] = defaultdict(float)
    for report in reports:
        for variant in (value for name, value in report.user_properties if name == _PROPERTY):
            cells = outcomes[_behaviour(report.nodeid)]
            cells[str(variant)] = cells.get(str(variant), True) and not report.failed
            seconds[str(variant)] += report.duration
    variants = sorted(seconds)
    rows = [
        [behaviour, *(_word(cells.get(variant)) for variant in variants)]
        for behaviour, cells in sorted(outcomes.items())
    ]
    times = ["seconds", *(f"{seconds[variant]:.0f}" for variant in variants)]
    head = ["behaviour", *variants]
    return [_line(row) for row in (head, ["---"] * len(head), *rows, times)] if rows else []


def _behaviour(nodeid: str) -> str:
    path, _, name = nodeid.partition("[")[0].rpartition("::")
    subject = path.rpartition("test_")[2].removesuffix(".py")
    return f"{subject}: {name.removeprefix('test_')}".replace("_", " ")


def _word(is_shown: bool | None) -> str:  # noqa: FBT001 - a plain fact
    if is_shown is None:
        return _NOT_RUN
    return _SHOWN if is_shown else _FAILED


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
