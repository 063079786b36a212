"""``python -m tests.support.soak.process``: Mailroom, printing its tasks and objects on SIGUSR1.

It prints one line of JSON: the number of tasks by name, and the number of objects.
"""

import asyncio
import gc
import json
import re
import signal
import sys
from collections import Counter
from types import FrameType

from mailroom.cli import main


def _print_figures(_signal: int, _frame: FrameType | None) -> None:
    gc.collect()
    names = (re.sub(r"\d+", "n", task.get_name()) for task in asyncio.all_tasks())
    figures = {"event": "inside", "tasks": Counter(names), "objects": len(gc.get_objects())}
    sys.stderr.write(json.dumps(figures) + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, _print_figures)
    main()
