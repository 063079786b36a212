"""Reads the answer to a GET for one card, which may be of any size."""

from http import HTTPStatus

from mailroom.http import Response


class CardAnswer:
    """Reads one answer; see :class:`mailroom.http.AnswerReader`.

    Args:
        largest: octets of a card at most; the rest of a larger card is not read.
    """

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._pieces: list[bytes] = []
        self._octets = 0

    def begin(self, response: Response) -> bool:
        """See :class:`mailroom.http.AnswerReader`."""
        return response.status == HTTPStatus.OK

    def feed(self, data: bytes) -> bool:
        """See :class:`mailroom.http.AnswerReader`."""
        self._octets += len(data)
        if self._octets > self._largest:
            self._pieces.clear()
            return False
        self._pieces.append(data)
        return True

    def result(self, response: Response) -> tuple[Response, bytes | None]:
        """Return the answer and the card; None instead of a card that is too large."""
        return response, None if self._octets > self._largest else b"".join(self._pieces)
