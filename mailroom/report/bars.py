"""How work goes on, for somebody who waits for it at a terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TextIO

import typer


@contextmanager
def progress_bars() -> Iterator[Callable[[str, int, int], None]]:
    """Bars on standard error, one after another; none where that is no terminal.

    Gives whom to tell what is done, how much of it is over, and of how much. A bar that is full is
    done with; the end of the block ends any other, for a bar hides the terminal's cursor.
    """
    bars: dict[str, Any] = {}
    with ExitStack() as open_bar:

        def tell(what: str, done: int, total: int) -> None:
            if what not in bars:
                bars[what] = open_bar.enter_context(_bar(what, total))
            bars[what].update(done - bars[what].pos)
            if done >= total:
                open_bar.close()
                bars.clear()

        yield tell


def _bar(what: str, length: int) -> Any:
    """A bar; where there is no terminal, it would print its label."""
    target: TextIO | None = sys.stderr  # None where it is closed
    hidden = target is None or not target.isatty()
    return typer.progressbar(length=length, label=what, file=target, hidden=hidden)
