"""How far a plan got: one sender's failure stops that sender and nobody else."""

from dataclasses import replace

import pytest

from mailroom.contacts.index import ContactIndex
from mailroom.contacts.model import AddressBookError, LastingRefusalError
from mailroom.jmap.errors import SetError
from mailroom.jmap.mail import Patch
from mailroom.jmap.methods import SetResponse
from mailroom.screener.model.categories import DEFAULTS
from mailroom.screener.model.places import Directory
from mailroom.screener.model.sender import sender_key
from mailroom.screener.passes.gather import GatheredMail
from mailroom.screener.passes.plan import Filing, MailsByKey, Plan, label_change_key, plan_filing
from mailroom.screener.passes.progress import Progress
from mailroom.screener.triage.contacts import find_contacts
from mailroom.screener.triage.decide import Decision, decide
from tests.support.domain.builders import NOW, PLACES, decisions, groups, mail, sort_mail
from tests.support.domain.contents import NOTHING

BOB = [
    mail("Screener", "@ToFeed", email_id="bob labelled", sender="bob@corp.example"),
    mail("Screener", email_id="bob swept", sender="bob@corp.example"),
]
AL = [
    mail("Screener", "@ToJail", email_id="al labelled", sender="al@corp.example"),
    mail("Screener", email_id="al swept", sender="al@corp.example"),
]
MARKS: dict[str, Patch] = {"torn": {"mailboxIds/@MailroomError": True}}


def progress() -> Progress:
    """Of a plan with two decisions, Bob's and Al's, and one mail that only gets a mark."""
    senders = sort_mail([BOB[0], AL[0]]).mails_by_key
    outcomes = [
        decide(
            each,
            places=PLACES,
            categories=DEFAULTS,
            groups=groups(),
            uids=set(),
            now=NOW,
            mails_of=MailsByKey((), sender_key).of,
        )
        for each in find_contacts(senders, [], [], ContactIndex(), groups())
    ]
    filings = tuple(
        plan_filing(each, MailsByKey([*BOB, *AL], sender_key), PLACES, DEFAULTS)
        for each in outcomes
        if isinstance(each, Decision)
    )
    marked = GatheredMail(
        (BOB[0], AL[0]), None, Directory([]), PLACES, (), has_waived=False, state="1"
    )
    return Progress(Plan(filings, (), (), (), MARKS, marked, decisions(), NOTHING.snapshot))


def labels(made: Progress) -> list[set[str]]:
    """The labelled mails of the decisions that are still open."""
    return [set(filing.labelled_patches) for filing in made.open_filings]


def updated(
    *failed: str, error: str = "serverFail", states: tuple[str, str] = ("1", "2")
) -> SetResponse:
    return SetResponse(*states, {email_id: SetError(error) for email_id in failed})


def key_of(made: Progress, at: int) -> str:
    return made.open_filings[at].decision.edits[0].key


def test_at_first_everything_is_open() -> None:
    assert labels(progress()) == [{"bob labelled"}, {"al labelled"}]


def test_a_plan_that_went_through_is_complete() -> None:
    made = progress()
    made.contacts_failed({})
    made.mails_updated([updated()])
    report = made.report()

    assert report.is_complete
    assert len(report.finished) == 2
    assert report.mails == 4


def test_a_contact_that_could_not_be_written_keeps_its_label_and_stops_nobody_else() -> None:
    made = progress()
    bob = made.open_filings[0].decision.id
    made.contacts_failed({key_of(made, 0): RuntimeError("no room")})

    assert labels(made) == [{"al labelled"}]
    report = made.report()
    assert report.failures == {bob: "contact: no room"}
    assert [each.decision.id for each in report.finished] == [made.open_filings[0].decision.id]
    assert not report.is_complete


@pytest.mark.parametrize("email_id", ["al swept", "al labelled"])
def test_a_mail_that_the_server_refuses_stops_its_sender_and_nobody_else(email_id: str) -> None:
    made = progress()
    al = made.open_filings[1].decision.id
    made.mails_updated([updated(), updated(email_id, error="rateLimit", states=("2", "3"))])

    assert labels(made) == [{"bob labelled"}]
    assert made.report().failures == {al: "mail: rateLimit"}


