"""What is said of a plan and of what became of it: in text, as data, in the log."""

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import structlog

from mailroom.contacts.model import Card, Names
from mailroom.jmap.errors import SetError
from mailroom.jmap.mail import Email
from mailroom.jmap.methods import SetResponse
from mailroom.report import (
    log_report,
    outcome_data,
    outcome_text,
    plan_data,
    plan_text,
    summary,
)
from mailroom.screener.arrivals.executor import ArrivalsReport
from mailroom.screener.arrivals.new_mail import NewMail
from mailroom.screener.arrivals.screening import JudgedMail
from mailroom.screener.arrivals.verdict import Facts, judge
from mailroom.screener.model.categories import DEFAULTS
from mailroom.screener.model.places import Directory
from mailroom.screener.model.sender import sender_key
from mailroom.screener.passes.gather import GatheredMail
from mailroom.screener.passes.plan import MailsByKey, Plan, plan_decisions
from mailroom.screener.passes.progress import Progress
from mailroom.screener.passes.reading import Reading
from mailroom.screener.triage.contacts import find_contacts
from mailroom.screener.triage.decide import decide
from tests.support.domain.builders import (
    LAYOUT,
    NOW,
    PLACES,
    Contacts,
    card,
    decisions,
    group_list,
    groups,
    mail,
    mailboxes,
    sort_mail,
)
from tests.support.domain.contents import snapshot_of

BOB = "Bob Builder <bob@corp.example>"
PATHS = (*PLACES.all_labels, *PLACES.managed, "Inbox", "Archive", "Sent")


def planned(
    *mails: Email,
    cards: Iterable[Card] = (),
    members: dict[str, list[str]] | None = None,
    own: tuple[str, ...] = (),
    new: Iterable[Email] | None = None,
) -> Plan:
    """The plan for an account with these mails and cards; the marked ones among them count."""
    marked = tuple(each for each in mails if each.mailbox_ids & PLACES.all_labels)
    sorted_mail = sort_mail(marked, own, Contacts.of(cards).index)
    outcomes = [
        decide(
            each,
            places=PLACES,
            categories=DEFAULTS,
            groups=groups(members),
            uids={card.uid for card in cards},
            now=NOW,
            mails_of=MailsByKey(mails, sender_key).of,
        )
        for each in find_contacts(
            sorted_mail.mails_by_key, tuple(cards), own, Contacts.of(cards).index, groups(members)
        )
    ]
    gathered = GatheredMail(
        marked, None, Directory(mailboxes(*PATHS)), PLACES, own, has_waived=False, state="1"
    )
    index = Contacts.of(groups=group_list(members)).index
    known = decisions(index, identities=own)
    reading = Reading(gathered, snapshot_of(index), known, DEFAULTS, LAYOUT, server="")
    plan = plan_decisions(reading, sorted_mail, outcomes, mails, categories=DEFAULTS)
    return replace(plan, judged=None if new is None else arrivals(*new))


def arrivals(*emails: Email) -> JudgedMail:
    """What becomes of new mail where nobody is known."""
    facts = Facts(
        decisions=decisions(),
        correspondents=frozenset({"friend@corp.example"}),
        places=PLACES,
        categories=DEFAULTS,
        authserv_id="",
    )
    return JudgedMail(NewMail(emails, "1"), tuple(judge(each, facts) for each in emails), facts)


def text(plan: Plan) -> list[str]:
    return list(plan_text(plan))


def without_id(line: str) -> str:
    return line.partition("  [")[0]


def test_nothing_to_do_is_said() -> None:
    assert text(planned()) == ["Nothing to do: no mail bears a triage label."]


def test_nothing_to_do_with_new_mail_is_said_too() -> None:
    assert text(planned(new=[mail("Inbox", sender="friend@corp.example")])) == [
        "Nothing to do: no mail bears a triage label, and no new mail has to move."
    ]


NEW = (
    mail("Inbox", email_id="1"),
    mail("Inbox", email_id="2", sender="friend@corp.example"),
    mail("Inbox", email_id="3", sender=()),
    mail("Inbox", email_id="4"),
)


def test_new_mail_is_reported_by_sender() -> None:
    assert text(planned(new=NEW)) == [
        "new mail of bob@corp.example: the sender is unknown",
        "  2 mails: +Screener, -Inbox",
        "new mail of nobody: it names no sender, or several",
        "  1 mail: +Screener, -Inbox",
    ]
    data = plan_data(planned(new=NEW))["new_mail"]
    assert [(each["mail"], each["rule"], each["add"]) for each in data] == [
        ("1", "unknown", ["Screener"]),
        ("2", "correspondent", []),
        ("3", "nameless", ["Screener"]),
        ("4", "unknown", ["Screener"]),
    ]


