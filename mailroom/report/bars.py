"""Progress bars on a terminal, for commands that take long."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TextIO

import typer

ShowProgress = Callable[[str, int, int], None]
"""Shows progress: the label of the work, the number of things done, and their total."""


@contextmanager
def progress_bars() -> Iterator[ShowProgress]:
    """Show progress bars on standard error, one after another; none if it is not a terminal.

    Yields a function to report progress with; the label is that of a bar. A bar ends when its
    things are done, else with the block: a bar hides the cursor of the terminal until it ends.
    """
    target: TextIO | None = sys.stderr  # None if the process was started with it closed
    # Without a terminal, a bar would print its label.
    is_hidden = target is None or not target.isatty()
    bars: dict[str, Any] = {}
    with ExitStack() as open_bar:

        def show(label: str, done: int, total: int) -> None:
            if label not in bars:
                bar = typer.progressbar(length=total, label=label, file=target, hidden=is_hidden)
                bars[label] = open_bar.enter_context(bar)
            bars[label].update(done - bars[label].pos)
            if done >= total:
                open_bar.close()
                bars.clear()

        yield show
