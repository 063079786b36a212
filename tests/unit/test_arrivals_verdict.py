"""Where new mail goes, by whom it is from."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.contacts.address import list_key
from mailroom.contacts.index import IndexBuilder
from mailroom.contacts.uid import uid_for
from mailroom.jmap.mail import Email
from mailroom.screener.arrivals.verdict import (
    Facts,
    Rule,
    Verdict,
    depending_on_sent_mail,
    is_new,
    judge,
    sender_keys,
)
from mailroom.screener.model.categories import DEFAULTS
from mailroom.screener.model.keywords import FORGED as FORGED_KEYWORD
from mailroom.screener.model.keywords import SCREENED
from mailroom.screener.triage.standing import Decisions
from tests.support.domain.builders import PLACES, decisions, group_list, mail

KEYWORD = f"keywords/{SCREENED}"
BOB = "bob@corp.example"
FORGED = " mx.example.com; dmarc=fail"
DOUBTFUL = " mx.example.com; dmarc=fail (p=none dis=none)"
REPORT = " multipart/report; report-type=delivery-status; boundary=x"
UID_OF_LIST = uid_for(list_key("dev.lists.example"))
LONG_AGO = "Mon, 23 Feb 2026 10:00:00 +0000"


def acquainted(
    *member_of: str, address: str = "Bob@Corp.example", identities: tuple[str, ...] = ()
) -> Decisions:
    """Whom somebody knows who has one contact, in these groups."""
    builder = IndexBuilder()
    builder.put_card("card", "bob", [address])
    for group in group_list({name: ["bob"] for name in member_of}):
        builder.put_group(group)
    return decisions(builder.build(), identities=identities)


def facts(known: Decisions, **more: Any) -> Facts:
    facts: dict[str, Any] = {"correspondents": frozenset(), "places": PLACES}
    return Facts(
        decisions=replace(known, of_pass=more.pop("of_pass", {})),
        categories=DEFAULTS,
        authserv_id="mx.example.com",
        **{**facts, **more},
    )


def verdict(email: Email, *member_of: str, **more: Any) -> Verdict:
    return judge(email, facts(acquainted(*member_of), **more))


def ends_in(found: Verdict) -> set[str]:
    """Where the mail is afterwards."""
    after = set(found.email.mailbox_ids)
    for key, value in (found.patch or {}).items():
        if key.startswith("mailboxIds/"):
            (after.add if value else after.discard)(key.removeprefix("mailboxIds/"))
    return after


@pytest.mark.parametrize(
    ("member_of", "mailboxes"),
    [
        (["Feed"], {"Feed"}),
        (["Jail"], {"Jail"}),
        (["Imbox"], {"Imbox", "Inbox"}),
        (["Person", "Imbox"], {"Person", "Imbox", "Inbox"}),
        (["Person"], {"Person", "Imbox", "Inbox"}),
        (["Truck", "Paper Trail"], {"Truck", "Paper Trail"}),
        (["Feed", "Jail"], {"Feed", "Jail"}),
        (["Feed", "Imbox"], {"Feed", "Imbox", "Inbox"}),
        (["Feed", "Mailroom", "Choir"], {"Feed"}),
    ],
    ids=lambda names: " ".join(sorted(names)),
)
def test_mail_of_a_decided_sender_goes_where_the_category_files(
    member_of: list[str], mailboxes: set[str]
) -> None:
    found = verdict(mail("Inbox"), *member_of)

    assert found.rule is Rule.CATEGORY
    assert ends_in(found) == mailboxes
    assert found.patch is not None
    assert found.patch[KEYWORD] is True


def test_a_stranger_goes_to_the_screener() -> None:
    found = verdict(mail("Inbox", sender="Eve <Eve@x.example>"))

    assert found == Verdict(
        mail("Inbox", sender="Eve <Eve@x.example>"),
        "eve@x.example",
        Rule.UNKNOWN,
        patch={"mailboxIds/Screener": True, "mailboxIds/Inbox": None, KEYWORD: True},
    )


@pytest.mark.parametrize("member_of", [[], ["Choir"], ["Mailroom"]])
def test_a_contact_is_left(member_of: list[str]) -> None:
    found = verdict(mail("Inbox"), *member_of)

    assert (found.rule, found.patch) == (Rule.CONTACT, None)


def test_a_contact_for_a_whole_domain_stands_for_everybody_in_it() -> None:
    known = acquainted("Feed", address="*@corp.example")

    assert judge(mail("Inbox"), facts(known)).rule is Rule.DOMAIN
    stranger = mail("Inbox", sender="bob@sub.corp.example")
    assert judge(stranger, facts(known)).rule is Rule.UNKNOWN


def test_somebody_the_user_has_written_to_is_left() -> None:
    eve = mail("Inbox", sender="eve@x.example")

    found = verdict(eve, correspondents=frozenset({"eve@x.example"}))
    assert (found.rule, found.patch) == (Rule.CORRESPONDENT, None)


def test_a_decision_counts_more_than_a_correspondence() -> None:
    found = verdict(mail("Inbox"), "Jail", correspondents=frozenset({BOB}))

    assert ends_in(found) == {"Jail"}


@pytest.mark.parametrize("known_as", [[], ["Imbox"], ["Feed"], ["Choir"]])
@pytest.mark.parametrize(
    ("label", "mailboxes"),
    [
        ("Person", {"Person", "Imbox", "Inbox"}),
        ("Jail", {"Jail"}),
        (None, {"Screener"}),
    ],
)
def test_a_decision_of_the_same_pass_counts_more_than_what_the_address_book_says(
    known_as: list[str], label: str | None, mailboxes: set[str]
) -> None:
    category = next((each for each in DEFAULTS if each.name == label), None)
    found = verdict(mail("Inbox"), *known_as, of_pass={BOB: category})

    assert found.rule is Rule.DECIDED
    assert found.categories == (() if category is None else (category,))
    assert ends_in(found) == mailboxes
    assert (found.patch or {})[KEYWORD] is True


def test_a_decision_counts_for_nobody_else_and_not_for_a_forged_mail() -> None:
    of_pass = {BOB: None}
    forged = replace(mail("Inbox"), authentication_results=(FORGED,))

    assert verdict(forged, of_pass=of_pass).rule is Rule.SPOOFED
    other = mail("Inbox", sender="eve@x.example")
    assert verdict(other, of_pass=of_pass).rule is Rule.UNKNOWN


def test_a_decision_on_a_whole_domain_counts_for_everybody_without_a_card() -> None:
    builder = IndexBuilder()
    builder.put_card("corp", "corp", ["cy@corp.example", "*@corp.example"])
    builder.put_card("eve", "eve", ["eve@corp.example"])
    index = builder.build()
    own = ("me@corp.example",)
    known = decisions(index, identities=own)
    of_pass = dict.fromkeys(["cy@corp.example", "*@corp.example"])

    for sender, rule in (
        (BOB, Rule.DECIDED),
        ("eve@corp.example", Rule.CONTACT),
        ("me@corp.example", Rule.OWN),
    ):
        found = judge(mail("Inbox", sender=sender), facts(known, of_pass=of_pass))
        assert found.rule is rule


def test_ones_own_mail_is_left() -> None:
    known = acquainted(identities=("me@x.example", "*@own.example"))

    found = judge(mail("Inbox", sender="ME@x.example"), facts(known))
    assert (found.rule, found.patch) == (Rule.OWN, None)
    printer = judge(mail("Inbox", sender="printer@own.example"), facts(known))
    assert (printer.rule, ends_in(printer)) == (Rule.UNKNOWN, {"Screener"})


@pytest.mark.parametrize("sender", [(), ("a@x.example", "b@x.example"), ("undisclosed",)])
def test_mail_that_names_nobody_is_screened(sender: tuple[str, ...]) -> None:
    found = verdict(mail("Inbox", sender=sender))

    assert (found.rule, ends_in(found)) == (Rule.NAMELESS, {"Screener"})


@pytest.mark.parametrize("sender", [BOB, "eve@x.example", "me@x.example", ""])
def test_a_forged_from_profits_nobody(sender: str) -> None:
    email = replace(mail("Inbox", sender=sender), authentication_results=(FORGED,))
    known = acquainted("Imbox", identities=("me@x.example",))
    found = judge(email, facts(known, correspondents=frozenset({"eve@x.example"})))

    assert found.rule is Rule.SPOOFED
    assert ends_in(found) == {"Screener", PLACES.warning}
    assert (found.patch or {})[f"keywords/{FORGED_KEYWORD}"] is True


def test_without_a_warning_label_a_forged_mail_is_only_screened() -> None:
    email = replace(mail("Inbox"), authentication_results=(FORGED,))
    found = verdict(email, places=replace(PLACES, warning=None))

    assert ends_in(found) == {"Screener"}


def test_new_is_what_is_where_it_came_alone_and_was_never_screened() -> None:
    assert is_new(mail("Inbox"), PLACES)
    assert is_new(mail("Screener"), PLACES)
    assert not is_new(mail("Screener", "Inbox"), PLACES)
    assert not is_new(mail("Screener", keywords=[SCREENED]), PLACES)
    assert not is_new(mail("Inbox", keywords=[SCREENED]), PLACES)
    assert not is_new(mail("Inbox", "Feed"), PLACES)
    assert not is_new(mail("Archive"), PLACES)
    assert not is_new(mail(), PLACES)


def test_only_mail_that_nothing_at_hand_explains_is_asked_about() -> None:
    emails = [
        mail("Inbox", sender=sender)
        for sender in (BOB, "Eve@x.example", "eve@x.example", "me@x.example", "")
    ]
    read = mail("Inbox", sender="zed@x.example", keywords=["$seen"])
    report = replace(mail("Inbox", sender="mta@x.example"), content_type=REPORT)

    known = acquainted("Feed", identities=("me@x.example",))
    waiting = mail("Screener", sender="eve@x.example")
    found = depending_on_sent_mail([*emails, read, report, waiting], known, PLACES)
    assert found == [emails[1], emails[2], emails[4]]
    assert sender_keys(found) == {"eve@x.example"}


@pytest.mark.parametrize(
    "changes",
    [{"keywords": frozenset({"$seen"})}, {"received": ()}, {"received": ("x; " + LONG_AGO,)}],
    ids=["read", "no Received", "an old Received"],
)
@pytest.mark.parametrize("sender", [BOB, "eve@x.example", ""])
def test_mail_that_its_owner_put_there_is_left(sender: str, changes: dict[str, Any]) -> None:
    email = replace(mail("Inbox", sender=sender), authentication_results=(FORGED,), **changes)
    found = judge(email, facts(acquainted("Feed"), of_pass={BOB: None}))

    assert (found.rule, found.patch) == (Rule.PLACED, None)


def with_domain_and_list(**more: Any) -> Facts:
    """The list's posts go to the Feed, mail of everybody at the domain to the Imbox."""
    builder = IndexBuilder()
    builder.put_card("domain", "domain", ["*@corp.example"])
    builder.put_card("list", UID_OF_LIST, ["dev@lists.example"])
    for group in group_list({"Imbox": ["domain"], "Feed": [UID_OF_LIST]}):
        builder.put_group(group)
    return facts(decisions(builder.build()), **more)


