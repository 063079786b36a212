"""New mail with one-time codes: the Inbox and the Screener, if the server confirms its From."""

from dataclasses import replace
from typing import Any

import pytest

from mailroom.jmap.mail import read_email
from mailroom.screener.arrivals.authentication import confirms_from
from mailroom.screener.arrivals.verdict import Rule, judge
from mailroom.screener.model.codes import CodeFinder
from mailroom.screener.model.keywords import CODE, SCREENED
from tests.support.domain.builders import PLACES, mail
from tests.unit.test_arrivals_verdict import acquainted, facts

OURS = "mx.example.com"
PASSED = f"{OURS}; spf=pass smtp.mailfrom=corp.example; dmarc=pass header.from=corp.example"
FAILED = f"{OURS}; dmarc=fail (p=none) header.from=corp.example"
SENT = replace(
    mail("Inbox", sender="Bob <bob@corp.example>", subject="Your code is 482913"),
    authentication_results=(PASSED,),
)
ON = facts(acquainted(address="ann@other.example"), codes=CodeFinder())


def test_a_code_goes_to_the_inbox_and_the_screener_in_one_patch() -> None:
    verdict = judge(SENT, ON)
    assert verdict.rule is Rule.CODE
    assert verdict.patch == {
        f"mailboxIds/{PLACES.screener}": True,
        f"keywords/{SCREENED}": True,
        f"keywords/{CODE}": True,
    }


@pytest.mark.parametrize(
    "email",
    [
        replace(SENT, subject="Your order code is 482913"),
        replace(SENT, is_bulk=True),
        replace(SENT, authentication_results=()),
        replace(SENT, authentication_results=(PASSED.replace(OURS, "mx.evil.example"),)),
        replace(SENT, authentication_results=(f"{OURS}; dkim=pass", PASSED)),
    ],
)
def test_without_any_of_the_conditions_it_only_waits(email: object) -> None:
    assert isinstance(email, type(SENT))
    assert judge(email, ON).rule is Rule.UNKNOWN


def test_the_setting_switches_it_off() -> None:
    assert judge(SENT, replace(ON, codes=None)).rule is Rule.UNKNOWN


def test_a_decision_and_a_contact_count_more() -> None:
    decided = facts(acquainted("Feed"), codes=CodeFinder())
    known = facts(acquainted(), codes=CodeFinder())
    assert judge(SENT, decided).rule is Rule.CATEGORY
    assert judge(SENT, known).rule is Rule.CONTACT


@pytest.mark.parametrize(
    ("fields", "is_confirmed"),
    [
        ([PASSED], True),
        ([f"{OURS}; dmarc=pass (p=reject dis=none)"], True),
        (["mx.evil.example; dmarc=fail", PASSED], True),
        ([], False),
        ([f"{OURS}; dmarc=none header.from=corp.example"], False),
        ([f"{OURS}; none", PASSED], False),
        ([PASSED, FAILED], False),
        ([FAILED, PASSED], False),
        ([f"{PASSED}; dmarc=fail"], False),
        ([PASSED.replace("header.from=corp", "header.from=evil")], False),
        ([f"{OURS}; spf=fail (dmarc=pass)"], False),
        ([f'{OURS}; spf=fail smtp.helo="x; dmarc=pass"'], False),
    ],
)
def test_the_server_confirms_a_from(fields: list[str], *, is_confirmed: bool) -> None:
    assert confirms_from(fields, OURS, "corp.example") is is_confirmed


def test_no_server_is_believed_without_its_name() -> None:
    assert not confirms_from([PASSED], "", "corp.example")


@pytest.mark.parametrize(
    "name", ["header:List-Id:asText", "header:List-Post", "header:List-Unsubscribe"]
)
def test_any_field_of_lists_makes_bulk_mail(name: str) -> None:
    value: dict[str, Any] = {
        "id": "m1",
        "mailboxIds": {},
        "header:From:asAddresses:all": [],
        "from": [],
        name: None,
    }
    assert not read_email(value).is_bulk
    assert read_email({**value, name: ""}).is_bulk