def test_a_mail_that_is_gone_is_no_failure() -> None:
    made = progress()
    made.mails_updated([updated("bob swept", "al labelled", "torn", error="notFound")])

    assert made.report().is_complete


def test_the_first_reason_is_kept() -> None:
    made = progress()
    bob = made.open_filings[0].decision.id
    made.contacts_failed({key_of(made, 0): RuntimeError("no room")})
    made.mails_updated([updated("bob swept")])

    assert made.report().failures == {bob: "contact: no room"}


def test_a_mark_that_was_refused_is_remembered_without_a_decision() -> None:
    made = progress()
    made.mails_updated([updated("torn", error="forbidden")])
    report = made.report()

    assert report.label_failures == {"torn": "forbidden"}
    assert not report.failures
    assert not report.is_complete


def test_a_lasting_refusal_names_the_sender_and_the_servers_words() -> None:
    made = progress()
    bob, al = (each.decision.id for each in made.open_filings)
    made.contacts_failed({key_of(made, 0): LastingRefusalError("413 Too Large")})
    made.mails_updated([updated("al swept", error="overQuota")])
    report = made.report()

    assert report.lasting_refusals == {bob: "contact: 413 Too Large", al: "mail: overQuota"}
    assert report.stuck == {
        "bob@corp.example": "contact: 413 Too Large",
        "al@corp.example": "mail: overQuota",
    }
    assert not report.is_complete, "the next pass puts the error label on"


def test_a_refusal_that_passes_is_not_stuck() -> None:
    made = progress()
    made.contacts_failed({key_of(made, 0): AddressBookError("locked")})
    made.mails_updated([updated("al swept", error="rateLimit")])

    assert (made.report().lasting_refusals, made.report().stuck) == ({}, {})


def test_what_is_refused_already_stays_stuck_without_leaving_the_pass_incomplete() -> None:
    made = progress()
    bob = made.plan.filings[0].decision
    plan = replace(
        made.plan, filings=(), skipped=((bob, "contact: no"),), skipped_labels={"torn": "no"}
    )
    report = Progress(plan).report()

    assert report.stuck == {"bob@corp.example": "contact: no", "mail torn": "no"}
    assert report.is_complete


def test_a_mark_that_is_refused_for_good_is_remembered_with_what_it_depends_on() -> None:
    made = progress()
    plan = replace(
        made.plan, label_only_patches={"bob labelled": {"mailboxIds/@MailroomError": True}}
    )
    made = Progress(replace(plan, filings=()))
    made.mails_updated([updated("bob labelled", error="forbidden")])
    report = made.report()

    assert report.lasting_refusals == {label_change_key(BOB[0]): "forbidden"}
    assert report.stuck == {"mail bob labelled": "forbidden"}


def came_late(made: Progress, **of: str) -> list[Filing]:
    """What came of Bob and of Al while the work was under way: mail id -> whose."""
    swept = {"mailboxIds/Feed": True}
    return [
        replace(filing, swept_patches={each: swept for each, whose in of.items() if whose == name})
        for filing, name in zip(made.plan.filings, ("bob", "al"), strict=True)
    ]


def test_mail_that_came_meanwhile_counts_as_filed() -> None:
    made = progress()
    late = came_late(made, late="bob", gone="al")
    made.late_updated(late, [updated("gone", error="notFound")])
    report = made.report()

    assert "late" in report.late
    assert report.mails == 4 + len(report.late)
    assert report.is_complete


def test_mail_that_came_meanwhile_and_is_refused_keeps_the_label_on() -> None:
    made = progress()
    bob = made.open_filings[0].decision.id
    made.late_updated(came_late(made, refused="bob", late="al"), [updated("refused")])

    assert set(made.labelled_patches) == {"al labelled"}
    report = made.report()
    assert report.failures == {bob: "mail: serverFail"}
    assert set(report.late) == {"late"}


def test_the_states_of_all_updates_make_the_trail() -> None:
    made = progress()
    made.mails_updated([updated(states=("1", "2")), updated(states=("2", "3"))])
    made.late_updated([], [updated(states=("3", "4"))])

    assert made.trail.end == "4"
    assert made.report().trail.known == {"1", "2", "3", "4"}
