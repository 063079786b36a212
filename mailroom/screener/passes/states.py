"""Distinguish our own changes of mail from other people's, by the server's states. Pure.

Every ``Email/set`` returns the state before it and the state after it. Nobody else changed mail
during a pass if the updates of the pass form a chain: the first one starts at the state in which
the pass read the mail, and every other one starts at the state that an update ended with. A push
that announces one of these states then announces only our own changes.
"""

from dataclasses import dataclass, field


@dataclass(slots=True)
class StateTrail:
    """The Email states that a pass went through.

    Attributes:
        seen: the state at which the pass read the labelled mail; empty if it is not known.
        steps: (state before, state after) of each update of the pass, in any order.
    """

    seen: str = ""
    steps: list[tuple[str, str]] = field(default_factory=list)

    def add(self, old_state: str, new_state: str) -> None:
        """Note an update of our own."""
        self.steps.append((old_state, new_state))

    @property
    def known(self) -> frozenset[str]:
        """The states that are no news: the pass has read or made all changes up to each of them."""
        if self.was_disturbed:
            return frozenset({self.seen} - {""})
        return frozenset({self.seen, *(new for _, new in self.steps)} - {""})

    @property
    def end(self) -> str | None:
        """The state after the last update of the pass; None if it is not known."""
        if self.was_disturbed:
            return None
        # The updates are sent at the same time, so they were noted in any order: follow the chain
        # from the first state. An update that changed nothing ends with the state that it started
        # with, and would not lead on. Each step is used once, because a server may come back to an
        # earlier state.
        after = {old: new for old, new in self.steps if old != new}
        state = self.seen
        while state in after:
            state = after.pop(state)
        return state or None

    @property
    def was_disturbed(self) -> bool:
        """True if somebody else may have changed mail before one of our updates.

        This is so if the state before the update is unknown, or is none that the pass had reached.
        """
        reached = {self.seen, *(new for _, new in self.steps)}
        return any(not old or old not in reached for old, _ in self.steps)
