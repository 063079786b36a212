"""Read and patch mails whose ids are known, within the server's limits."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from mailroom.jmap.client import JmapClient
from mailroom.jmap.email_methods import get_emails, get_people, try_outdated_state, update_emails
from mailroom.jmap.errors import MethodError, SetError
from mailroom.jmap.habits import Habits, Limitation
from mailroom.jmap.mail import Email, EmailPeople, Patch
from mailroom.jmap.methods import (
    NOT_FOUND,
    STATE_MISMATCH,
    SetResponse,
    largest_get,
    set_batches,
)
from mailroom.jmap.patch_forms import (
    needs_whole_map,
    was_moved,
    with_whole_map,
    without_new_keywords,
    without_others,
)
from mailroom.jmap.request import Operation, encode_json
from mailroom.jmap.session import Session
from mailroom.waiting.batches import batches
from mailroom.waiting.retrying import retry_while_changed

_TRIES: Final = 3
"""The number of attempts to read a mail and write its whole map, while others change mail."""
_RESTLESS: Final = SetError(STATE_MISMATCH, "mail is changed by somebody else all the time")
_GONE: Final = SetError(NOT_FOUND)


@dataclass(frozen=True, slots=True)
class Written:
    """Patches that were sent by one Email/set with ``ifInState``, and the answer.

    Attributes:
        patches: the patches by mail id.
        response: the server's answer.
        was_held: True if the account was in the state that the update named. If not, the server has
            ignored ``ifInState``, and the mails may have changed since they were read.
    """

    patches: Mapping[str, Patch]
    response: SetResponse
    was_held: bool


class EmailStore:
    """Reads and patches mail whose ids are known.

    Args:
        client: the client of the server.
        session: the session when the account was opened.
        account_id: the account's id.

    Attributes:
        habits: the known limitations of the server.
    """

    def __init__(self, client: JmapClient, session: Session, account_id: str) -> None:
        self.client = client
        self.id = account_id
        self.habits = Habits()
        self._session = session

    @property
    def page_size(self) -> int:
        """The number of mails that one Email/get may read."""
        return largest_get(self._session.limits)

    async def read(
        self, ids: Sequence[str], *, also: Sequence[str] = ()
    ) -> tuple[str, tuple[Email, ...]]:
        """Read mails; return an Email state, and the mails as they were in this state or later.

        Raises:
            HttpError, JmapError: the server cannot be asked.
        """
        state, emails = "", list[Email]()
        for reading in self.readings(ids, also=also):
            ((state_of_batch, batch),) = await self.client.perform(reading)
            state = state or state_of_batch
            emails += batch
        return state, tuple(emails)

    def readings(
        self, ids: Sequence[str], *, also: Sequence[str] = ()
    ) -> list[Operation[tuple[str, tuple[Email, ...]]]]:
        """Return the operations that read these mails, within the limits; see :meth:`read`."""
        return [get_emails(self.id, part, also=also) for part in batches(ids, self.page_size)]

    def people_readings(
        self, ids: Sequence[str], *, also: Sequence[str] = ()
    ) -> list[Operation[tuple[EmailPeople, ...]]]:
        """Return the operations that read senders and recipients of mails, within the limits."""
        return [get_people(self.id, part, also=also) for part in batches(ids, self.page_size)]

    def updates(self, patches: Mapping[str, Patch]) -> list[Operation[SetResponse]]:
        """Return the operations that patch these mails, within the server's limits."""
        return [update_emails(self.id, piece) for piece in self._pieces(patches)]

    async def update(
        self, patches: Mapping[str, Patch]
    ) -> list[tuple[Mapping[str, Patch], SetResponse]]:
        """Patch mails in any Email state; return each part of the patches with its result.

        Raises:
            HttpError, JmapError: the server cannot be asked.
        """
        pieces = list(self._pieces(patches))
        answers = await self.client.perform_all([update_emails(self.id, piece) for piece in pieces])
        done: list[tuple[Mapping[str, Patch], SetResponse]] = []
        for piece, answer in zip(pieces, answers, strict=True):

            async def attempt(
                left: dict[str, Patch], answer: SetResponse = answer
            ) -> dict[str, Patch]:
                async for part, response in self._also_in_other_forms(left, answer, held=False):
                    done.append((part, response))
                    left = _without(left, part)
                return left

            if left := await retry_while_changed(attempt, piece, tries=_TRIES):
                done.append((left, SetResponse("", "", dict.fromkeys(left, _RESTLESS))))
        return done

    async def update_in_state(
        self, patches: Mapping[str, Patch], state: str, note: Callable[[Written], None]
    ) -> Mapping[str, Patch]:
        """Patch mails as long as nobody else changes mail, one request after the other.

        Each :class:`Written` shows if the update was held to the state. No mail is mended here.

        Args:
            patches: the patches by mail id.
            state: an Email state at which, or before which, the mails were read.
            note: called with each Email/set as soon as it is answered.

        Returns:
            The patches that were not carried out, because somebody else has changed mail
            (``stateMismatch``).

        Raises:
            HttpError, JmapError: the server cannot be asked.
        """
        left = patches
        for piece in self._pieces(patches):
            answer = await self._update_if_in(piece, state)
            if answer is None:
                break
            was_held = answer.old_state == state
            if state and not was_held:
                self.habits.learn(Limitation.STATES)
            async for part, response in self._also_in_other_forms(piece, answer, held=True):
                note(Written(part, response, was_held))
                state, left = response.new_state, _without(left, part)
            if not piece.keys().isdisjoint(left):
                break
        return left

    async def _update_if_in(self, patches: Mapping[str, Patch], state: str) -> SetResponse | None:
        """Patch mails by one call; return None if the state has changed and nothing was done.

        The first call with a state also finds out if the server checks ``ifInState`` at all. On a
        server that does not, the new state in the answer may include a change that somebody else
        made during the call.
        """
        update = update_emails(self.id, patches, if_in_state=state or None)
        try:
            if not state or self.habits.states_are_proven or Limitation.STATES in self.habits:
                (response,) = await self.client.perform(update)
                return response
            trial = try_outdated_state(self.id, state)
            response, is_refused = await self.client.perform(update, trial)
        except MethodError as error:
            if error.type != STATE_MISMATCH:
                raise
            self.habits.states_are_proven = True
            return None
        if is_refused is False:
            self.habits.learn(Limitation.STATES)
        self.habits.states_are_proven = bool(is_refused)
        return response

    async def _also_in_other_forms(
        self, asked: Mapping[str, Patch], answer: SetResponse, *, held: bool
    ) -> AsyncIterator[tuple[Mapping[str, Patch], SetResponse]]:
        """If the server refused the form of a patch, send the patch in another form.

        Yields each part of the patches with its result, in order; the first part is the patches
        that are not sent again. The forms are those of :mod:`mailroom.jmap.patch_forms`.

        A patch that is not yielded was not carried out, because somebody else changed mail. If the
        updates are ``held`` to a state, the change came after ``answer``. Otherwise the change came
        after this method read the mail and before it patched the mail.
        """
        refused = {email_id: why for email_id, why in answer.failed.items() if email_id in asked}
        fewer_keywords = {
            email_id: patch
            for email_id, why in refused.items()
            if (patch := without_new_keywords(asked[email_id], why)) is not None
        }
        need_map = {key for key, why in refused.items() if needs_whole_map(asked[key], why)}
        others = fewer_keywords.keys() | need_map
        if not others or others != asked.keys():
            yield without_others(asked, answer, others)
        state = answer.new_state
        if fewer_keywords:
            second = await self._update_if_in(fewer_keywords, state if held else "")
            if second is None:
                return
            async for part, response in self._also_in_other_forms(
                fewer_keywords, second, held=held
            ):
                state = response.new_state
                yield part, response
        if not need_map:
            return
        read_state, emails = await self.read(sorted(need_map))
        # A server that ignores the state refuses the form of a patch even if the mail was moved.
        moved = any(was_moved(asked[email.id], email.mailbox_ids) for email in emails)
        if held and (moved or read_state != state):
            return
        maps = {email.id: with_whole_map(asked[email.id], email.mailbox_ids) for email in emails}
        second = await self._update_if_in(maps, read_state)
        if second is None:
            return
        if gone := {email_id: asked[email_id] for email_id in need_map - maps.keys()}:
            yield gone, replace(second, failed=dict.fromkeys(gone, _GONE))
        async for part, response in self._also_in_other_forms(maps, second, held=held):
            yield part, response

    def _pieces(self, patches: Mapping[str, Patch]) -> Iterator[dict[str, Patch]]:
        pieces = set_batches(
            list(patches.items()), lambda item: len(encode_json(item)), self._session.limits
        )
        return map(dict, pieces)


def _without(patches: Mapping[str, Patch], done: Mapping[str, Patch]) -> dict[str, Patch]:
    return {email_id: patch for email_id, patch in patches.items() if email_id not in done}
