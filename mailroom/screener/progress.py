"""How far a plan has been carried out, and what became of it. No I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from mailroom.jmap.answers import Updated
from mailroom.jmap.errors import SetError
from mailroom.jmap.mail import Patch
from mailroom.screener.arrivals.filing import Arrived
from mailroom.screener.plan import Filing, Plan
from mailroom.screener.states import StateTrail

_GONE: Final = "notFound"
"""The mail was deleted in the meantime; there is nothing left to be done with it."""


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a plan.

    Attributes:
        plan: what was to be done.
        failures: decision id -> why it was not finished; its labels are still on.
        marks_failed: mail id -> why a mark without a decision stayed as it was.
        late: patches of mails that came meanwhile and were filed as well.
        arrived: what became of new mail.
        trail: the Email states that the pass went through.
        stuck: subject of a decision -> why the server refuses its contact or mail for good.
    """

    plan: Plan
    failures: Mapping[str, str]
    marks_failed: Mapping[str, str]
    late: Mapping[str, Patch]
    arrived: Arrived
    trail: StateTrail
    stuck: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """Everything was done."""
        failed = (self.failures, self.marks_failed, self.arrived.failures, self.plan.unscreened)
        return not any(failed)

    @property
    def has_effect(self) -> bool:
        """Something was done: a decision carried out, or new mail filed."""
        return bool(self.finished or self.arrived.filed)

    @property
    def finished(self) -> tuple[Filing, ...]:
        """The decisions that were carried out to the end."""
        return tuple(each for each in self.plan.filings if each.decision.id not in self.failures)

    @property
    def mails(self) -> int:
        """How many mails were filed."""
        filed = sum(len(each.swept) + len(each.labelled) for each in self.finished)
        return filed + len(self.late) + len(self.arrived.filed)


class Progress:
    """Follows a plan while it is carried out: one decision's failure stops that one only.

    Attributes:
        plan: what is carried out.
        trail: the Email states that it has gone through so far.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._failures: dict[str, str] = {}
        self._marks_failed: dict[str, str] = {}
        self._late: dict[str, Patch] = {}
        self._arrived = Arrived()
        self.trail = StateTrail(plan.marked.state)

    @property
    def open(self) -> tuple[Filing, ...]:
        """The decisions of which nothing has failed yet."""
        return tuple(each for each in self.plan.filings if each.decision.id not in self._failures)

    @property
    def unlabelled(self) -> dict[str, Patch]:
        """The patches of mails that bear no label of an open decision."""
        return {**self.plan.marks, **{e: p for of in self.open for e, p in of.swept.items()}}

    @property
    def labelled(self) -> dict[str, Patch]:
        """The patches of labelled mails that may be carried out as far as is known."""
        return {each: patch for of in self.open for each, patch in of.labelled.items()}

    def contacts_failed(self, reasons: Mapping[str, Exception]) -> None:
        """Some contact edits (by key) were not carried out."""
        for filing in self.open:
            for edit in filing.decision.edits:
                if edit.key in reasons:
                    self._failures[filing.decision.id] = f"contact: {reasons[edit.key]}"

    def mails_updated(self, updates: Iterable[Updated]) -> None:
        """Mails were patched, all but those that the server refused to."""
        refused = self._note(updates)
        for filing in self.open:
            self._fail(filing, (*filing.swept, *filing.labelled), refused)
        for email_id in self.plan.marks:
            if email_id in refused:
                self._marks_failed[email_id] = str(refused[email_id])

    def late_updated(self, late: Iterable[Filing], updates: Iterable[Updated]) -> None:
        """Mails that came during the pass (those swept by ``late``) were patched as well."""
        refused = self._note(updates)
        for filing in late:
            self._fail(filing, filing.swept, refused)
            self._late |= {each: p for each, p in filing.swept.items() if each not in refused}

    def _fail(
        self, filing: Filing, email_ids: Iterable[str], refused: Mapping[str, SetError]
    ) -> None:
        for email_id in email_ids:
            if email_id in refused:
                self._failures[filing.decision.id] = f"mail: {refused[email_id]}"

    def new_mail_filed(self, arrived: Arrived) -> None:
        """New mail was filed, all but what could not be."""
        self._arrived = arrived
        self._note(arrived.updates)

    def _note(self, updates: Iterable[Updated]) -> dict[str, SetError]:
        refused: dict[str, SetError] = {}
        for update in updates:
            self.trail.add(update.old_state, update.new_state)
            refused |= update.failed
        return {email_id: error for email_id, error in refused.items() if error.type != _GONE}

    def report(self) -> Report:
        """What became of it all."""
        return Report(
            self.plan,
            self._failures,
            self._marks_failed,
            self._late,
            self._arrived,
            self.trail,
        )
