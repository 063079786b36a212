"""The application that all commands belong to, and the options that several of them have."""

from typing import Annotated

import typer

app = typer.Typer(
    name="mailroom",
    help="HEY's Screener for any JMAP mail account.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Json = Annotated[bool, typer.Option("--json", help="Print data instead of text.")]
Who = Annotated[
    str,
    typer.Argument(
        metavar="WHO", help="An address, a whole domain (*@corp.example), or a List-Id."
    ),
]
One = Annotated[
    str | None,
    typer.Option("--account", metavar="NAME", help="Only this one of several accounts."),
]
