"""The questions of links in notices. Pure."""

from collections.abc import Sequence
from contextlib import suppress

from mailroom.jmap.mail import Email
from mailroom.screener.model.keywords import DECIDED_BY_BUTTON, FORGED
from mailroom.screener.model.sender import UnusableFromError, sender_of
from mailroom.web.model import Choice
from mailroom.web.question import LinkState, Question


def question_of(
    choice: Choice, categories: Sequence[str], emails: Sequence[Email], screener: str | None
) -> Question:
    """Return the question of a link.

    Args:
        choice: the choice that the link makes.
        categories: the names of the categories that the subject is in.
        emails: the mail of the notice; empty if it does not exist any more.
        screener: the id of the Screener.
    """
    waiting = [
        email for email in emails if screener in email.mailbox_ids and FORGED not in email.keywords
    ]
    if categories:
        is_same = choice.answer.casefold() in {category.casefold() for category in categories}
        state = LinkState.DONE if is_same else LinkState.DECIDED
    elif not waiting:
        state = LinkState.GONE
    elif DECIDED_BY_BUTTON in waiting[0].keywords:
        state = LinkState.USED
    else:
        state = LinkState.OPEN
    name = ""
    if emails:
        with suppress(UnusableFromError):
            name = sender_of(emails[0]).name
    return Question(
        choice.who,
        choice.answer,
        state,
        name=name,
        subject_line=emails[0].subject if emails else "",
        categories=tuple(categories),
    )
