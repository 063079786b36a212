"""The parser of the command line: argparse, with our own texts for errors and help.

Another library would have to be installed, and would take more memory in the service.
"""

import argparse
import difflib
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from typing import NoReturn

from mailroom.exits import Exit
from mailroom.terminal.output import remark

_WIDTH = 80


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        columns = shutil.get_terminal_size().columns
        super().__init__(prog, max_help_position=30, width=min(_WIDTH, columns))

    def add_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[argparse._MutuallyExclusiveGroup],
        prefix: str | None = None,
    ) -> None:
        """Add the usage; see the base class, whose prefix is in lower case."""
        super().add_usage(usage, actions, groups, prefix or "Usage: ")


class Parser(argparse.ArgumentParser):
    """A parser whose error about an unknown option suggests the most similar option.

    Args:
        name: the words of the command line that lead to this parser.
        description: its purpose, for the help.
        usage: the usage; made from the options unless given.
        epilog: the end of the help, as it is printed.
    """

    def __init__(self, name: str, description: str, *, usage: str = "", epilog: str = "") -> None:
        super().__init__(
            prog=name,
            usage=usage or None,
            description=textwrap.fill(description, _WIDTH),
            epilog=epilog,
            formatter_class=_Formatter,
            add_help=False,
            allow_abbrev=False,
        )
        self.arguments = self.add_argument_group("Arguments")
        self.options = self.add_argument_group("Options")
        self.options.add_argument("--help", action="help", help="Show this message and exit.")

    def parse(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Parse the arguments; exit with a message if one is unknown, missing or wrong."""
        parsed, unknown = self.parse_known_args(arguments)
        options = [argument for argument in unknown if argument.startswith("-")]
        if options:
            name = options[0].partition("=")[0]
            self.error(f"no such option: {name}{hint(name, self._option_string_actions)}")
        if unknown:
            self.error(f"unexpected argument: {unknown[0]}")
        return parsed

    def error(self, message: str) -> NoReturn:
        """Print the usage and an error, and exit."""
        remark(self.format_usage().rstrip())
        remark(f"Try '{self.prog} --help' for help.\n\nError: {message}")
        sys.exit(Exit.CONFIGURATION)


def hint(name: str, known: Iterable[str]) -> str:
    """Return a text like " (did you mean --json?)"; empty if no known name is similar."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f" (did you mean {near[0]}?)" if near else ""
