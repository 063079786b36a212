"""The division of edits into requests. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

from mailroom.contacts.model import ContactEdit, UpdateCard
from mailroom.jmap.session import Limits

_LARGEST_SET: Final = 500
_EDIT_SIZE: Final = 4000
"""Octets of an edit in a request, without its note; a generous estimate."""
_OCTETS_PER_CHARACTER: Final = 6


def batches(
    edits: Sequence[ContactEdit], limits: Limits, *, groups: int
) -> Iterator[list[ContactEdit]]:
    """Cut edits into lists that fit into one request together with the groups."""
    most = max(1, min(_LARGEST_SET, limits.max_objects_in_set) - groups)
    batch: list[ContactEdit] = []
    size = 0
    for edit in edits:
        more = _size(edit)
        if batch and (len(batch) >= most or size + more > limits.max_size_request // 2):
            yield batch
            batch, size = [], 0
        batch.append(edit)
        size += more
    if batch:
        yield batch


def _size(edit: ContactEdit) -> int:
    """Return the octets of an edit in a request at most; the whole note is sent."""
    match edit.card:
        case UpdateCard(card=card):
            return _EDIT_SIZE + _OCTETS_PER_CHARACTER * len(card.note)
        case _:
            return _EDIT_SIZE
