"""Verdicts on new mail: its destination, and the rule that applies. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from mailroom.jmap.mail import Email, Patch
from mailroom.screener.arrivals.authentication import Opinion, confirms_from, opinion_on_from
from mailroom.screener.arrivals.delivery import is_report, was_placed
from mailroom.screener.model.categories import Categories, Category
from mailroom.screener.model.codes import CodeFinder
from mailroom.screener.model.keywords import CODE, FORGED, JUNK, NOTICE, SCREENED, SEEN, SPAM
from mailroom.screener.model.patches import Target, patch_mailboxes, target_of
from mailroom.screener.model.places import Places
from mailroom.screener.model.sender import UnusableFromError, sender_of
from mailroom.screener.model.subject import Kind, Subject
from mailroom.screener.triage.standing import Decisions


class Rule(StrEnum):
    """The reason of a verdict, in the order of :func:`judge`: the first that applies counts."""

    PLACED = "it was read or put where it is before Mailroom saw it"
    """The mail is placed (see the glossary), or the provider's rules have put the mail into the
    Screener."""
    SPOOFED = "its From is forged"
    DECIDED = "the sender, its list or its domain is being decided on"
    OWN = "it is your own"
    CATEGORY = "the sender is in a category's group"
    LIST = "its mailing list is in a category's group"
    DOMAIN = "everybody at its sender's domain is in a category's group"
    CONTACT = "the sender is a contact"
    CORRESPONDENT = "you have written to the sender"
    ANSWER = "it answers mail that you have sent"
    REPORT = "it reports on the delivery of mail that you have sent"
    CODE = "the sender is unknown, and its subject has a one-time code"
    """The code is in the Subject line of the mail."""
    NAMELESS = "it names no sender, or several"
    UNKNOWN = "the sender is unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on a new mail.

    Attributes:
        email: the mail.
        sender: the key of the address in its From; empty if From names no sender or several.
        rule: the rule that applies.
        categories: the categories of the decision, if a decision is the reason.
        patch: the patch of the mail; None if the mail is not changed.
    """

    email: Email
    sender: str
    rule: Rule
    categories: tuple[Category, ...] = ()
    patch: Patch | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts that a verdict depends on, besides the mail.

    Attributes:
        decisions: the decisions of the address book and of the same pass.
        correspondents: keys of addresses that the user has written to.
        places: the ids of the mailboxes.
        categories: the categories.
        authserv_id: see :func:`mailroom.screener.arrivals.authentication.opinion_on_from`.
        reply_ids: ids of new mails that reply to mail of the user's.
        codes: finds one-time codes in subject lines; None: no mail is treated as one with a code.
        notices_since: a time (UTCDate). A notice is sent about mail of an unknown sender if the
            mail came at this time or later. Empty: no notices are sent.
        has_notices_of_bulk: True if notices are sent about mail to many people as well.
    """

    decisions: Decisions
    correspondents: frozenset[str]
    places: Places
    categories: Categories
    authserv_id: str
    reply_ids: frozenset[str] = frozenset()
    codes: CodeFinder | None = None
    notices_since: str = ""
    has_notices_of_bulk: bool = False


def is_new(email: Email, places: Places) -> bool:
    """Return True if the Inbox or the Screener is a mail's only mailbox, and nobody has filed it.

    Mail that Mailroom has filed before has the keyword :data:`SCREENED`.
    """
    is_there = email.mailbox_ids in ({places.inbox}, {places.screener})
    return is_there and SCREENED not in email.keywords


def depending_on_sent_mail(
    emails: Iterable[Email], decisions: Decisions, places: Places
) -> list[Email]:
    """Return the mails whose verdict may depend on mail that the user has sent.

    For all other mail, the mail itself and the address book are enough.
    """
    result = []
    for email in emails:
        if was_placed(email) or is_report(email) or places.screener in email.mailbox_ids:
            continue
        sender = _sender_key(email)
        is_known = bool(sender) and (
            bool(decisions.categories_for(decisions.subject_key_for(email)))
            or sender in decisions.own
            or decisions.standing.knows(sender)
        )
        if not is_known:
            result.append(email)
    return result


def sender_keys(emails: Iterable[Email]) -> frozenset[str]:
    """Return the keys of the senders of mails, without mails that name none or several."""
    return frozenset(map(_sender_key, emails)) - {""}


def judge(email: Email, facts: Facts) -> Verdict:
    """Return the verdict on a mail for which :func:`is_new` is True.

    A mail that its owner or a program put into the Inbox stays there, unless its sender is in a
    category that denies. A mail with a forged From goes to the Screener, whatever is known of its
    thread or of the sender that its From names. A mail with a doubtful From gets the warning label,
    and goes where it would go without the doubt.

    A mail that the provider's rules put into the Screener stays there, unless there is a decision
    on its list or domain: the rules do not know such decisions.
    """
    sender, places = _sender_key(email), facts.places
    opinion = opinion_on_from(email.authentication_results, facts.authserv_id)
    if places.screener in email.mailbox_ids:
        is_known = opinion is not Opinion.FORGED and _is_decided_by_list_or_domain(
            email, sender, facts
        )
        if was_placed(email) or not is_known:
            return Verdict(email, sender, Rule.PLACED)
    if was_placed(email) and not (sender and facts.decisions.denies(sender)):
        return Verdict(email, sender, Rule.PLACED)
    warning = frozenset() if places.warning is None else frozenset({places.warning})
    if opinion is Opinion.FORGED:
        filed = _file(email, Target(warning | {places.screener}, add_to_inbox=False), places) or {}
        patch = {**filed, f"keywords/{FORGED}": True}
        return Verdict(email, sender, Rule.SPOOFED, patch=patch)
    verdict = _judge_genuine(email, sender, facts)
    if opinion is Opinion.DOUBTFUL and warning:
        # The mail gets the warning label wherever it goes, even if it stays in the Inbox.
        label = {f"mailboxIds/{places.warning}": True, f"keywords/{SCREENED}": True}
        return replace(verdict, patch={**(verdict.patch or {}), **label})
    return verdict


def _judge_genuine(email: Email, sender: str, facts: Facts) -> Verdict:
    """Return the verdict on a mail whose From is not forged.

    The ``sender`` is "" if From names no sender or several.
    """
    if sender and (verdict := _judge_by_decision(email, sender, facts)) is not None:
        return verdict
    if sender in facts.decisions.own:
        rule = Rule.OWN
    elif sender and facts.decisions.standing.knows(sender):
        rule = Rule.CONTACT
    elif sender in facts.correspondents:
        rule = Rule.CORRESPONDENT
    elif email.id in facts.reply_ids:
        rule = Rule.ANSWER
    elif is_report(email):
        rule = Rule.REPORT
    elif sender and _has_code(email, sender, facts):
        target = Target(frozenset({facts.places.screener}), add_to_inbox=True)
        filed = _file(email, target, facts.places) or {}
        return Verdict(email, sender, Rule.CODE, patch={**filed, f"keywords/{CODE}": True})
    else:
        target = Target(frozenset({facts.places.screener}), add_to_inbox=False)
        if not sender:
            return Verdict(email, sender, Rule.NAMELESS, patch=_file(email, target, facts.places))
        filed = _file(email, target, facts.places) or {}
        is_recent = bool(facts.notices_since) and email.received_at >= facts.notices_since
        if filed and is_recent and (facts.has_notices_of_bulk or not email.is_bulk):
            filed = {**filed, f"keywords/{NOTICE}": True}
        return Verdict(email, sender, Rule.UNKNOWN, patch=filed or None)
    return Verdict(email, sender, rule)


def _has_code(email: Email, sender: str, facts: Facts) -> bool:
    """Return True if a mail has a one-time code, is no bulk mail, and has a confirmed From.

    Mail with a code stays in the Inbox. So the mail server must confirm that the mail is from the
    domain in its From. It is not enough that the server does not call the mail forged.
    """
    return (
        facts.codes is not None
        and not email.is_bulk
        and confirms_from(
            email.authentication_results, facts.authserv_id, sender.rpartition("@")[2]
        )
        and bool(facts.codes.find(email.subject))
    )


def _is_decided_by_list_or_domain(email: Email, sender: str, facts: Facts) -> bool:
    """Return True if a mail's list or domain is in a category's group.

    False if the same pass decides on the list or domain: the pass then sweeps the mail in the
    Screener anyway.
    """
    decisions = facts.decisions
    if not sender or sender in decisions.own:
        return False
    key = decisions.subject_key_for(email)
    is_standing = key not in decisions.of_pass and bool(decisions.categories_for(key))
    return is_standing and Subject(key).kind is not Kind.ADDRESS


def _judge_by_decision(email: Email, sender: str, facts: Facts) -> Verdict | None:
    """Return the verdict by the decision that holds for a mail; None if there is no decision.

    A decision of the same pass counts more than the address book, which is not up to date yet.
    """
    decisions, places = facts.decisions, facts.places
    key = decisions.subject_key_for(email)
    if key in decisions.of_pass:
        answer = decisions.of_pass[key]
        patch = _file(email, target_of(answer, facts.categories, places), places)
        return Verdict(email, sender, Rule.DECIDED, decisions.categories_for(key), patch)
    categories = decisions.categories_for(key)
    if not categories or sender in decisions.own:
        return None
    targets = [target_of(category, facts.categories, places) for category in categories]
    target = Target(
        frozenset[str]().union(*(target.destinations for target in targets)),
        add_to_inbox=any(target.add_to_inbox for target in targets),
        mark_seen=any(target.mark_seen for target in targets),
    )
    rules = {Kind.ADDRESS: Rule.CATEGORY, Kind.LIST: Rule.LIST, Kind.DOMAIN: Rule.DOMAIN}
    patch = _file(email, target, places)
    return Verdict(email, sender, rules[Subject(key).kind], categories, patch)


def _file(email: Email, target: Target, places: Places) -> Patch | None:
    """Return the patch that files a new mail; None if the mail stays where it is."""
    after = target.destinations | ({places.inbox} if target.add_to_inbox else set())
    moved = patch_mailboxes(email.mailbox_ids, after, fallback=places.inbox)
    if moved is None:
        return None
    keywords = {f"keywords/{SCREENED}": True}
    if target.is_spam:
        keywords |= {f"keywords/{JUNK}": True, f"keywords/{SPAM}": True}
    if target.mark_seen:
        keywords[f"keywords/{SEEN}"] = True
    return {**moved, **keywords}


def _sender_key(email: Email) -> str:
    try:
        return sender_of(email).key
    except UnusableFromError:
        return ""
