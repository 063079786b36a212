"""The progress of a plan while it is carried out, and the report at its end. No I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from mailroom.contacts.model import is_lasting
from mailroom.jmap.answers import Updated
from mailroom.jmap.errors import SetError
from mailroom.jmap.mail import Patch
from mailroom.screener.arrivals.executor import ArrivalsReport
from mailroom.screener.passes.plan import Filing, Plan, label_change_key
from mailroom.screener.passes.states import StateTrail

_GONE: Final = "notFound"
"""The error type for a mail that was deleted in the meantime. It counts as done."""


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a plan.

    Attributes:
        plan: the plan.
        failures: decision id -> why the decision was not finished; the mails keep their labels.
        labels_failed: mail id -> why a label without a decision was not changed.
        late: patches of mails that came meanwhile and were filed as well.
        arrived: the result for new mail.
        trail: the Email states that the pass went through.
        refused: :attr:`Decision.id`, or the :func:`label_change_key` of a mail -> why a server
            refused it in this pass and would do so again.
        stuck: addresses of a contact, or ``mail`` and its id -> why the server refuses a change for
            good.
    """

    plan: Plan
    failures: Mapping[str, str]
    labels_failed: Mapping[str, str]
    late: Mapping[str, Patch]
    arrived: ArrivalsReport
    trail: StateTrail
    refused: Mapping[str, str] = field(default_factory=dict)
    stuck: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """True if everything was done."""
        failed = (self.failures, self.labels_failed, self.arrived.failures, self.plan.unscreened)
        return not any(failed)

    @property
    def has_effect(self) -> bool:
        """True if a decision was carried out, or new mail was filed."""
        return bool(self.finished or self.arrived.filed)

    @property
    def finished(self) -> tuple[Filing, ...]:
        """The decisions that were carried out to the end."""
        return tuple(each for each in self.plan.filings if each.decision.id not in self.failures)

    @property
    def mails(self) -> int:
        """The number of mails that were filed."""
        filed = sum(len(each.swept) + len(each.labelled) for each in self.finished)
        return filed + len(self.late) + len(self.arrived.filed)


class Progress:
    """The progress of a plan. The failure of one decision does not stop the others.

    Attributes:
        plan: the plan.
        trail: the Email states that the pass has gone through so far.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._failures: dict[str, str] = {}
        self._labels_failed: dict[str, str] = {}
        self._refused: dict[str, str] = {}
        self._late: dict[str, Patch] = {}
        self._arrived = ArrivalsReport()
        self.trail = StateTrail(plan.gathered.state)

    @property
    def open(self) -> tuple[Filing, ...]:
        """The decisions of which no write has failed so far."""
        return tuple(each for each in self.plan.filings if each.decision.id not in self._failures)

    @property
    def unlabelled(self) -> dict[str, Patch]:
        """The patches of mails without a label of an open decision."""
        return {
            **self.plan.label_patches,
            **{e: p for of in self.open for e, p in of.swept.items()},
        }

    @property
    def labelled(self) -> dict[str, Patch]:
        """The patches of labelled mails of the open decisions."""
        return {each: patch for of in self.open for each, patch in of.labelled.items()}

    def contacts_failed(self, reasons: Mapping[str, Exception]) -> None:
        """Note the contact edits (by key) that were not carried out, with their errors."""
        for filing in self.open:
            for edit in filing.decision.edits:
                if edit.key in reasons:
                    error = reasons[edit.key]
                    self._fail(filing, f"contact: {error}", is_lasting=is_lasting(error))

    def mails_updated(self, updates: Iterable[Updated]) -> None:
        """Note the results of updates of mails."""
        refused = self._note(updates)
        for filing in self.open:
            self._fail_by_mail(filing, (*filing.swept, *filing.labelled), refused)
        failed = self.plan.label_patches.keys() & refused.keys()
        self._labels_failed |= {email_id: str(refused[email_id]) for email_id in failed}
        for email in self.plan.gathered.emails:
            if email.id in failed and refused[email.id].is_lasting:
                self._refused[label_change_key(email)] = str(refused[email.id])

    def late_updated(self, late: Iterable[Filing], updates: Iterable[Updated]) -> None:
        """Note the results of updates of late mails, which are those swept by ``late``."""
        refused = self._note(updates)
        for filing in late:
            self._fail_by_mail(filing, filing.swept, refused)
            self._late |= {each: p for each, p in filing.swept.items() if each not in refused}

    def _fail_by_mail(
        self, filing: Filing, email_ids: Iterable[str], refused: Mapping[str, SetError]
    ) -> None:
        for email_id in email_ids:
            if email_id in refused:
                error = refused[email_id]
                self._fail(filing, f"mail: {error}", is_lasting=error.is_lasting)

    def _fail(self, filing: Filing, reason: str, *, is_lasting: bool) -> None:
        self._failures[filing.decision.id] = reason
        if is_lasting:
            self._refused[filing.decision.id] = reason

    def new_mail_filed(self, arrived: ArrivalsReport) -> None:
        """Note the result for new mail."""
        self._arrived = arrived
        self._note(arrived.updates)

    def _note(self, updates: Iterable[Updated]) -> dict[str, SetError]:
        refused: dict[str, SetError] = {}
        for update in updates:
            self.trail.add(update.old_state, update.new_state)
            refused |= update.failed
        return {email_id: error for email_id, error in refused.items() if error.type != _GONE}

    def report(self) -> Report:
        """Return the report."""
        return Report(
            self.plan,
            self._failures,
            self._labels_failed,
            self._late,
            self._arrived,
            self.trail,
            self._refused,
            self._stuck(),
        )

    def _stuck(self) -> dict[str, str]:
        """Return the lasting refusals, of this pass and earlier ones, by contact or mail."""
        decisions = [
            *self.plan.refused,
            *((each.decision, self._refused.get(each.decision.id)) for each in self.plan.filings),
        ]
        stuck = {
            ", ".join(sorted(decision.contact.addresses)): why
            for decision, why in decisions
            if why is not None
        }
        label_changes = {
            each.id: self._refused.get(label_change_key(each)) for each in self.plan.gathered.emails
        }
        mails = {each: why for each, why in label_changes.items() if why is not None}
        mails |= {**self.plan.labels_refused, **self._arrived.stuck}
        return stuck | {f"mail {each}": why for each, why in mails.items()}