def waits(*mailboxes: str, **more: Any) -> Email:
    """A mail that the provider's rules put into the Screener."""
    return replace(mail(*(mailboxes or ("Screener",)), sender=BOB), **more)


def test_a_decided_list_or_domain_is_filed_where_rules_put_its_mail_into_the_screener() -> None:
    found = judge(waits(), with_domain_and_list())
    assert (found.rule, ends_in(found)) == (Rule.DOMAIN, {"Imbox", "Inbox"})
    found = judge(waits(list_id="<dev.lists.example>"), with_domain_and_list())
    assert (found.rule, ends_in(found)) == (Rule.LIST, {"Feed"})
    assert found.patch is not None
    assert found.patch[KEYWORD] is True
    doubtful = waits(authentication_results=(DOUBTFUL,))
    assert ends_in(judge(doubtful, with_domain_and_list())) == {"Imbox", "Inbox", PLACES.warning}


@pytest.mark.parametrize(
    "email",
    [
        waits(keywords=frozenset({"$seen"})),
        waits(received=()),
        waits(authentication_results=(FORGED,)),
        waits(from_=()),
        waits(from_=mail(sender="eve@x.example").from_),
    ],
    ids=["read", "appended", "forged", "nameless", "unknown"],
)
def test_other_mail_that_rules_put_into_the_screener_stays(email: Email) -> None:
    assert judge(email, with_domain_and_list()).patch is None


