"""Telling our own changes from other people's, by the server's states. Pure.

Every ``Email/set`` says which state it found and which it left behind. If each found what the one
before it left, nobody else changed anything in between, and a push that announces one of these
states announces only what we did ourselves. If not, somebody did, and has to be looked after.
"""

from dataclasses import dataclass, field


@dataclass(slots=True)
class StateTrail:
    """The Email states that a pass went through.

    Attributes:
        seen: the state at which the pass read what is labelled.
        steps: (state before, state after) of each of its updates, in any order.
    """

    seen: str = ""
    steps: list[tuple[str, str]] = field(default_factory=list)

    def add(self, old_state: str, new_state: str) -> None:
        """Note an update of ours."""
        self.steps.append((old_state, new_state))

    @property
    def known(self) -> frozenset[str]:
        """The states behind which there is nothing that the pass has not seen or done."""
        if self.was_joined:
            return frozenset({self.seen} - {""})
        return frozenset({self.seen, *(new for _, new in self.steps)} - {""})

    @property
    def end(self) -> str | None:
        """The state that the pass has left behind; None if it cannot be told."""
        if self.was_joined:
            return None
        after = {old: new for old, new in self.steps if old != new}
        state = self.seen
        while state in after:
            state = after.pop(state)
        return state or None

    @property
    def was_joined(self) -> bool:
        """Somebody else changed mail while the pass was under way (or the server cannot tell)."""
        left_behind = {self.seen, *(new for _, new in self.steps)}
        return any(not old or old not in left_behind for old, _ in self.steps)
