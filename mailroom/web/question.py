"""The question that the page asks after a link of a notice was opened."""

from dataclasses import dataclass
from enum import StrEnum


class LinkState(StrEnum):
    """The state of a link of a notice; only an open link decides."""

    OPEN = "open"
    """The sender waits."""
    DONE = "done"
    """The sender is in the category of the link already."""
    DECIDED = "decided"
    """The sender is in another category."""
    USED = "used"
    """A button of the same notice was pressed before, and the decision was undone."""
    GONE = "gone"
    """The mail of the notice does not wait any more, and there is no decision."""


@dataclass(frozen=True, slots=True)
class Question:
    """The question of a link of a notice: does this sender belong to this category?

    Attributes:
        who: the subject.
        answer: the name of the category.
        state: the state of the link.
        name: the display name in the mail of the notice; may be empty.
        subject_line: the subject line of this mail; may be empty.
        categories: the names of the categories that the subject is in.
    """

    who: str
    answer: str
    state: LinkState
    name: str = ""
    subject_line: str = ""
    categories: tuple[str, ...] = ()