def test_what_became_of_new_mail_is_logged_by_sender() -> None:
    plan = planned(new=NEW)
    progress = Progress(plan)
    moved = list(plan.changing_verdicts)
    progress.new_mail_filed(ArrivalsReport(filed=moved[:2], failures={"4": "rateLimit"}))
    report = progress.report()

    assert (report.mails, report.is_complete, report.has_effect) == (2, False, True)
    assert list(outcome_text(report)) == ["FAILED mail 4: rateLimit"]
    assert outcome_data(report)["new_mail_failed"] == {"4": "rateLimit"}
    assert [line for line, _ in logged(progress)] == [
        "new mail filed (info)",
        "new mail filed (info)",
        "new mail not filed, will be tried again (error)",
    ]


def test_new_mail_that_could_not_be_judged_is_reported_and_tried_again() -> None:
    progress = Progress(replace(planned(), screening_error="Email/query refused: serverFail"))
    report = progress.report()

    assert not report.is_complete
    assert list(outcome_text(report)) == ["FAILED new mail: Email/query refused: serverFail"]
    assert outcome_data(report)["new_mail_unscreened"] == "Email/query refused: serverFail"
    assert [line for line, _ in logged(progress)] == [
        "new mail not screened, will be tried again (error)"
    ]


def test_a_new_sender_is_reported_in_full() -> None:
    plan = planned(
        mail("Screener", "@ToPerson", email_id="tapped"),
        mail("Screener", email_id="a"),
        mail("Screener", email_id="b"),
    )
    first, *rest = text(plan)
    assert without_id(first) == "bob@corp.example -> Person"
    assert rest == [
        '  creates the contact "Bob Builder", a person',
        '  notes "Triaged to Person on 2026-02-25 at 14:03"',
        "  contact groups: +Imbox, +Mailroom, +Person",
        "  1 mail: +Imbox, +Inbox, +Person, -@ToPerson, -Screener",
        "  2 mails: +Imbox, +Inbox, +Person, -Screener",
    ]


def test_a_contact_that_is_there_is_kept_and_what_is_filled_in_is_reported() -> None:
    bare = card("bob", names=Names(full="Bob Builder"))
    tapped = mail("Screener", "@ToFeed", email_id="tapped")
    _, *rest = text(planned(tapped, cards=[bare], members={"Jail": ["bob"]}))
    assert rest == [
        '  fills in on the contact "Bob Builder": organization "Bob Builder"',
        '  notes "Triaged to Feed on 2026-02-25 at 14:03"',
        "  contact groups: +Feed, -Jail",
        "  1 mail: +Feed, -@ToFeed, -Screener",
    ]


def test_a_repeated_decision_changes_no_contact() -> None:
    known = card(
        "bob",
        names=Names(full="Bob Builder", organization="Bob Builder"),
        note="Triaged to Feed on 2026-02-20",
    )
    tapped = mail("Screener", "@ToFeed", email_id="tapped")
    plan = planned(tapped, cards=[known], members={"Feed": ["bob"]})
    assert text(plan)[1:] == ["  1 mail: +Feed, -@ToFeed, -Screener"]
    (decision,) = plan_data(plan)["decisions"]
    assert decision["contacts"] == [{"uid": "bob", "change": "none", "joins": [], "leaves": []}]


def test_an_undo_tells_which_contact_goes_and_which_only_loses_traces() -> None:
    line = "Triaged to Feed on 2026-02-20"
    names = Names(full="Bob Builder")
    made = card("made", names=names, note=line, made_by_us=True, untouched=True)
    own = card("own", names=names, note=f"Met at the fair.\n{line}")
    tapped = mail("Feed", "@ToScreener", email_id="tapped")
    plan = planned(tapped, cards=[made, own], members={"Feed": ["made", "own"]})
    first, *rest = text(plan)
    assert without_id(first) == "bob@corp.example -> back to the Screener"
    assert rest == [
        '  deletes the contact "Bob Builder", which Mailroom made',
        "  contact groups: -Feed",
        '  removes Mailroom\'s traces from the contact "Bob Builder"',
        "  contact groups: -Feed",
        "  1 mail: +Screener, -@ToScreener, -Feed",
    ]
    (decision,) = plan_data(plan)["decisions"]
    assert decision["category"] is None
    assert [each["change"] for each in decision["contacts"]] == ["delete", "update"]
    assert decision["contacts"][1]["note_without"] == [line]


def test_a_mismatch_a_conflict_and_an_unusable_mail_are_reported() -> None:
    plan = planned(
        mail("Screener", "@ToFeed", email_id="odd", sender="Your Bank <bob@corp.example>"),
        mail("Screener", "@ToFeed", email_id="c1", sender="al@corp.example"),
        mail("Screener", "@ToJail", email_id="c2", sender="AL@corp.example"),
        mail("Screener", "@ToJail", email_id="u", sender="nobody"),
        mail("Sent", "@ToJail", email_id="mine", sender="me@corp.example"),
        cards=[card("bob", names=Names(full="Bob Builder", given="Bob", surname="Builder"))],
    )
    lines = text(plan)
    assert "  warning: the name in From is not the contact's" in lines
    assert lines[-6:] == [
        "al@corp.example: has different labels: @ToFeed, @ToJail",
        "  waits until only one label is left",
        "mail u: From has no usable address",
        "  waits until its label is removed",
        "3 mails without a decision: +@MailroomError",
        "1 mail of your own: +Sent, -@ToJail",
    ]
    data = plan_data(plan)
    assert data["decisions"][0]["name_mismatch"] == ["odd"]
    assert data["conflicts"] == [
        {"addresses": ["al@corp.example"], "labels": ["@ToFeed", "@ToJail"], "mails": ["c1", "c2"]}
    ]
    assert data["unusable"] == [{"mail": "u", "reason": "From has no usable address"}]
    assert data["marks"]["mine"] == {"add": ["Sent"], "remove": ["@ToJail"]}


