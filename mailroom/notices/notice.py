"""The text of a notice about senders who wait for a decision. Pure.

Strangers write names and subject lines, so both are cleaned and cut as on the page.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from mailroom.web.text import address, clean, unlinked

MOST_AT_ONCE: Final = 5
"""The largest number of senders of which each gets a notice of its own. More senders that are new
at the same time share one notice."""
_MOST_NAMED: Final = 5
"""The largest number of senders that the text of one notice names."""


@dataclass(frozen=True, slots=True)
class Button:
    """A button of a notice: its text, and the signed link that it sends a POST to."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class NewSender:
    """A new sender, as notices show it.

    Attributes:
        who: the subject of a decision, as the commands and the page name it.
        name: the display name, or the name of a mailing list; may be empty.
        address: the address, or the posting address of a list; may be empty.
        subject_line: the subject line of the newest mail; may be empty.
        mail_id: the id of the newest mail.
        since: the time at which the oldest waiting mail came.
        data: the sender as ``mailroom waiting --json`` prints it.
    """

    who: str
    name: str
    address: str
    subject_line: str
    mail_id: str
    since: datetime
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """The name if there is one, else the address."""
        return unlinked(clean(self.name)) or address(self.address or self.who)


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice.

    Attributes:
        title: the first line.
        message: the other lines.
        count: the number of senders; 0 for a notice that was sent as a test.
        url: the address that opens when the notice is tapped; empty if the page is off.
        buttons: the answers that decide on the sender.
        account: the name of the account if there are several; else empty.
        waiting: the senders as ``mailroom waiting --json`` prints them; empty without details.
    """

    title: str
    message: str
    count: int
    url: str = ""
    buttons: tuple[Button, ...] = ()
    account: str = ""
    waiting: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Composer:
    """Writes notices.

    Attributes:
        account: the name of the account if there are several; else empty.
        has_details: False if no notice may name a sender.
        has_buttons: True if notices about one sender have buttons.
        page_of: returns the address of a subject's page, or of the page itself for an empty
            subject; an empty address if the page is off.
        buttons_of: returns the buttons of a notice about one sender.
    """

    account: str
    has_details: bool
    has_buttons: bool
    page_of: Callable[[str], str]
    buttons_of: Callable[[NewSender], tuple[Button, ...]]

    def notices(self, senders: Sequence[NewSender], *, held_since: str = "") -> list[Notice]:
        """Return the notices about senders that are new at the same time, the newest first.

        Args:
            senders: the senders.
            held_since: the time of day since which notices were held back; empty if none were. The
                senders then share one notice.
        """
        is_alone = len(senders) == 1
        if not senders or (not held_since and len(senders) <= MOST_AT_ONCE) or is_alone:
            return [self._about_one(sender) for sender in senders]
        return [self._about_all(senders, held_since)]

    def test(self) -> Notice:
        """Return a notice by which a person sees that notices arrive."""
        message = "This is what a notice of Mailroom looks like. Nobody new waits."
        return Notice(self._titled("Notices work"), message, 0, self.page_of(""))

    def _about_one(self, sender: NewSender) -> Notice:
        if not self.has_details:
            return self._about_all([sender], "")
        who = address(sender.address or sender.who)
        lines = [] if sender.shown == who else [who]
        lines.append(unlinked(clean(sender.subject_line)) or "(no subject line)")
        return Notice(
            self._titled(f"New sender: {sender.shown}"),
            "\n".join(lines),
            1,
            self.page_of(sender.who),
            self.buttons_of(sender) if self.has_buttons else (),
            self.account,
            (sender.data,),
        )

    def _about_all(self, senders: Sequence[NewSender], held_since: str) -> Notice:
        count = len(senders)
        waits = "1 new sender waits" if count == 1 else f"{count} new senders wait"
        title = f"{waits} since {held_since}" if held_since else waits
        lines = [sender.shown for sender in senders[:_MOST_NAMED]] if self.has_details else []
        if lines and count > _MOST_NAMED:
            lines.append(f"and {count - _MOST_NAMED} more")
        return Notice(
            self._titled(title),
            "\n".join(lines) or "Decide on Mailroom's page or in your mail app.",
            count,
            self.page_of(""),
            (),
            self.account,
            tuple(sender.data for sender in senders) if self.has_details else (),
        )

    def _titled(self, title: str) -> str:
        return f"{title} ({self.account})" if self.account else title