def test_in_the_screener_the_pass_and_the_rules_of_the_provider_need_no_help() -> None:
    """A pass sweeps the mail that it decides on; rules know the groups of single addresses."""
    of_pass = {"*@corp.example": None}
    assert judge(waits(), with_domain_and_list(of_pass=of_pass)).patch is None
    assert judge(waits(), facts(acquainted("Feed"))).patch is None
    own = decisions(IndexBuilder().build(), identities=(BOB,))
    assert judge(waits(), facts(own)).patch is None


@pytest.mark.parametrize("sender", ["eve@x.example", "MAILER-DAEMON", ""])
def test_an_answer_and_a_delivery_report_are_left(sender: str) -> None:
    answer = mail("Inbox", sender=sender, email_id="answer")
    found = verdict(answer, reply_ids=frozenset({"answer"}))
    assert (found.rule, found.patch) == (Rule.ANSWER, None)

    report = replace(mail("Inbox", sender=sender), content_type=REPORT)
    found = verdict(report)
    assert (found.rule, found.patch) == (Rule.REPORT, None)


def test_a_decision_counts_more_than_an_answer() -> None:
    reply_ids = frozenset({"m1"})

    assert ends_in(verdict(mail("Inbox"), "Jail", reply_ids=reply_ids)) == {"Jail"}
    of_pass = {BOB: None}
    assert ends_in(verdict(mail("Inbox"), of_pass=of_pass, reply_ids=reply_ids)) == {"Screener"}


