"""The answers that a person can give about a sender, for the page and for notices. Pure."""

from mailroom.screener.model.categories import Categories
from mailroom.web.model import SPAM, Answer


def answers_of(categories: Categories) -> tuple[Answer, ...]:
    """Return the answers that a person can give: the categories, then spam."""
    named = [
        Answer(category.name, denies=category.denies, adds_to_inbox=category.add_to_inbox)
        for category in categories
    ]
    return (*named, Answer(SPAM, denies=True))
