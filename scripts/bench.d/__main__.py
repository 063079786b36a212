"""``scripts/bench``: measures the chosen parts, and shows all results that are kept."""

import argparse
import asyncio
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection
from pathlib import Path
from typing import Final

import accounts
import growth
import large
import page
import tour
from passes import QUICK, Size
from results import Results, load, save
from table import as_markdown, as_text
from worlds import TITLES, running_server

from mailroom.logs import configure_logging

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
ACCOUNTS: Final = "accounts"
GROWTH: Final = "growth"
PARTS: Final = (*TITLES, ACCOUNTS, GROWTH)


def read_options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description="Measures times, requests, memory and processor time of Mailroom. Without the"
        " name of a part: all parts. The results of each part are kept, so that a part that failed"
        " can be measured again alone.",
    )
    for part in PARTS:
        parser.add_argument(f"--{part}", action="append_const", const=part, dest="parts")
    parser.add_argument(
        "--large",
        action="store_true",
        help="measure only taps in an account with very much mail, in the sandbox, or in Cyrus if"
        " --cyrus is given; print the figures, and do not keep them",
    )
    parser.add_argument(
        "--page",
        action="store_true",
        help="measure only taps on the page, and a page with 5,000 waiting mails; print the"
        " figures, and do not keep them",
    )
    parser.add_argument(
        "--mails", type=int, help="mails for --large (default: 100,000; in Cyrus 20,000)"
    )
    parser.add_argument(
        "--taps", type=int, default=30, help="taps of each kind for --page (default: 30)"
    )
    parser.add_argument("--quick", action="store_true", help="measure less of everything")
    parser.add_argument(
        "--into",
        type=Path,
        help="folder for results.json and bench.png (default: scripts/bench.d; with --quick"
        " dist/bench)",
    )
    parser.add_argument(
        "--document",
        nargs="?",
        type=Path,
        const=ROOT / "docs" / "performance.md",
        help="measure nothing; write the tables of the kept results into docs/performance.md",
    )
    return parser.parse_args()


def main() -> None:
    """Measure the chosen parts, keep the results, and show all of them."""
    options = read_options()
    configure_logging(level="warning")
    if options.large:
        measure_large(options.parts or (), options.mails)
        return
    if options.page:
        for part in options.parts or TITLES:
            with tempfile.TemporaryDirectory() as cwd:
                asyncio.run(page.measure(part, options.taps, Path(cwd), tell))
        return
    folder = options.into or (ROOT / "dist" / "bench" if options.quick else HERE)
    kept = folder / "results.json"
    if options.document:
        write_tables(load(kept), options.document)
        return
    for part in options.parts or PARTS:
        results = load(kept)
        asyncio.run(measure(part, results, QUICK if options.quick else Size()))
        save(results, kept)
    sys.stdout.write("\n" + as_text(load(kept)) + "\n")
    plot = (ROOT / ".venv-bench/bin/python", HERE / "plot.py", kept, folder / "bench.png")
    subprocess.run(plot, check=True)  # noqa: S603 - our own


async def measure(part: str, results: Results, size: Size) -> None:
    """Measure one part."""
    began = time.monotonic()
    tell(part)
    with tempfile.TemporaryDirectory() as cwd:
        if part == ACCOUNTS:
            results.many = await accounts.measure(size, Path(cwd), tell)
        elif part == GROWTH:
            results.growth = await growth.measure(size, Path(cwd), tell)
        else:
            async with running_server(part, Path(cwd)) as server:
                results.worlds[part] = await tour.measure(server, size, Path(cwd), tell)
    tell(f"{part}: took {time.monotonic() - began:.0f} s")


def measure_large(parts: Collection[str], mails: int | None) -> None:
    """Measure accounts with very much mail, one server after the other."""
    keys = (large.CYRUS,) if large.CYRUS in parts else large.SANDBOXES
    for key in keys:
        count = mails or (large.CYRUS_MAILS if key == large.CYRUS else large.MAILS)
        with tempfile.TemporaryDirectory() as cwd:
            asyncio.run(large.measure(key, count, Path(cwd), tell))


def tell(line: str) -> None:
    """Print a line about the progress."""
    sys.stderr.write(f"bench: {line}\n")


def write_tables(results: Results, document: Path) -> None:
    """Write the tables into a document, between the comments that mark their place."""
    begin, end = "<!-- bench: begin -->\n", "<!-- bench: end -->"
    text = document.read_text(encoding="utf-8")
    table = begin + as_markdown(results) + end
    document.write_text(re.sub(f"(?s){begin}.*{end}", lambda _: table, text), encoding="utf-8")


if __name__ == "__main__":
    main()
