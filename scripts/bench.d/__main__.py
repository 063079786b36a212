"""``scripts/bench``: runs the chosen parts, and shows all results so far."""

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
from worlds import TITLES, opened

from mailroom.logs import configure_logging

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
ACCOUNTS: Final = "accounts"
GROWTH: Final = "growth"
PARTS: Final = (*TITLES, ACCOUNTS, GROWTH)


def arguments() -> argparse.Namespace:
    """The chosen parts and sizes."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description="Measures how fast Mailroom is and what it needs. Without a part: all of them."
        " A part that ran is kept, so that those can be run alone that failed.",
    )
    for part in PARTS:
        parser.add_argument(f"--{part}", action="append_const", const=part, dest="parts")
    parser.add_argument(
        "--large",
        action="store_true",
        help="instead: a tap in an account with very much mail, in the sandbox, or in Cyrus if"
        " --cyrus is given; the figures are printed, and not kept",
    )
    parser.add_argument(
        "--page",
        action="store_true",
        help="instead: taps on the page, and a page with 5,000 waiting mails; the figures are"
        " printed, and not kept",
    )
    parser.add_argument(
        "--mails", type=int, help="of --large: 100,000 unless given otherwise; 20,000 in Cyrus"
    )
    parser.add_argument("--taps", type=int, default=30, help="of --page: so many of each kind")
    parser.add_argument("--quick", action="store_true", help="measure less of everything")
    parser.add_argument(
        "--into",
        type=Path,
        help="folder for results.json and bench.png; scripts/bench.d, or dist/bench if --quick",
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
    """Measure, keep, show."""
    asked = arguments()
    configure_logging(level="warning")
    if asked.large:
        measure_large(asked.parts or (), asked.mails)
        return
    if asked.page:
        for part in asked.parts or TITLES:
            with tempfile.TemporaryDirectory() as cwd:
                asyncio.run(page.measure(part, asked.taps, Path(cwd), tell))
        return
    folder = asked.into or (ROOT / "dist" / "bench" if asked.quick else HERE)
    kept = folder / "results.json"
    if asked.document:
        write_tables(load(kept), asked.document)
        return
    for part in asked.parts or PARTS:
        results = load(kept)
        asyncio.run(measure(part, results, QUICK if asked.quick else Size()))
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
            async with opened(part, Path(cwd)) as place:
                results.worlds[part] = await tour.measure(place, size, Path(cwd), tell)
    tell(f"{part}: took {time.monotonic() - began:.0f} s")


def measure_large(parts: Collection[str], mails: int | None) -> None:
    """Measure accounts with very much mail, one server after the other."""
    for key in (large.CYRUS,) if large.CYRUS in parts else large.SANDBOXES:
        count = mails or (large.CYRUS_MAILS if key == large.CYRUS else large.MAILS)
        with tempfile.TemporaryDirectory() as cwd:
            asyncio.run(large.measure(key, count, Path(cwd), tell))


def tell(line: str) -> None:
    """Show how far it is."""
    sys.stderr.write(f"bench: {line}\n")


def write_tables(results: Results, document: Path) -> None:
    """Put the tables between their marks in a document."""
    begin, end = "<!-- bench: begin -->\n", "<!-- bench: end -->"
    text = document.read_text(encoding="utf-8")
    table = begin + as_markdown(results) + end
    document.write_text(re.sub(f"(?s){begin}.*{end}", lambda _: table, text), encoding="utf-8")


if __name__ == "__main__":
    main()