def test_text_from_a_mail_commands_no_terminal() -> None:
    sender = "B\u202eob\u200b <bo\u202eb@corp.example>"
    plan = planned(mail("Screener", "@ToFeed", sender=sender))
    assert all(line.isprintable() for line in text(plan))
    assert '"B\\u202eob\\u200b"' in text(plan)[1]


def test_the_data_is_json_and_holds_every_move() -> None:
    plan = planned(
        mail("Screener", "@ToPerson", email_id="tapped"), mail("Screener", email_id="swept")
    )
    data = json.loads(json.dumps(plan_data(plan)))
    (decision,) = data["decisions"]
    (contact,) = decision["contacts"]
    assert decision["moves"] == {
        "tapped": {"add": ["Imbox", "Inbox", "Person"], "remove": ["@ToPerson", "Screener"]},
        "swept": {"add": ["Imbox", "Inbox", "Person"], "remove": ["Screener"]},
    }
    assert {key: contact[key] for key in contact if key != "uid"} == {
        "change": "create",
        "type": "person",
        "names": {"full": "Bob Builder", "given": "Bob", "surname": "Builder"},
        "note": "Triaged to Person on 2026-02-25 at 14:03",
        "joins": ["Imbox", "Mailroom", "Person"],
        "leaves": [],
    }


# What became of it


def one_good_one_bad() -> Progress:
    """Bob's decision went through; of Al's a mail failed; so did a mark; and a mail came late."""
    plan = planned(
        mail("Screener", "@ToFeed", email_id="bob"),
        mail("Screener", "@ToJail", email_id="al", sender="al@corp.example"),
        mail("Screener", "@ToJail", email_id="u", sender="nobody"),
    )
    progress = Progress(plan)
    failed = {"al": SetError("overQuota", "full"), "u": SetError("serverFail")}
    progress.mails_updated([SetResponse("1", "2", failed)])
    late = {"late": {"mailboxIds/Feed": True, "mailboxIds/Screener": None}}
    progress.late_updated(
        [replace(plan.filings[0], swept_patches=late)], [SetResponse("2", "3", {})]
    )
    return progress


def test_failures_and_late_mails_are_reported() -> None:
    report = one_good_one_bad().report()
    lines = list(outcome_text(report))
    assert lines[0] == "1 mail that came meanwhile: +Feed, -Screener"
    assert without_id(lines[1]) == "FAILED al@corp.example"
    assert lines[1].endswith("]: mail: overQuota full")
    assert lines[2] == "  its label stays on; the next pass tries again"
    assert lines[3].startswith("FAILED mail u: serverFail")
    assert summary(report) == "1 decision carried out, 2 mails filed."
    data = outcome_data(report)
    assert list(data["failures"].values()) == ["mail: overQuota full"]
    assert data["late"] == {"late": {"add": ["Feed"], "remove": ["Screener"]}}


def logged(progress: Progress) -> list[tuple[str, dict[str, Any]]]:
    """What the log of a report says: event and level of each line, and the rest."""
    with structlog.testing.capture_logs() as lines:
        log_report(
            structlog.get_logger(wrapper_class=structlog.stdlib.BoundLogger), progress.report()
        )
    return [(f"{line.pop('event')} ({line.pop('log_level')})", dict(line)) for line in lines]


def test_each_decision_is_one_line_in_the_log() -> None:
    progress = one_good_one_bad()
    good, bad, stuck, mark = logged(progress)
    assert good[0] == "decision carried out (info)"
    assert good[1]["addresses"] == ["bob@corp.example"]
    assert good[1]["contact"] == ["create"]
    assert (good[1]["labelled"], good[1]["swept"]) == (1, 0)
    assert bad[0] == "decision not finished, will be tried again (error)"
    assert bad[1]["reason"] == "mail: overQuota full"
    assert stuck == (
        "label cannot be acted on (warning)",
        {"mail": "u", "reason": "From has no usable address"},
    )
    assert mark[0] == "label not changed, will be tried again (error)"
    assert mark[1]["mail"] == "u"


def test_what_waits_for_a_person_is_a_warning_only_once() -> None:
    conflict = [
        mail("Screener", "@ToFeed", "@ToJail", "@MailroomError", email_id="c"),
        mail("Screener", "@ToJail", "@MailroomError", email_id="u", sender="nobody"),
    ]
    lines = logged(Progress(planned(*conflict)))
    assert [event for event, _ in lines] == [
        "sender has different labels (debug)",
        "label cannot be acted on (debug)",
    ]
