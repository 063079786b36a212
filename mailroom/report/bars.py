"""Progress bars on a terminal, for commands that take long."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TextIO

ShowProgress = Callable[[str, int, int], None]
"""Shows progress: the label of the work, the number of things done, and their total."""

_LENGTH: Final = 36
_HIDE_CURSOR: Final = "\x1b[?25l"
_SHOW_CURSOR: Final = "\x1b[?25h"
_ERASE_TO_END: Final = "\x1b[K"


@contextmanager
def progress_bars() -> Iterator[ShowProgress]:
    """Show progress bars on standard error, one after another; none if it is not a terminal.

    Yields a function that shows progress; each label has a bar of its own. A bar hides the cursor
    of the terminal until all its things are done, or the block ends.
    """
    target: TextIO | None = sys.stderr  # None if the process was started without it
    open_label: str | None = None
    started = 0.0

    def show(label: str, done: int, total: int) -> None:
        nonlocal open_label, started
        if target is None or not target.isatty():
            return
        if label != open_label:
            end()
            open_label, started = label, time.monotonic()
        share = min(done / total, 1) if total else 1
        bar = "#" * int(share * _LENGTH)
        line = f"{label}  [{bar:-<{_LENGTH}}]  {share:4.0%}"
        if 0 < share < 1:
            minutes, seconds = divmod(int((time.monotonic() - started) / share * (1 - share)), 60)
            line += f"  {minutes}:{seconds:02} left"
        target.write(f"\r{_HIDE_CURSOR}{line}{_ERASE_TO_END}")
        target.flush()
        if done >= total:
            end()

    def end() -> None:
        nonlocal open_label
        if target is not None and open_label is not None:
            target.write(f"{_SHOW_CURSOR}\n")
            target.flush()
        open_label = None

    try:
        yield show
    finally:
        end()