def test_an_answer_or_report_with_a_forged_from_is_screened() -> None:
    email = replace(mail("Inbox"), authentication_results=(FORGED,), content_type=REPORT)

    assert verdict(email, reply_ids=frozenset({"m1"})).rule is Rule.SPOOFED


@pytest.mark.parametrize(
    ("sender", "member_of", "mailboxes"),
    [
        (BOB, ["Feed"], {"Feed"}),
        (BOB, ["Imbox"], {"Imbox", "Inbox"}),
        (BOB, [], {"Inbox"}),
        ("eve@x.example", [], {"Screener"}),
    ],
)
def test_a_doubtful_from_is_filed_as_the_senders_mail_with_a_warning(
    sender: str, member_of: list[str], mailboxes: set[str]
) -> None:
    email = replace(mail("Inbox", sender=sender), authentication_results=(DOUBTFUL,))
    found = verdict(email, *member_of)

    assert ends_in(found) == mailboxes | {PLACES.warning}
    assert found.rule is not Rule.SPOOFED
    assert found.patch is not None
    assert found.patch[KEYWORD] is True
    assert f"keywords/{FORGED_KEYWORD}" not in found.patch
    without_label = verdict(email, *member_of, places=replace(PLACES, warning=None))
    assert ends_in(without_label) == mailboxes


@given(
    st.sets(st.sampled_from([*(each.group for each in DEFAULTS), "Mailroom", "Choir"])),
    st.sampled_from([BOB, "eve@x.example", "me@x.example", ""]),
    st.booleans(),
)
def test_no_mail_is_ever_nowhere(member_of: set[str], sender: str, forged: bool) -> None:  # noqa: FBT001 - drawn
    fields = (FORGED,) if forged else ()
    email = replace(mail("Inbox", sender=sender), authentication_results=fields)
    known = acquainted(*sorted(member_of), identities=("me@x.example",))
    found = judge(email, facts(known))

    assert ends_in(found)
    goes_to_screener = found.rule in {Rule.SPOOFED, Rule.NAMELESS, Rule.UNKNOWN}
    assert ("Screener" in ends_in(found)) == goes_to_screener
    if found.patch is not None:
        assert True in found.patch.values()
        assert found.patch[KEYWORD] is True
        assert any(key.startswith("mailboxIds/") and value for key, value in found.patch.items())
