"""Mail that was changed since it was read goes from where it is, or is left to the next pass."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from mailroom.jmap.mail import Email, Patch
from mailroom.screener.model.categories import DEFAULTS
from mailroom.screener.passes.replan import (
    plan_filings,
    replan_labelled_patches,
    replan_other_patches,
    replan_subject_labels,
)
from tests.support.domain.account_model import Account
from tests.support.domain.builders import BOB, card, mail, patched

TAPPED = mail("Screener", "@ToImbox", email_id="tapped")
OLD = mail("Screener", email_id="old")
OWN = mail("Sent", "@ToFeed", email_id="own", sender="me@home.example")
NAMELESS = mail("Screener", "@ToFeed", email_id="nameless", sender="nobody")
LEFTOVER = mail("Archive", "@MailroomError", email_id="leftover", sender="al@corp.example")
TORN = mail("Screener", "@ToFeed", "@ToJail", email_id="torn", sender="al@corp.example")
EVERYTHING = (TAPPED, OLD, OWN, NAMELESS, LEFTOVER, TORN)


def unlabelled(now: Iterable[Email]) -> dict[str, Patch]:
    plan = Account.of(*EVERYTHING).plan()
    return replan_other_patches(plan, plan.filings, tuple(now), DEFAULTS)


def labelled(now: Email) -> dict[str, Patch]:
    plan = Account.of(*EVERYTHING).plan()
    return replan_labelled_patches(plan, plan.filings, [now], DEFAULTS)


def moved(email: Email, *mailboxes: str) -> Email:
    return replace(email, mailbox_ids=frozenset(mailboxes))


def after(email: Email, patches: dict[str, Patch]) -> set[str]:
    return set(patched(email.mailbox_ids, patches.get(email.id)))


def test_what_nobody_changed_is_planned_as_before() -> None:
    plan = Account.of(*EVERYTHING).plan()
    (filing,) = plan.filings

    assert set(plan.label_only_patches) == {"own", "nameless", "leftover", "torn"}
    assert set(filing.swept_patches) == {"old"}
    assert set(filing.labelled_patches) == {"tapped"}
    assert unlabelled(EVERYTHING) == {**plan.label_only_patches, **filing.swept_patches}
    assert labelled(TAPPED) == filing.labelled_patches


@pytest.mark.parametrize(
    "now",
    [
        moved(OLD, "Trash"),
        moved(OLD, "Archive"),
        moved(OLD, "Inbox"),
        moved(OLD, "Screener", "@ToJail"),
        moved(OWN, "Trash"),
        moved(OWN, "Sent"),
        moved(OWN, "Sent", "@ToJail"),
        moved(NAMELESS, "Trash"),
        moved(NAMELESS, "Screener"),
        moved(LEFTOVER, "Archive"),
        moved(LEFTOVER, "Archive", "@MailroomError", "@ToFeed"),
        moved(TORN, "Screener", "@ToFeed"),
        moved(TORN, "Trash"),
    ],
)
def test_what_its_owner_dealt_with_is_left_alone(now: Email) -> None:
    assert unlabelled([now]) == {}


@pytest.mark.parametrize(
    ("now", "then"),
    [
        (moved(OLD, "Feed"), {"Imbox"}),
        (moved(OLD, "Screener", "Projects"), {"Imbox", "Inbox", "Projects"}),
        (moved(OWN, "Trash", "@ToFeed"), {"Trash"}),
        (moved(OWN, "@ToFeed"), {"Sent"}),
        (moved(NAMELESS, "Projects", "@ToFeed"), {"Projects", "@ToFeed", "@MailroomError"}),
        (moved(LEFTOVER, "Projects", "@MailroomError"), {"Projects"}),
        (moved(LEFTOVER, "@MailroomError"), {"Inbox"}),
        (
            moved(TORN, "Trash", "@ToFeed", "@ToJail"),
            {"Trash", "@ToFeed", "@ToJail", "@MailroomError"},
        ),
    ],
)
def test_what_was_moved_elsewhere_goes_from_there(now: Email, then: set[str]) -> None:
    assert after(now, unlabelled([now])) == then


@pytest.mark.parametrize(
    ("now", "then"),
    [
        (moved(TAPPED, "Trash", "@ToImbox"), {"Trash"}),
        (moved(TAPPED, "Trash"), {"Trash"}),
        (moved(TAPPED, "Archive"), {"Archive"}),
        (moved(TAPPED, "Feed", "Inbox"), {"Imbox", "Inbox"}),
        (moved(TAPPED, "Archive", "@ToImbox"), {"Archive", "Imbox"}),
        (moved(TAPPED, "Screener", "@ToJail"), {"Screener", "@ToJail"}),
        (moved(TAPPED, "Screener", "@ToImbox", "@ToJail"), {"Screener", "@ToImbox", "@ToJail"}),
    ],
)
def test_a_labelled_mail_goes_as_its_label_says_now(now: Email, then: set[str]) -> None:
    assert after(now, labelled(now)) == then


def test_mail_of_a_decision_that_failed_is_not_touched() -> None:
    plan = Account.of(*EVERYTHING).plan()

    assert replan_other_patches(plan, [], [OLD], DEFAULTS) == {}
    assert replan_labelled_patches(plan, [], [TAPPED], DEFAULTS) == {}


def test_late_mail_is_filed_by_its_sender() -> None:
    plan = Account.of(*EVERYTHING).plan()
    came = [
        mail("Screener", email_id="late", sender=BOB),
        mail("Screener", email_id="of another", sender="al@corp.example"),
        mail("Screener", "@ToJail", email_id="labelled", sender=BOB),
    ]

    (late,) = plan_filings(plan, plan.filings, came, DEFAULTS)
    assert set(late.swept_patches) == {"late"}


def test_late_mail_of_a_whole_domain_is_filed_but_for_those_with_a_card() -> None:
    cards = [card("corp", "bob@corp.example", "*@corp.example"), card("eve", "eve@corp.example")]
    plan = Account.of(TAPPED, cards=cards).plan()
    came = [
        mail("Screener", email_id=sender, sender=f"{sender}@corp.example")
        for sender in ("bob", "ann", "eve")
    ]

    (late,) = plan_filings(plan, plan.filings, came, DEFAULTS)
    assert set(late.swept_patches) == {"bob", "ann"}


@pytest.mark.parametrize(
    ("now", "is_widened"),
    [
        (("Feed", "@ToScreener"), True),
        (("Trash", "@ToScreener"), True),
        (("Screener",), False),
        (("Feed", "@ToScreener", "@ToImbox"), False),
        (("Feed", "@ToScreener", "@WholeDomain"), False),
    ],
)
def test_the_label_of_the_subject_joins_no_other_labels_than_before(
    now: tuple[str, ...], *, is_widened: bool
) -> None:
    """Another instance may have carried out the decision, and nobody would remove the label."""
    email = mail("Feed", "@ToScreener")
    everybody = card("corp", "*@corp.example")
    plan = Account.of(email, cards=[everybody], members={"Feed": ["corp"]}).plan()
    assert plan.subject_labels == {"m1": {"mailboxIds/@WholeDomain": True}}
    assert replan_subject_labels(plan, [moved(email, *now)]) == (
        plan.subject_labels if is_widened else {}
    )
