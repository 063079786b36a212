"""Merge domains of public mail providers into a sorted list, and print the changes."""

import argparse
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import idna

from mailroom.contacts.address import key_of
from mailroom.http.domains import registrable_domain

LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
HOST_NAME = re.compile(rf"(?=.{{1,253}}\Z){LABEL}(\.{LABEL})+")
"""RFC 1123 section 2.1."""


def domains_in(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yield the number of each line that has a domain, and the domain in lower case and ASCII."""
    for number, line in enumerate(lines, start=1):
        if domain := line.partition("#")[0].strip():
            yield number, key_of(f"a@{domain}").removeprefix("a@")


def mistake_in(domain: str) -> str:
    """Return the reason why a domain cannot be that of a mail provider; "" if it can."""
    try:
        idna.decode(domain)
    except UnicodeError:
        return "is not a domain name"
    if not HOST_NAME.fullmatch(domain):
        return "is not a domain name"
    if registrable_domain(domain, under_any_suffix=False) is None:
        return "is a public suffix, or lies below no known suffix"
    return ""


def without_covered(domains: set[str]) -> set[str]:
    """Return the domains without those below another one, which the other one covers."""

    def is_covered(domain: str) -> bool:
        labels = domain.split(".")
        return any(".".join(labels[start:]) in domains for start in range(1, len(labels)))

    return {domain for domain in domains if not is_covered(domain)}


def write(path: Path, domains: set[str]) -> None:
    """Write the list in one step, so that nobody reads half of it."""
    new = path.with_name(path.name + ".new")
    new.write_text("".join(f"{domain}\n" for domain in sorted(domains)), "ascii", newline="\n")
    new.replace(path)


def text_of(name: str) -> str:
    """Return the text of a file, or of standard input for ``-``."""
    data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    return data.decode("utf-8-sig", "replace")


def main() -> int:
    """Run the program, and return its exit code."""
    parser = argparse.ArgumentParser(prog="scripts/mail-providers", description=__doc__)
    parser.add_argument("list", type=Path, help=argparse.SUPPRESS)
    parser.add_argument(
        "files",
        nargs="*",
        default=["-"],
        metavar="FILE",
        help="a domain a line; a # begins a comment; standard input if no file is named",
    )
    arguments = parser.parse_args()
    try:
        texts = {name: text_of(name) for name in [str(arguments.list), *arguments.files]}
    except OSError as error:
        parser.error(f"cannot read {error.filename}: {error.strerror}")

    domains, mistakes = set[str](), list[str]()
    for name, text in texts.items():
        for number, domain in domains_in(text.splitlines()):
            domains.add(domain)
            if mistake := mistake_in(domain):
                mistakes.append(f"{name}:{number}: {domain!r} {mistake}\n")
    if mistakes:
        sys.stderr.writelines(mistakes)
        return 1

    before, after = set(texts[str(arguments.list)].split()), without_covered(domains)
    sys.stdout.writelines(f"+ {domain}\n" for domain in sorted(after - before))
    sys.stdout.writelines(
        f"- {domain} (a domain above it is in the list)\n" for domain in sorted(before - after)
    )
    write(arguments.list, after)
    sys.stdout.write(f"{len(after)} domains in the list, {len(after - before)} of them new\n")
    return 0


sys.exit(main())
