"""Decisions on subjects that a person names, even if there is no mail of them. Reads only."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from mailroom.contacts.address import list_key, whole_domain
from mailroom.jmap.mail import Email, Patch
from mailroom.screener.model.categories import Answer, Categories, Special
from mailroom.screener.model.keywords import FORGED, SPAM
from mailroom.screener.model.lists import list_id
from mailroom.screener.model.patches import patch_mailboxes
from mailroom.screener.model.sender import UnusableFromError, sender_of
from mailroom.screener.model.subject import Kind, Subject
from mailroom.screener.passes.plan import Plan, plan_decisions
from mailroom.screener.passes.reading import AccountReader, Reading
from mailroom.screener.triage.contacts import find_contacts
from mailroom.screener.triage.decide import decide_by_name
from mailroom.screener.triage.labelled import SortedMail
from mailroom.waiting.concurrency import both


@dataclass(frozen=True, slots=True)
class Tap:
    """Labels for a mail, which decide on a subject like a tap in a mail app.

    Attributes:
        email_id: the id of the mail.
        patch: the patch that puts the labels on; empty if they are on the mail already.
        removal: the patch that takes these labels off again; empty if ``patch`` is empty.
    """

    email_id: str
    patch: Patch
    removal: Patch


class PlannerByName:
    """Plans decisions on subjects that a person names.

    Args:
        reader: reads the account.
        categories: the categories.
        now: returns the time for notes, in the local time zone.
    """

    def __init__(
        self, reader: AccountReader, categories: Categories, now: Callable[[], datetime]
    ) -> None:
        self._reader = reader
        self._categories = categories
        self._now = now

    async def read(self) -> Reading:
        """Read the account. Raises as :meth:`AccountReader.gather`."""
        return self._reader.reading(*await self._reader.gather())

    def objection_to(self, subject: Subject, reading: Reading) -> str:
        """Return the reason not to decide on a subject; "" if there is none. Pure."""
        if subject.kind is Kind.DOMAIN:
            return reading.objection_to_domain(subject.key.removeprefix("*@"))
        is_ours = subject.key in reading.decisions.own
        return "it is one of your own addresses" if is_ours else ""

    async def tap_for(self, subject: Subject, answer: Answer, reading: Reading) -> Tap | None:
        """Return a tap that decides on a subject: one of its mails, and the labels to put on it.

        The mail is the newest one on which these labels decide on this subject and no other. If
        mail of the subject is to come back from the Junk folder, the mail is the newest one there,
        because a pass searches the Junk folder only if mail from there has a label. A forged mail
        is never used; for a whole domain, neither is a mail of a sender with a card.

        None if there is no such mail, or if the account lacks the label. Raises as :meth:`read`.
        """
        places = reading.gathered.places
        labels = places.labels_for(subject, answer)
        if not labels:
            return None
        mails = await self._mail_of(frozenset({subject.key}), {answer}, reading)

        def rank(email: Email) -> tuple[bool, str, str]:
            return bool(email.mailbox_ids & places.junk), email.received_at, email.id

        for email in sorted(mails, key=rank, reverse=True):
            before, tapped = email.mailbox_ids, email.mailbox_ids | labels
            labelled = reading.sorter.sort([replace(email, mailbox_ids=tapped)])
            # A label for a whole domain decides on the sender of the mail as well. In a mail app a
            # person chooses this mail. Here Mailroom chooses it, and leaves out senders with cards.
            senders = labelled.companions.get(subject.key, ())
            is_of_contact = any(map(reading.decisions.standing.has_card, senders))
            if [*labelled.mails_by_key] == [subject.key] and not is_of_contact:
                patch = patch_mailboxes(before, tapped, fallback=places.inbox)
                removal = patch_mailboxes(tapped, before, fallback=places.inbox)
                return Tap(email.id, patch or {}, removal or {})
        return None

    async def _mail_of(
        self, keys: frozenset[str], answers: Collection[Answer], reading: Reading
    ) -> tuple[Email, ...]:
        """Find the mail of subjects, but only mail that these answers may move.

        Forged mail is left out, and so is mail in the Junk folder that Mailroom did not move there.
        Mail that Mailroom moved to the Junk folder comes back by every answer but spam.
        """
        junk = reading.gathered.places.junk
        brings_back = any(answer is not Special.SPAM for answer in answers)
        mails = await self._reader.mail_of(keys, reading.gathered, with_spam=brings_back)
        return tuple(
            email
            for email in mails
            if FORGED not in email.keywords
            and (SPAM in email.keywords or not email.mailbox_ids & junk)
        )

    async def plan(self, answers: Mapping[Subject, Answer], reading: Reading) -> Plan:
        """Plan decisions without labels on mail; labelled and new mail is left to the next pass.

        Of several subjects that share a card, the answer to the first counts. Raises as
        :meth:`read`.
        """
        gathered, snapshot = reading.gathered, reading.snapshot
        keys = frozenset(subject.key for subject in answers)
        all_answers = set(answers.values())
        cards, mails = await both(snapshot.read(keys), self._mail_of(keys, all_answers, reading))
        groups = reading.groups()
        without_labels = dict.fromkeys((subject.key for subject in answers), ())
        contacts = find_contacts(
            without_labels, cards, gathered.own_addresses, snapshot.index, groups
        )
        mails_of = _by_key(mails)
        decisions = []
        for contact in contacts:
            subject = next(subject for subject in answers if subject.key in contact.keys)
            decision = decide_by_name(
                contact,
                subject,
                answers[subject],
                mails=mails_of.get(subject.key, ()),
                categories=self._categories,
                groups=groups,
                uids=snapshot.index.card_uids,
                now=self._now(),
            )
            decisions.append(decision)
        # The cards may have further addresses, whose mail is filed as well.
        further = frozenset().union(*(contact.keys for contact in contacts)) - keys
        mails += await self._mail_of(further, all_answers, reading)
        unlabelled = replace(reading, gathered=replace(gathered, emails=(), new_mail=None))
        return plan_decisions(
            unlabelled, SortedMail(), decisions, mails, categories=self._categories
        )


def _by_key(mails: Iterable[Email]) -> Mapping[str, list[Email]]:
    """Return mails by the keys of their subjects; mails without a usable sender are left out."""
    mails_of = defaultdict[str, list[Email]](list)
    for email in mails:
        with suppress(UnusableFromError):
            sender = sender_of(email).key
            for key in (sender, whole_domain(sender), list_key(list_id(email.list_id))):
                mails_of[key].append(email)
    return mails_of
