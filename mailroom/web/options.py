"""The options of the page, and the accounts with the people and programs that may see them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from mailroom.web.model import Answer
from mailroom.web.protocol import ScreenedAccount

_IN_ROW = ("Imbox", "Feed", "Paper Trail")
"""The categories that stand in a row by default; the first category that denies is added."""


@dataclass(frozen=True, slots=True)
class Access:
    """An account, and the people and programs that may see it.

    Attributes:
        account: the account.
        password: the password for people; empty: nobody signs in with a password.
        proxy_user: the user whom the proxy must name; empty: any user if there is one account only.
        api_token: the token of programs that read and decide; empty: no such programs.
        api_token_readonly: the token of programs that only read; empty: no such programs.
        answer_names: the names of the categories that stand in each row; empty: the default.
    """

    account: ScreenedAccount
    password: str = field(default="", repr=False)
    proxy_user: str = ""
    api_token: str = field(default="", repr=False)
    api_token_readonly: str = field(default="", repr=False)
    answer_names: tuple[str, ...] = ()

    @property
    def row_answers(self) -> Sequence[Answer]:
        """The answers that stand in each row, four at most."""
        return row_answers(self.account.answers, self.answer_names)


@dataclass(frozen=True, slots=True)
class PageOptions:
    """The options that hold for all accounts: the address of the page, and the ways to sign in.

    Attributes:
        url: the address of the page as browsers show it, without a path; empty if it is not known.
        open_to_all: True if nobody has to sign in.
        proxy_header: the header in which a proxy names the user; empty if there is no such proxy.
        trusted_networks: the networks of the proxy in front of the page.
    """

    url: str = ""
    open_to_all: bool = False
    proxy_header: str = ""
    trusted_networks: tuple[IPv4Network | IPv6Network, ...] = ()


def row_answers(answers: Sequence[Answer], names: Sequence[str]) -> tuple[Answer, ...]:
    """Return the answers that stand in each row, four at most.

    Args:
        answers: the categories, then spam.
        names: the names of the categories; empty: the default.
    """
    categories = answers[:-1]
    if names:
        by_name = {answer.name.casefold(): answer for answer in categories}
        return tuple(by_name[name.casefold()] for name in names if name.casefold() in by_name)
    accepting = [answer for answer in categories if not answer.denies]
    denying = [answer for answer in categories if answer.denies]
    chosen = [answer for answer in accepting if answer.name in _IN_ROW]
    return tuple((chosen or accepting[:3]) + denying[:1])
