"""GatheredMail mail sorted by what it asks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.jmap.mail import Email
from mailroom.screener.model.keywords import DIGEST
from mailroom.screener.triage.labelled import SortedMail
from tests.support.domain.builders import BOB, ELSEWHERE, mail, sort_mail

ME = "Me <me@home.example>"
IDENTITIES = ["me@home.example", "*@mine.example"]
AL = "Al <al@corp.example>"


def sort(*marked: Email) -> SortedMail:
    return sort_mail(marked, IDENTITIES)


def kinds(result: SortedMail) -> dict[str, set[str]]:
    """The ids of the mails, by what became of them; empty kinds left out."""
    by_kind = {
        "senders": {each.email.id for mails in result.mails_by_key.values() for each in mails},
        "own": {each.id for each in result.own},
        "unusable": {each.id for each, _ in result.unusable},
        "leftovers": {each.id for each in result.leftovers},
    }
    return {kind: ids for kind, ids in by_kind.items() if ids}


@pytest.mark.parametrize(
    ("marked", "kind"),
    [
        pytest.param(mail("Screener", "@ToFeed"), "senders", id="labelled"),
        pytest.param(mail("Screener", "@ToScreener"), "senders", id="the way back is a label too"),
        pytest.param(mail("@ToFeed"), "senders", id="moved into the label"),
        pytest.param(mail("Trash", "@ToFeed"), "senders", id="in Trash"),
        pytest.param(mail("Spam", "@ToFeed"), "senders", id="in Junk"),
        pytest.param(mail("Screener", "@ToFeed", "@MailroomError"), "senders", id="marked, healed"),
        pytest.param(mail("Screener", "@MailroomError"), "leftovers", id="its label was taken off"),
        pytest.param(
            mail("Sent", "@MailroomError", sender=ME), "leftovers", id="own, label taken off"
        ),
        pytest.param(mail("Sent", "@ToJail", sender=ME), "own", id="own, in Sent"),
        pytest.param(mail("Inbox", "@ToJail", sender=ME), "own", id="own, elsewhere"),
        pytest.param(mail("@ToJail", sender=ME), "own", id="own, moved into the label"),
        pytest.param(
            mail("Inbox", "@ToJail", sender="ME@HOME.example"), "own", id="own, in capitals"
        ),
        pytest.param(
            mail("Inbox", "@ToJail", sender="printer@Mine.example"),
            "senders",
            id="somebody at a domain of which the user may use every address",
        ),
        pytest.param(
            mail("Sent", "@ToJail", sender="alias@elsewhere.example"),
            "own",
            id="in Sent under an address that is no identity",
        ),
        pytest.param(mail("Drafts", "@ToJail", sender=()), "own", id="a draft without From"),
        pytest.param(mail("Inbox", "@ToJail", keywords=[DIGEST]), "own", id="a digest"),
        pytest.param(mail("Screener", "@ToFeed", sender=(BOB, AL)), "unusable", id="two in From"),
        pytest.param(mail("Screener", "@ToFeed", sender=(BOB, ME)), "unusable", id="one is own"),
        pytest.param(mail("Screener", "@ToFeed", sender=()), "unusable", id="no From"),
        pytest.param(mail("Screener", "@ToFeed", sender="X <>"), "unusable", id="no address"),
        pytest.param(
            mail("Screener", "@ToFeed", sender="Me <notme@home.example>"),
            "senders",
            id="an address that ends like the user's own",
        ),
    ],
)
def test_a_marked_mail_is_one_of_four_kinds(marked: Email, kind: str) -> None:
    assert kinds(sort(marked)) == {kind: {"m1"}}


def test_the_reason_why_a_from_cannot_be_used_is_kept() -> None:
    ((_, reason),) = sort(mail("Screener", "@ToFeed", sender=(BOB, AL))).unusable

    assert reason == "From has 2 addresses"


def test_letter_case_makes_no_second_sender() -> None:
    result = sort(
        mail("Screener", "@ToFeed", email_id="m1", sender="bob@corp.example"),
        mail("Screener", "@ToJail", email_id="m2", sender="BOB@Corp.example"),
    )

    assert {key: len(mails) for key, mails in result.mails_by_key.items()} == {
        "bob@corp.example": 2
    }


def test_a_mail_knows_all_its_labels_and_no_other_mailbox_is_one() -> None:
    (bob,) = sort(
        mail("Screener", "Projects", "@ToFeed", "@ToJail", "@MailroomError", "@MailroomWarning")
    ).mails_by_key.values()

    assert bob[0].labels == {"@ToFeed", "@ToJail"}


def test_one_odd_mail_does_not_hide_the_others() -> None:
    result = sort(
        mail("Screener", "@ToFeed", email_id="odd", sender=()),
        mail("Screener", "@ToFeed", email_id="fine"),
        mail("Sent", "@ToFeed", email_id="mine", sender=ME),
    )

    assert kinds(result) == {"unusable": {"odd"}, "senders": {"fine"}, "own": {"mine"}}


@given(
    boxes=st.lists(
        st.sets(st.sampled_from(["@ToFeed", "@ToJail", "@MailroomError", "Screener", *ELSEWHERE])),
        max_size=5,
    ),
    sender=st.sampled_from([BOB, ME, (), (BOB, AL), "X <>"]),
)
def test_every_mail_is_of_exactly_one_kind(
    boxes: list[set[str]], sender: str | tuple[str, ...]
) -> None:
    mails = [mail(*each, email_id=str(at), sender=sender) for at, each in enumerate(boxes)]
    found = [email_id for ids in kinds(sort(*mails)).values() for email_id in ids]

    assert sorted(found) == sorted(each.id for each in mails)
