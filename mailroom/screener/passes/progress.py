"""The progress of a plan while it is carried out, and the report at its end. No I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mailroom.contacts.model import is_lasting
from mailroom.jmap.errors import SetError
from mailroom.jmap.mail import Patch
from mailroom.jmap.methods import NOT_FOUND, SetResponse
from mailroom.screener.arrivals.executor import ArrivalsReport
from mailroom.screener.passes.plan import Filing, Plan, label_change_key
from mailroom.screener.passes.states import StateTrail


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a plan.

    Attributes:
        plan: the plan.
        failures: decision id -> why the decision was not finished; the mails keep their labels.
        label_failures: mail id -> why a patch of :attr:`Plan.label_only_patches` was refused.
        late: mail id -> patch, for mails that came meanwhile and were filed as well.
        arrived: the result for new mail.
        trail: the Email states that the pass went through.
        lasting_refusals: :attr:`Decision.id`, or the :func:`label_change_key` of a mail -> why a
            server refused it in this pass and would do so again.
        stuck: the addresses of a contact as one text, or ``mail`` and the id of a mail -> why the
            server refuses a change for good, in this pass or an earlier one.
    """

    plan: Plan
    failures: Mapping[str, str]
    label_failures: Mapping[str, str]
    late: Mapping[str, Patch]
    arrived: ArrivalsReport
    trail: StateTrail
    lasting_refusals: Mapping[str, str] = field(default_factory=dict)
    stuck: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """True if nothing failed; a change that was skipped is no failure."""
        failed = (
            self.failures,
            self.label_failures,
            self.arrived.failures,
            self.plan.screening_error,
        )
        return not any(failed)

    @property
    def has_effect(self) -> bool:
        """True if a decision was carried out, or new mail was filed."""
        return bool(self.finished or self.arrived.filed)

    @property
    def finished(self) -> tuple[Filing, ...]:
        """The filings that were carried out to the end."""
        return tuple(
            filing for filing in self.plan.filings if filing.decision.id not in self.failures
        )

    @property
    def mails(self) -> int:
        """The number of mails that were filed."""
        filed = sum(
            len(filing.swept_patches) + len(filing.labelled_patches) for filing in self.finished
        )
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
        self._label_failures: dict[str, str] = {}
        self._lasting_refusals: dict[str, str] = {}
        self._late: dict[str, Patch] = {}
        self._arrived = ArrivalsReport()
        self.trail = StateTrail(plan.gathered.state)

    @property
    def open_filings(self) -> tuple[Filing, ...]:
        """The filings of which no write has failed so far."""
        return tuple(
            filing for filing in self.plan.filings if filing.decision.id not in self._failures
        )

    @property
    def has_decisions_without_labels(self) -> bool:
        """True if decisions are to be carried out that no label on a mail has asked for."""
        return any(not filing.labelled_patches for filing in self.plan.filings)

    @property
    def other_patches(self) -> dict[str, Patch]:
        """The label-only patches, and the swept patches of the open filings.

        The :attr:`labelled_patches` are written after these.
        """
        patches = dict(self.plan.label_only_patches)
        for filing in self.open_filings:
            patches |= filing.swept_patches
        return patches

    @property
    def labelled_patches(self) -> dict[str, Patch]:
        """The patches of the labelled mails of the open filings."""
        patches: dict[str, Patch] = {}
        for filing in self.open_filings:
            patches |= filing.labelled_patches
        return patches

    def contacts_failed(self, reasons: Mapping[str, Exception]) -> None:
        """Note the contact edits (by key) that were not carried out, with their errors."""
        for filing in self.open_filings:
            for edit in filing.decision.edits:
                if error := reasons.get(edit.key):
                    self._fail(filing, f"contact: {error}", is_lasting=is_lasting(error))

    def mails_updated(self, updates: Iterable[SetResponse]) -> None:
        """Note the results of updates of mails."""
        failed = self._note(updates)
        for filing in self.open_filings:
            self._fail_by_mail(filing, (*filing.swept_patches, *filing.labelled_patches), failed)
        failed_labels = self.plan.label_only_patches.keys() & failed.keys()
        self._label_failures |= {email_id: str(failed[email_id]) for email_id in failed_labels}
        for email in self.plan.gathered.emails:
            if email.id in failed_labels and failed[email.id].is_lasting:
                self._lasting_refusals[label_change_key(email)] = str(failed[email.id])

    def late_updated(self, late: Iterable[Filing], updates: Iterable[SetResponse]) -> None:
        """Note the results of updates of late mails; ``late`` holds their patches."""
        failed = self._note(updates)
        for filing in late:
            self._fail_by_mail(filing, filing.swept_patches, failed)
            self._late |= {
                email_id: patch
                for email_id, patch in filing.swept_patches.items()
                if email_id not in failed
            }

    def new_mail_filed(self, arrived: ArrivalsReport) -> None:
        """Note the result for new mail."""
        self._arrived = arrived
        self._note(arrived.updates)

    def _note(self, updates: Iterable[SetResponse]) -> dict[str, SetError]:
        """Add updates to the trail; return the errors by mail id."""
        failed: dict[str, SetError] = {}
        for update in updates:
            self.trail.add(update.old_state, update.new_state)
            failed |= update.failed
        # A mail that its owner deleted in the meantime counts as done.
        return {email_id: error for email_id, error in failed.items() if error.type != NOT_FOUND}

    def _fail_by_mail(
        self, filing: Filing, email_ids: Iterable[str], failed: Mapping[str, SetError]
    ) -> None:
        for email_id in email_ids:
            if error := failed.get(email_id):
                self._fail(filing, f"mail: {error}", is_lasting=error.is_lasting)

    def _fail(self, filing: Filing, reason: str, *, is_lasting: bool) -> None:
        self._failures[filing.decision.id] = reason
        if is_lasting:
            self._lasting_refusals[filing.decision.id] = reason

    def report(self) -> Report:
        """Return the report."""
        stuck: dict[str, str] = {}
        for decision, reason in self.plan.skipped:
            stuck[", ".join(decision.contact.keys_for_people)] = reason
        for filing in self.plan.filings:
            if refusal := self._lasting_refusals.get(filing.decision.id):
                stuck[", ".join(filing.decision.contact.keys_for_people)] = refusal
        for email in self.plan.gathered.emails:
            if refusal := self._lasting_refusals.get(label_change_key(email)):
                stuck[f"mail {email.id}"] = refusal
        for email_id, reason in {**self.plan.skipped_labels, **self._arrived.stuck}.items():
            stuck[f"mail {email_id}"] = reason
        return Report(
            plan=self.plan,
            failures=self._failures,
            label_failures=self._label_failures,
            late=self._late,
            arrived=self._arrived,
            trail=self.trail,
            lasting_refusals=self._lasting_refusals,
            stuck=stuck,
        )
