"""Errors of an account in which Mailroom cannot work as it is configured."""

from collections.abc import Iterable, Mapping


class MissingError(Exception):
    """Mailboxes or contact groups are missing. Names are as configured; paths have slashes.

    ``only_carddav`` are the names of groups that CardDAV shows and JMAP does not.
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
    """No mailbox has a role (RFC 8621 section 2) that is needed. ``role`` is the role."""

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

    ``lacking`` has one text for each account or mailbox: its name, and the missing rights.
    """

    def __init__(self, lacking: Iterable[str]) -> None:
        self.lacking = tuple(lacking)
        super().__init__(self.lacking)

    def __str__(self) -> str:
        return f"no right to write: {'; '.join(self.lacking)} (make a token that may write)"


class UnsuitableError(Exception):
    """Mailboxes with a role of their own are configured for a use of Mailroom's.

    ``roles`` is path as configured -> role (RFC 8621 section 2).
    """

    def __init__(self, roles: Mapping[str, str]) -> None:
        self.roles = dict(roles)
        super().__init__(self.roles)

    def __str__(self) -> str:
        uses = (f"{path} is the account's {role} mailbox" for path, role in self.roles.items())
        return "choose other mailboxes: " + ", ".join(uses)
