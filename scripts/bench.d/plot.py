"""Draws the results as one picture: ``plot.py RESULTS PNG``. Needs the packages in plot.txt."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import closest
import matplotlib as mpl  # type: ignore[import-not-found]  # see plot.txt
from matplotlib import pyplot as plt
from matplotlib.axes import Axes  # type: ignore[import-not-found]  # as above

_WORLDS: Final = {
    "cyrus": ("Cyrus", "#1b6ca8"),
    "james-radicale": ("James, Radicale", "#7a5ea8"),
    "james-xandikos": ("James, Xandikos", "#b08fd0"),
    "sandbox-carddav": ("Sandbox, CardDAV", "#e08e2b"),
    "sandbox-jmap": ("Sandbox, JMAP contacts", "#4f9d69"),
}
_CLOSEST: Final = ("the closest program, Cyrus", "#8a8a8a")
_PASSES: Final = {"1x1": "1 sender", "10x5": "10 senders", "50x5": "50 senders"}
_GROWTH: Final = {
    "mails": ("mails", "#1b6ca8"),
    "contacts": ("contacts", "#4f9d69"),
    "waiting": ("waiting mails", "#e08e2b"),
}
_ROUND_TRIP: Final = str(closest.ROUND_TRIP)

Worlds = Mapping[str, Mapping[str, Any]]


def main(results: str, picture: str) -> None:
    """Draw the picture."""
    kept = json.loads(Path(results).read_text(encoding="utf-8"))
    worlds = {key: kept["worlds"][key] for key in _WORLDS if key in kept["worlds"]}
    mpl.rcParams.update(
        {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": 10}
    )
    figure, axes = plt.subplots(2, 2, figsize=(11, 7.5), layout="constrained")
    (taps, bursts), (curves, accounts) = axes
    _draw_taps(taps, worlds)
    _draw_bursts(bursts, worlds)
    _draw_growth(curves, kept["growth"])
    _draw_accounts(accounts, kept["many"])
    figure.suptitle(
        f"Mailroom, measured on {kept['measured_on']}: {kept['machine']}", fontweight="bold"
    )
    figure.savefig(picture, dpi=110)


def _draw_taps(axes: Axes, worlds: Worlds) -> None:
    axes.set_title("One tap until all is done, 100 ms a round trip (s)")
    bars = [
        (*_WORLDS[key], world["lines"][_ROUND_TRIP]["latency"]["tap"]["p50"])
        for key, world in worlds.items()
    ]
    bars.append((*_CLOSEST, closest.EVENT))
    names, colors, seconds = zip(*bars, strict=True)
    drawn = axes.barh(names, seconds, color=colors)
    axes.bar_label(drawn, fmt=" %.2f")
    axes.invert_yaxis()
    axes.xaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)


def _draw_bursts(axes: Axes, worlds: Worlds) -> None:
    axes.set_title("Many senders at once, 100 ms a round trip (s, log scale)")
    series = [
        (
            *_WORLDS[key],
            [world["lines"][_ROUND_TRIP]["passes"][kind]["seconds"] for kind in _PASSES],
        )
        for key, world in worlds.items()
    ]
    series.append((*_CLOSEST, [closest.PASSES[kind] for kind in _PASSES]))
    width = 0.85 / len(series)
    for number, (title, color, seconds) in enumerate(series):
        places = [place + number * width for place in range(len(_PASSES))]
        axes.bar_label(axes.bar(places, seconds, width, color=color, label=title), fmt="%.2g")
    middle = (len(series) - 1) * width / 2
    axes.set_xticks([place + middle for place in range(len(_PASSES))], list(_PASSES.values()))
    axes.set_yscale("log")
    axes.set_ylim(bottom=0.1)
    axes.yaxis.set_visible(False)
    axes.spines["left"].set_visible(False)
    axes.legend(frameon=False, fontsize=7, loc="upper left")


def _draw_growth(axes: Axes, growth: Mapping[str, Sequence[Mapping[str, float]]]) -> None:
    axes.set_title("An account that grows: Mailroom's processor time for a tap (s); dashed: idle")
    for kind, steps in growth.items():
        title, color = _GROWTH[kind]
        counts = [step["count"] for step in steps]
        axes.plot(counts, [step["tap_cpu"] for step in steps], "o-", color=color, label=title)
        axes.plot(counts, [step["idle_cpu"] for step in steps], "o--", color=color, markersize=3)
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_formatter(lambda count, _: f"{count:,.0f}")
    axes.legend(frameon=False)


def _draw_accounts(axes: Axes, many: Mapping[str, Any] | None) -> None:
    axes.set_title("Accounts in one process: memory (MB)")
    idle = (many or {}).get("idle", ())
    names = [f"{step['accounts']:,}\nready after {step['ready']:.0f} s" for step in idle]
    bars = axes.bar(names, [step["memory"] for step in idle], width=0.5, color="#1b6ca8")
    axes.bar_label(bars, fmt="%.0f")
    axes.yaxis.set_visible(False)
    axes.spines["left"].set_visible(False)


if __name__ == "__main__":
    main(*sys.argv[1:])
