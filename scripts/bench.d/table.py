"""The results for people: as text for a terminal, and as Markdown for docs/performance.md."""

from collections.abc import Iterator, Sequence
from itertools import starmap

import closest
import growth
import passes
from results import Line, Many, Results, Spread, Step
from worlds import TITLES as WORLDS

Row = Sequence[str]
LATENCIES = {"tap": "a tap", "arrival": "a new mail"}
"""The measured events, by key."""


def as_text(results: Results) -> str:
    """Return all tables as text for a terminal."""
    parts = [f"{results.machine}, {results.measured_on}"]
    for title, rows in _tables(results):
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(starmap(str.ljust, zip(row, widths, strict=True))) for row in rows]
        parts.append("\n".join([title, "-" * len(title), *(line.rstrip() for line in lines)]))
    return "\n\n".join(parts)


def as_markdown(results: Results) -> str:
    """Return the tables of docs/performance.md."""
    parts = [f"Measured on {results.measured_on} ({results.machine}).\n"]
    for title, rows in _tables(results):
        head, *body = (f"| {' | '.join(row)} |" for row in rows)
        rule = "|" + " --- |" * len(rows[0])
        parts.append("\n".join([f"{title}:", "", head, rule, *body, ""]))
    return "\n".join(parts)


def _tables(results: Results) -> Iterator[tuple[str, list[Row]]]:
    worlds = {key: results.worlds[key] for key in WORLDS if key in results.worlds}
    if worlds:
        lines = {key: world.lines[closest.ROUND_TRIP] for key, world in worlds.items()}
        yield "Seconds of a pass, 100 ms a round trip", list(_seconds(lines))
        lines = {key: world.lines[0] for key, world in worlds.items()}
        yield "Requests of a pass", list(_requests(lines))
        yield "From the event to done, from start to ready, memory", list(_rest(results))
    if results.many is not None:
        yield "Many accounts in one process", list(_many(results.many))
    for kind, steps in results.growth.items():
        yield f"An account that grows: {growth.TITLES[kind]}", list(_growth(steps))


def _seconds(lines: dict[str, Line]) -> Iterator[Row]:
    yield ("", *(WORLDS[key] for key in lines), "the closest program, Cyrus")
    for key, title in passes.TITLES.items():
        theirs = closest.PASSES.get(key)
        ours = (f"{line.passes[key].seconds:.2f}" for line in lines.values())
        yield (title, *ours, f"{theirs:.4g}" if theirs else "")


def _requests(lines: dict[str, Line]) -> Iterator[Row]:
    yield ("", *(WORLDS[key] for key in lines))
    for key, title in passes.TITLES.items():
        yield (title, *(f"{line.passes[key].requests:.0f}" for line in lines.values()))


def _rest(results: Results) -> Iterator[Row]:
    worlds = {key: results.worlds[key] for key in WORLDS if key in results.worlds}
    yield ("", *(WORLDS[key] for key in worlds))
    for round_trip in sorted({key for world in worlds.values() for key in world.lines}):
        lines = [world.lines.get(round_trip, Line()) for world in worlds.values()]
        for key, title in LATENCIES.items():
            cells = (_spread(line.latency.get(key)) for line in lines)
            yield (f"{title}, {round_trip} ms: p50 / p95", *cells)
        starts = (line.startup for line in lines)
        cells = (f"{start.seconds:.2f} s" if start else "" for start in starts)
        yield (f"start until ready, {round_trip} ms", *cells)
    memories = [world.memory for world in worlds.values()]
    yield ("memory, idle", *(f"{memory.idle:.0f} MB" if memory else "" for memory in memories))
    more = max((memory.passes for memory in memories if memory), default=0)
    later = (f"{memory.later:.0f} MB" if memory else "" for memory in memories)
    yield (f"memory, {more:,} passes later", *later)


def _spread(spread: Spread | None) -> str:
    return f"{spread.p50:.2f} / {spread.p95:.2f} s" if spread else ""


def _many(many: Many) -> Iterator[Row]:
    yield ("idle accounts", "memory", "processor between polls", "open sockets", "ready after")
    for idle in many.idle:
        yield (
            *(f"{idle.accounts:,}", f"{idle.memory:.0f} MB", f"{idle.cpu_percent:.1f} %"),
            *(f"{idle.sockets:,}", f"{idle.ready:.1f} s"),
        )
    if rush := many.rush:
        took = f"p50 {rush.p50:.2f} s, p95 {rush.p95:.2f} s, all {rush.all:.2f} s"
        yield (f"a tap in each of {rush.accounts} at once: label off after", took, "", "", "")


def _growth(steps: Sequence[Step]) -> Iterator[Row]:
    pass_titles = ("idle pass", "its processor time", "pass of a tap", "its processor time")
    yield ("how many", "ready after", *pass_titles, "page first shown", "memory")
    for step in steps:
        seconds = (step.ready, step.idle, step.idle_cpu, step.tap, step.tap_cpu, step.page)
        yield (f"{step.count:,}", *(f"{time:.3f} s" for time in seconds), f"{step.memory:.0f} MB")
