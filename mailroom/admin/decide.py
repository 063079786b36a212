"""``mailroom decide``, ``undo`` and ``import``: decisions on subjects that a person names.

For one decision, the triage label is put on the newest mail of the subject, and a pass runs. If the
command is killed, the label stays, and the next pass finishes the work. Without such mail, and for
the many decisions of ``import``, there is no label: the command plans and writes the decisions with
the code of a pass. If the command is killed, run it again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from shlex import quote
from typing import Any, Final, Protocol

from mailroom.account import Account
from mailroom.contacts.address import list_id_of, whole_domain
from mailroom.report import printable
from mailroom.report.bars import ShowProgress
from mailroom.report.common import account_option, counted, patches_of
from mailroom.screener.model.categories import Answer, Categories, Category, Special
from mailroom.screener.model.patches import moves_mail
from mailroom.screener.model.spelling import folded
from mailroom.screener.model.subject import Kind, Subject
from mailroom.screener.passes.plan import Filing, Plan
from mailroom.screener.passes.progress import Report
from mailroom.screener.passes.reading import Reading

_SPAM: Final = "spam"
_AT_ONCE: Final = 50
"""Subjects in one plan: so few that their mail fits into memory, and one search finds it."""
_DECIDING: Final = "Deciding"


class Passes(Protocol):
    """Carries out plans: a workflow, or a service that does so between its own passes."""

    async def run(self) -> Report:
        """Run one whole pass. Raises as :meth:`ScreenerWorkflow.run`."""

    async def apply(self, plan: Plan) -> Report:
        """Carry out a plan. Raises as :meth:`ScreenerWorkflow.apply`."""


class RefusedError(Exception):
    """Nobody may decide on the subject, or there is no such category; the text says why."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a decision on one subject.

    Attributes:
        subject: the subject.
        answer: the answer.
        before: the names of the categories that the subject was in before.
        mails: the number of mails that were filed.
        failure: why the decision was not finished; empty if it was.
        account: the name of the account, if there are several.
        domain_categories: the names of the categories of the whole domain, if the subject is an
            address without a decision of its own.
        is_by_service: True if the running service filed the mail before this command could, so that
            the number of mails is not known.
    """

    subject: Subject
    answer: Answer
    before: tuple[str, ...]
    mails: int = 0
    failure: str = ""
    account: str = ""
    domain_categories: tuple[str, ...] = ()
    is_by_service: bool = False

    @property
    def undo_command(self) -> str:
        """The command that takes the decision back; empty if there is nothing to take back."""
        if self.failure:
            return ""
        who = str(self.subject)
        if self.before and not self.is_repeated:
            return self._command("decide", who, self.before[0])
        return "" if self.answer is None else self._command("undo", who)

    @property
    def is_repeated(self) -> bool:
        """True if the subject had this answer, and no other, before."""
        return self.before == (() if self.answer is None else (name_of(self.answer),))

    def _command(self, verb: str, *words: str) -> str:
        """Return a command for a shell; words that look like options come after ``--``."""
        option = account_option(self.account)
        quoted = " ".join(map(_quoted, words))
        if any(word.startswith("-") for word in words):
            return f"mailroom {verb}{option} -- {quoted}"
        return f"mailroom {verb} {quoted}{option}"

    def text(self) -> Iterator[str]:
        """Return the outcome in lines for a terminal."""
        who, where = printable(str(self.subject)), printable(name_of(self.answer))
        filed = f"{counted(self.mails, 'mail')} filed"
        if self.is_by_service:
            filed = "the running service has filed the mail"
        if self.failure:
            yield f"FAILED {who}: {printable(self.failure)}"
            return
        if not self.is_repeated or (self.answer is None and (self.mails or self.is_by_service)):
            yield f"{who} -> {where}: {filed}"
        elif self.answer is None:
            yield f"{who}: there is no decision to take back"
        else:
            yield f"{who} is in {where} already: {filed}"
        if self.undo_command:
            yield f"  to take it back: {self.undo_command}"
        yield from (f"  {line}" for line in self._hints())

    def _hints(self) -> Iterator[str]:
        """Yield the command for another decision, if the user may have meant that one."""
        if self.answer is None and self.domain_categories:
            command = self._command("undo", whole_domain(self.subject.key))
            category = printable(self.domain_categories[0])
            yield f"everybody at the domain is in {category}; to take that back: {command}"
        elif (
            self.subject.kind is Kind.LIST
            and isinstance(self.answer, Category)
            and not (self.mails or self.before or self.is_by_service)
        ):
            identifier = list_id_of(self.subject.key)
            is_like_address = "@" in identifier
            other_subject = identifier if is_like_address else f"*@{identifier}"
            name = "the address" if is_like_address else "everybody at a domain"
            command = self._command("decide", other_subject, self.answer.name)
            yield f"this is a mailing list; for {name}: {command}"

    def data(self) -> dict[str, Any]:
        """Return the outcome as JSON data."""
        return {
            "who": str(self.subject),
            "kind": str(self.subject.kind),
            "category": None if self.answer is None else name_of(self.answer),
            "before": list(self.before),
            "mails": None if self.is_by_service else self.mails,
            "failure": self.failure,
            "take_back": self.undo_command,
        }


def _quoted(word: str) -> str:
    r"""Return a word for a shell; hidden characters are escaped, as in ``$'\U0000202e'``."""
    if word.isprintable():
        return quote(word)
    escaped = word.replace("\\", r"\\").replace("'", r"\'")
    shown = [
        character if character.isprintable() else f"\\U{ord(character):08x}"
        for character in escaped
    ]
    return f"$'{''.join(shown)}'"


def name_of(answer: Answer) -> str:
    """Return the name of an answer, for people."""
    match answer:
        case None:
            return "the Screener"
        case Special.SPAM:
            return _SPAM
        case category:
            return category.name


def answer_named(name: str, categories: Categories) -> Answer:
    """Return the category of a name, or spam; case does not matter.

    Raises:
        RefusedError: there is no such category.
    """
    if folded(name) == _SPAM:
        return Special.SPAM
    if (category := categories.find(name)) is not None:
        return category
    names = ", ".join(category.name for category in categories)
    raise RefusedError(f"there is no category {name!r} (there are: {names}, and {_SPAM})")


async def decide(
    account: Account, subject: Subject, answer: Answer, passes: Passes | None = None
) -> Outcome:
    """Decide on one subject; the answer None takes the subject's decision back.

    Args:
        account: the account.
        subject: the subject.
        answer: the answer.
        passes: carries out the decision; None: the account's own workflow.

    Raises:
        RefusedError: nobody may decide on the subject.
        HttpError, JmapError, AddressBookError: a server cannot be used as it should.
        MissingError: the account lacks mailboxes or contact groups.
        MissingRoleError: the answer is spam, and the account has no mailbox for it.
    """
    workflow, mail = await account.workflow(), await account.mail()
    passes, planner = passes or workflow, workflow.planner_by_name
    reading = await planner.read()
    if answer is not None and (reason := planner.objection_to(subject, reading)):
        raise RefusedError(reason)
    outcome = _outcome_before(subject, answer, reading, account)
    tap = await planner.tap_for(subject, answer, reading)
    # Without the label, for example because the mail is deleted by now, a pass would do nothing.
    labelling = await mail.update({tap.email_id: tap.patch}) if tap and tap.patch else []
    if tap is None or any(update.failed for _, update in labelling):
        plan = await planner.plan({subject: answer}, reading)
        return with_report(outcome, await passes.apply(plan))
    report = await passes.run()
    if tap.patch and _is_contradicted(subject, report):
        await mail.update({tap.email_id: tap.removal})
    outcome = with_report(outcome, report)
    # If our pass did not find the label, the service's pass has already filed the mail.
    is_filed = filing_of(subject, report) is not None
    return replace(outcome, is_by_service=not is_filed and not outcome.failure)


async def decide_all(
    account: Account,
    answers: Mapping[Subject, Answer],
    show_progress: ShowProgress,
    passes: Passes | None = None,
) -> tuple[Outcome, ...]:
    """Decide on many subjects, in batches; return an outcome for each of them.

    A subject that already has its answer, and no other, is skipped; so after a kill, the same call
    goes on where it stopped. Raises as :func:`decide`, except RefusedError: a subject that nobody
    may decide on has an outcome with a failure.
    """
    workflow = await account.workflow()
    passes, planner = passes or workflow, workflow.planner_by_name
    outcomes: list[Outcome] = []
    todo = list(answers.items())
    for start in range(0, len(todo), _AT_ONCE):
        show_progress(_DECIDING, start, len(todo))
        reading = await planner.read()
        batch: dict[Subject, Outcome] = {}
        for subject, answer in todo[start : start + _AT_ONCE]:
            outcome = _outcome_before(subject, answer, reading, account)
            if reason := planner.objection_to(subject, reading):
                outcomes.append(replace(outcome, failure=reason))
            elif outcome.is_repeated:
                outcomes.append(outcome)
            else:
                batch[subject] = outcome
        if batch:
            answers_of_batch = {subject: outcome.answer for subject, outcome in batch.items()}
            report = await passes.apply(await planner.plan(answers_of_batch, reading))
            outcomes += [with_report(outcome, report) for outcome in batch.values()]
    show_progress(_DECIDING, len(todo), len(todo))
    return tuple(outcomes)


def _outcome_before(
    subject: Subject, answer: Answer, reading: Reading, account: Account
) -> Outcome:
    """Return the outcome of a decision that is not carried out yet."""
    standing, key = reading.decisions.standing, subject.key
    before = tuple(category.name for category in standing.categories_without_stand_in(key))
    of_domain = () if before else tuple(category.name for category in standing.categories_for(key))
    name = account.settings.name
    return Outcome(subject, answer, before, account=name, domain_categories=of_domain)


def with_report(outcome: Outcome, report: Report) -> Outcome:
    """Return the outcome with the mails and the failure that a report has for its subject."""
    plan = report.plan
    if (filing := filing_of(outcome.subject, report)) is not None:
        failure = report.failures.get(filing.decision.id, "")
        mails = sum(
            moves_mail(patch, plan.emails[email_id], plan.gathered.places)
            for email_id, patch in patches_of(filing).items()
        )
        return replace(outcome, mails=0 if failure else mails, failure=failure)
    if _is_contradicted(outcome.subject, report):
        failure = "other labels are on mail of the same sender; take them off first"
        return replace(outcome, failure=failure)
    for decision, reason in plan.skipped:
        if outcome.subject.key in decision.contact.keys:
            return replace(outcome, failure=reason)
    return replace(outcome, failure="")  # no decision was needed


def filing_of(subject: Subject, report: Report) -> Filing | None:
    """Return the filing of a plan that decides on a subject; None if there is none."""
    filings = report.plan.filings
    return next((filing for filing in filings if subject.key in filing.decision.contact.keys), None)


def _is_contradicted(subject: Subject, report: Report) -> bool:
    """Return True if a pass left a subject undecided, because of different labels on its mail."""
    return any(subject.key in conflict.contact.keys for conflict in report.plan.conflicts)
