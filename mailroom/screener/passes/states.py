"""Distinguish our own changes of mail from other people's, by the server's states. Pure.

Every ``Email/set`` returns the state before it and the state after it. If the state before each one
is the state after the one before it, nobody else changed mail in between, and a push that announces
one of these states announces only our own changes. Otherwise somebody else changed mail.
"""

from dataclasses import dataclass, field


@dataclass(slots=True)
class StateTrail:
    """The Email states that a pass went through.

    Attributes:
        seen: the state at which the pass read the labelled mail.
        steps: (state before, state after) of each of its updates, in any order.
    """

    seen: str = ""
    steps: list[tuple[str, str]] = field(default_factory=list)

    def add(self, old_state: str, new_state: str) -> None:
        """Note an update of our own."""
        self.steps.append((old_state, new_state))

    @property
    def known(self) -> frozenset[str]:
        """The states up to which the pass has seen or made every change."""
        if self.was_joined:
            return frozenset({self.seen} - {""})
        return frozenset({self.seen, *(new for _, new in self.steps)} - {""})

    @property
    def end(self) -> str | None:
        """The state after the last update of the pass; None if it is not known."""
        if self.was_joined:
            return None
        after = {old: new for old, new in self.steps if old != new}
        state = self.seen
        while state in after:
            state = after.pop(state)
        return state or None

    @property
    def was_joined(self) -> bool:
        """True if somebody else changed mail during the pass, or if the server sends no states."""
        left_behind = {self.seen, *(new for _, new in self.steps)}
        return any(not old or old not in left_behind for old, _ in self.steps)
