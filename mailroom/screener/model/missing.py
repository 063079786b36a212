"""Errors that say why Mailroom cannot work in an account with the present configuration."""

from collections.abc import Iterable, Mapping


class MissingError(Exception):
    """Mailboxes or contact groups are missing.

    Attributes:
        mailboxes: the paths of the missing mailboxes, as configured: ``Work/Feed``.
        groups: the names of the missing groups, as configured.
        only_carddav: the names of those ``groups`` that CardDAV shows and JMAP does not.
    """

    def __init__(
        self,
        *,
        mailboxes: Iterable[str] = (),
        groups: Iterable[str] = (),
        only_carddav: Iterable[str] = (),
    ) -> None:
        self.mailboxes = tuple(mailboxes)
        self.groups = tuple(groups)
        self.only_carddav = tuple(only_carddav)
        super().__init__(self.mailboxes, self.groups)

    def __str__(self) -> str:
        parts = []
        if self.mailboxes:
            parts.append("mailboxes missing: " + ", ".join(self.mailboxes))
        if self.groups:
            parts.append("contact groups missing: " + ", ".join(self.groups))
        if self.only_carddav:
            names = ", ".join(self.only_carddav)
            parts.append(
                f"over CardDAV there are groups of these names, but not over JMAP: {names}"
            )
        return "; ".join(parts) + " (`mailroom setup --apply` creates them)"


class MissingRoleError(MissingError):
    """A role (RFC 8621 section 2) is needed, and no mailbox has it.

    Attributes:
        role: the role, for example ``archive``.
    """

    def __init__(self, role: str) -> None:
        super().__init__()
        self.role = role

    def __str__(self) -> str:
        return (
            f"no mailbox of the account has the role {self.role!r}; create the {self.role} folder"
            " in your mail app or in your provider's settings"
        )


class NoRightToWriteError(Exception):
    """The credentials may read the account, but lack rights to write that Mailroom needs.

    Attributes:
        lacking: one text for each account or mailbox, with its name and the missing rights.
    """

    def __init__(self, lacking: Iterable[str]) -> None:
        self.lacking = tuple(lacking)
        super().__init__(self.lacking)

    def __str__(self) -> str:
        return f"no right to write: {'; '.join(self.lacking)} (make a token that may write)"


class UnsuitableError(Exception):
    """The configuration uses mailboxes whose roles do not fit, such as the Trash as a label.

    Attributes:
        roles: the path of each of these mailboxes, as configured -> its role (RFC 8621 section 2).
    """

    def __init__(self, roles: Mapping[str, str]) -> None:
        self.roles = dict(roles)
        super().__init__(self.roles)

    def __str__(self) -> str:
        uses = (f"{path} is the account's {role} mailbox" for path, role in self.roles.items())
        return "choose other mailboxes: " + ", ".join(uses)
