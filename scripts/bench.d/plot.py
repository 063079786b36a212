"""The results as one picture: ``plot.py RESULTS PNG``. Has an environment of its own (plot.txt)."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl  # type: ignore[import-not-found]  # see plot.txt
from matplotlib import pyplot as plt
from matplotlib.axes import Axes  # type: ignore[import-not-found]  # as above

_WORLDS: Final = {
    "cyrus": ("Cyrus, CardDAV", "#1b6ca8"),
    "sandbox-carddav": ("Sandbox, CardDAV", "#e08e2b"),
    "sandbox-jmap": ("Sandbox, JMAP contacts", "#4f9d69"),
}
_PASSES: Final = {
    "idle": "nothing\nto do",
    "1x1": "1 sender\n1 mail",
    "1x1000": "1 sender\n1,000 mails",
    "again": "the same\n1,000 moved",
    "60x5": "60 senders\n5 mails each",
}
_WAITS: Final = {"tap": "a tap", "arrival": "a new mail", "startup": "start"}
_PALE: Final = 0.4

Worlds = Mapping[str, Mapping[str, Any]]


def main(results: str, picture: str) -> None:
    """Draw it."""
    kept = json.loads(Path(results).read_text(encoding="utf-8"))
    worlds = {key: kept["worlds"][key] for key in _WORLDS if key in kept["worlds"]}
    mpl.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    figure, axes = plt.subplots(2, 2, figsize=(11, 7), layout="constrained")
    (seconds, requests), (latency, needs) = axes
    _draw_seconds(seconds, worlds)
    _draw_requests(requests, worlds)
    _draw_latency(latency, worlds)
    _draw_needs(needs, worlds, kept["many"])
    figure.suptitle(
        f"Mailroom, measured on {kept['measured_on']}: {kept['machine']}", fontweight="bold"
    )
    handles, labels = seconds.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    figure.savefig(picture, dpi=110)


def _draw_seconds(axes: Axes, worlds: Worlds) -> None:
    axes.set_title("How long a pass takes (s); pale: what 100 ms of round trip adds")
    width = 0.8 / max(len(worlds), 1)
    for at, (key, world) in enumerate(worlds.items()):
        title, color = _WORLDS[key]
        places = [place + at * width for place in range(len(_PASSES))]
        near = [world["lines"]["0"]["passes"][kind]["seconds"] for kind in _PASSES]
        far = [world["lines"]["100"]["passes"][kind]["seconds"] for kind in _PASSES]
        more = [max(slow - fast, 0) for slow, fast in zip(far, near, strict=True)]
        axes.bar(places, near, width, color=color, label=title)
        axes.bar(places, more, width, bottom=near, color=color, alpha=_PALE)
        for place, slow in zip(places, far, strict=True):
            axes.text(place, slow, f"{slow:.2g}", ha="center", va="bottom", fontsize=7)
    axes.margins(y=0.08)
    _name_groups(axes, list(_PASSES.values()), len(worlds), width)


def _draw_requests(axes: Axes, worlds: Worlds) -> None:
    axes.set_title("Requests of a pass (log scale)")
    width = 0.8 / max(len(worlds), 1)
    for at, (key, world) in enumerate(worlds.items()):
        places = [place + at * width for place in range(len(_PASSES))]
        counts = [world["lines"]["0"]["passes"][kind]["requests"] for kind in _PASSES]
        bars = axes.bar(places, counts, width, color=_WORLDS[key][1])
        axes.bar_label(bars, fmt="%.0f", fontsize=7)
    axes.set_yscale("log")
    axes.yaxis.set_ticks([], minor=True)
    axes.yaxis.set_ticks([])
    axes.set_ylim(bottom=1)
    _name_groups(axes, list(_PASSES.values()), len(worlds), width)


def _draw_latency(axes: Axes, worlds: Worlds) -> None:
    axes.set_title("Event to done, start to ready (s): dot p50, end of the line p95")
    kinds = [(kind, trip) for kind in _WAITS for trip in ("0", "100")]
    for at, (key, world) in enumerate(worlds.items()):
        for place, (kind, trip) in enumerate(kinds):
            p50, p95 = _wait(world["lines"][trip], kind)
            x, color = place + (at - 1) * 0.3, _WORLDS[key][1]
            axes.plot([x, x], [p50, p95], color=color, linewidth=3)
            axes.plot(x, p50, "o", color=color)
            below = {"xytext": (0, -12), "textcoords": "offset points"}
            axes.annotate(f"{p50:.2f}", (x, p50), ha="center", fontsize=7, **below)
    axes.set_xticks(range(len(kinds)), [f"{_WAITS[kind]}\n{trip} ms" for kind, trip in kinds])
    axes.set_ylim(bottom=0)


def _wait(line: Mapping[str, Any], kind: str) -> tuple[float, float]:
    if kind == "startup":
        return line["startup"]["seconds"], line["startup"]["seconds"]
    return line["latency"][kind]["p50"], line["latency"][kind]["p95"]


def _draw_needs(axes: Axes, worlds: Worlds, many: Mapping[str, Any] | None) -> None:
    axes.set_title("Memory (MB, resident)")
    bars = [bar for key, world in worlds.items() for bar in _memories(key, world)]
    for accounts in (many or {}).get("idle", ()):
        name = f"{accounts['accounts']:,} idle\naccounts\n{accounts['cpu_percent']:.1f} % CPU"
        bars.append((name, accounts["memory"], "#7a5ea8", 1.0))
    for place, (_, height, color, alpha) in enumerate(bars):
        axes.bar_label(axes.bar(place, height, color=color, alpha=alpha), fmt="%.0f", fontsize=7)
    axes.set_xticks(range(len(bars)), [name for name, *_ in bars], fontsize=6)


def _memories(key: str, world: Mapping[str, Any]) -> list[tuple[str, float, str, float]]:
    memory, (title, color) = world["memory"], _WORLDS[key]
    if memory is None:
        return []
    name = title.replace(", ", "\n")
    return [
        (f"{name}\nidle", memory["idle"], color, 1.0),
        (f"{name}\n{memory['passes']:,} passes later", memory["later"], color, _PALE),
    ]


def _name_groups(axes: Axes, names: list[str], bars: int, width: float) -> None:
    middle = (bars - 1) * width / 2
    axes.set_xticks([place + middle for place in range(len(names))], names)


if __name__ == "__main__":
    main(*sys.argv[1:])
