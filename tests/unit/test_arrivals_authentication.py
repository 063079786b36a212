"""The word of the user's own server about a mail's From, in the dialects of several programs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.screener.arrivals.authentication import Opinion, opinion_on_from

OURS = "mx.example.com"
FAIL = f" {OURS}; dkim=none; dmarc=fail (p=reject) header.from=bank.example"
PASS = f" {OURS}; dkim=pass header.d=bank.example; dmarc=pass header.from=bank.example"

FORGED, DOUBTFUL, NONE = Opinion.FORGED, Opinion.DOUBTFUL, Opinion.NONE

DIALECTS = {
    # OpenDMARC: states its own action in every field, which is none unless it was told to reject.
    "opendmarc reject": (FORGED, "dmarc=fail (p=reject dis=none) header.from=a.test"),
    "opendmarc quarantine": (
        FORGED,
        "dmarc=fail (p=quarantine dis=quarantine) header.from=a.test",
    ),
    "opendmarc none": (DOUBTFUL, "dmarc=fail (p=none dis=none) header.from=a.test"),
    "opendmarc arc": (
        NONE,
        "arc=pass; dmarc=fail (p=reject dis=none) header.from=a.test",
    ),
    "opendmarc pass": (NONE, "dmarc=pass (p=reject dis=none) header.from=a.test"),
    "opendmarc no record": (NONE, "dmarc=none (p=none dis=none) header.from=a.test"),
    # Fastmail and others: the authentication milter.
    "milter reject": (
        FORGED,
        (
            "dmarc=fail policy.published-domain-policy=reject policy.applied-disposition=quarantine"
            " policy.evaluated-disposition=reject policy.override-reason=local_policy"
            " (p=reject,d=quarantine,d.eval=reject,override=local_policy) header.from=a.test"
        ),
    ),
    "milter without override": (
        FORGED,
        (
            "dmarc=fail policy.published-domain-policy=reject policy.applied-disposition=reject"
            " (p=reject,d=reject) header.from=a.test"
        ),
    ),
    "milter none": (
        DOUBTFUL,
        (
            "dmarc=fail policy.published-domain-policy=none policy.applied-disposition=none"
            " policy.evaluated-disposition=none (p=none,d=none,d.eval=none) header.from=a.test"
        ),
    ),
    "milter list": (
        NONE,
        (
            "dmarc=fail policy.published-domain-policy=none policy.applied-disposition=none"
            " policy.override-reason=mailing_list"
            " (p=none,has-list-id=yes,d=none) header.from=a.test"
        ),
    ),
    "milter list that asks for reject": (
        NONE,
        (
            "dmarc=fail policy.published-domain-policy=reject"
            " policy.published-subdomain-policy=none"
            " policy.applied-disposition=none policy.evaluated-disposition=reject"
            " policy.override-reason=mailing_list policy.arc-aware-result=fail"
            " (p=reject,sp=none,has-list-id=yes,d=quarantine,d.eval=reject,override=local_policy,"
            "arc_aware_result=fail) header.from=a.test"
        ),
    ),
    "milter forwarder": (
        NONE,
        (
            "dmarc=fail policy.published-domain-policy=reject policy.applied-disposition=none"
            " policy.override-reason=trusted_forwarder header.from=a.test"
        ),
    ),
    "milter arc": (
        NONE,
        (
            "dmarc=fail policy.published-domain-policy=reject policy.applied-disposition=none"
            " policy.arc-aware-result=pass"
            " (p=reject,d=none,arc_aware_result=pass) header.from=a.test"
        ),
    ),
    "milter old, list": (
        NONE,
        "dmarc=fail (p=reject,has-list-id=yes,d=none) header.from=a.test",
    ),
    "milter old, list that it rejects": (
        FORGED,
        "dmarc=fail (p=reject,has-list-id=yes,d=reject) header.from=a.test",
    ),
    "milter sampled out": (
        DOUBTFUL,
        (
            "dmarc=fail policy.published-domain-policy=reject policy.applied-disposition=none"
            " policy.evaluated-disposition=none header.from=a.test"
        ),
    ),
    "milter subdomain": (
        FORGED,
        (
            "dmarc=fail policy.published-domain-policy=none"
            " policy.published-subdomain-policy=reject"
            " policy.policy-from=sp header.from=a.test"
        ),
    ),
    # rspamd (also Mailcow): the policy in a comment at the end.
    "rspamd reject": (
        FORGED,
        (
            'dmarc=fail reason="SPF not aligned (relaxed), No valid DKIM" header.from=a.test'
            " (policy=reject)"
        ),
    ),
    "rspamd quarantine with an arc chain": (
        FORGED,
        (
            'dmarc=fail reason="SPF not aligned (relaxed)" header.from=a.test (policy=quarantine);'
            ' arc=pass ("lists.example:s=arc-20240116:i=1")'
        ),
    ),
    "rspamd none": (
        DOUBTFUL,
        'dmarc=fail reason="No valid SPF; No valid DKIM" header.from=a.test (policy=none)',
    ),
    # Gmail
    "gmail reject": (FORGED, "dmarc=fail (p=REJECT sp=REJECT dis=REJECT) header.from=a.test"),
    "gmail quarantine": (
        FORGED,
        "dmarc=fail (p=QUARANTINE sp=QUARANTINE dis=QUARANTINE) header.from=a.test",
    ),
    "gmail none": (DOUBTFUL, "dmarc=fail (p=NONE sp=QUARANTINE dis=NONE) header.from=a.test"),
    "gmail none, two labels of a country": (
        DOUBTFUL,
        "dmarc=fail (p=NONE sp=REJECT dis=NONE) header.from=a.co.uk",
    ),
    "gmail subdomain": (
        FORGED,
        "dmarc=fail (p=NONE sp=QUARANTINE dis=QUARANTINE) header.from=sub.a.test",
    ),
    "gmail arc": (
        NONE,
        (
            "arc=pass (i=1 spf=pass dkim=pass dmarc=pass fromdomain=a.example);"
            " dmarc=fail (p=REJECT sp=REJECT dis=NONE) header.from=a.test"
        ),
    ),
    # Microsoft: what it did, and where it does not say so the policy.
    "microsoft oreject": (
        FORGED,
        (
            "spf=fail (sender IP is 192.0.2.1) smtp.mailfrom=a.test; dkim=none (message not signed)"
            " header.d=none;dmarc=fail action=oreject header.from=a.test;compauth=fail reason=000"
        ),
    ),
    "microsoft quarantine": (FORGED, "dmarc=fail action=quarantine header.from=a.test"),
    "microsoft sampled": (FORGED, "dmarc=fail action=pct.quarantine header.from=a.test"),
    "microsoft none": (DOUBTFUL, "dmarc=fail action=none header.from=a.test"),
    "microsoft with policy": (
        FORGED,
        "dmarc=fail (p=reject sp=reject pct=100) action=oreject header.from=a.test",
    ),
    "microsoft best guess": (NONE, "dmarc=bestguesspass action=none header.from=a.test"),
    # Stalwart
    "stalwart reject": (FORGED, "dmarc=fail header.from=a.test policy.dmarc=reject"),
    "stalwart none": (
        DOUBTFUL,
        (
            "dkim=fail; arc=pass; dmarc=fail (Used From Domain Record) header.from=a.test"
            " policy.dmarc=none"
        ),
    ),
    "stalwart with an arc chain": (
        FORGED,
        "arc=pass; dmarc=fail header.from=a.test policy.dmarc=reject",
    ),
    # Exim, Yahoo, and servers that state no policy
    "exim": (FORGED, "dmarc=fail header.from=a.test"),
    "yahoo": (FORGED, "dmarc=fail(p=REJECT) header.from=a.test"),
    "a broken record": (NONE, "dmarc=permerror header.from=a.test"),
    "no answer": (NONE, "dmarc=temperror header.from=a.test"),
    # Amavis and the policy daemon for SPF do not speak of DMARC.
    "amavis": (NONE, 'dkim=fail (1024-bit key) reason="invalid" header.d=a.example'),
    "policyd-spf": (NONE, "spf=softfail (mailfrom) smtp.mailfrom=a.example"),
    # A reason without a disposition counts, one that was not acted on does not.
    "forwarded": (NONE, "dmarc=fail (p=reject override=forwarded) header.from=a.test"),
    "not overridden": (FORGED, "dmarc=fail (p=reject override=none) header.from=a.test"),
    "none, but quarantined": (FORGED, "dmarc=fail (p=none dis=quarantine) header.from=a.test"),
}


@pytest.mark.parametrize(("opinion", "results"), DIALECTS.values(), ids=DIALECTS)
def test_dialects(opinion: Opinion, results: str) -> None:
    assert opinion_on_from([f" {OURS}; {results}"], OURS) is opinion
    folded = results.replace("; ", ";\r\n\t").replace(" header.from", "\r\n\theader.from")
    assert opinion_on_from([f" {OURS} 1;\r\n\tspf=none;\r\n\t{folded}"], OURS) is opinion


@pytest.mark.parametrize(
    "field",
    [
        FAIL,
        " MX.EXAMPLE.COM; dmarc=fail header.from=bank.example",
        " mx.example.com.; dmarc=fail header.from=bank.example",
        " mx.example.com; dmarc/1=fail header.from=bank.example",
        " mx.example.com 1; spf/1=pass; dmarc / 1 = fail (p=reject)",
        " mx.example.com 1; dmarc=fail",
        ' "mx.example.com"; dmarc=fail',
        " (it (is) us) mx.example.com (version) 1; dmarc=fail",
        " mx.example.com (amavisd-new); dmarc=fail",
        "\r\n mx.example.com;\r\n\tspf=pass smtp.mailfrom=x.test;\r\n\tdmarc=fail\r\n (p=reject)",
        " mx.example.com; x-odd=pass policy.odd=1; dmarc=fail; bimi=skipped",
        " mx.example.com; dmarc=FAIL",
        " mx.example.com (it (is) us); dmarc (we think)=fail",
        " mx.example.com; spf=pass smtp.helo=[1.2.3.4]; dmarc=fail header.from=x.test",
        " mx.example.com; spf=none smtp.mailfrom=<>; dmarc=fail header.from=x.test",
        " mx.example.com; spf=none smtp.mailfrom=a(b@x; dmarc=fail header.from=x.test",
        " mx.example.com; spf=none smtp.mailfrom=a(b@x; dmarc=fail (p=reject) header.from=x.test",
        ' mx.example.com; spf=none smtp.helo="; dmarc=fail (p=reject) header.from=x.test',
        ' mx.example.com; spf=none smtp.mailfrom="; arc=pass "@x; dmarc=fail (p=reject dis=none)',
        ' mx.example.com; dkim=pass reason="; dmarc=fail"',
        " mx.example.com; dmarc=fail header.from=b\u00fccher.example",
        " mx.example.com; dmarc=fail header.from=x.test;",
    ],
)
def test_our_server_says_that_it_is_forged(field: str) -> None:
    assert opinion_on_from([field], OURS) is FORGED


@pytest.mark.parametrize(
    "field",
    [
        PASS,
        " mx.example.com; none",
        " mx.example.com; spf=fail; dkim=fail",
        " mx.example.com; dkim=fail (dmarc=fail); spf=pass",
        " other.example; dmarc=fail",
        " mx.example.com.evil.example; dmarc=fail",
        " sub.mx.example.com; dmarc=fail",
        ' "mx.example.com.evil.example"; dmarc=fail',
        " (mx.example.com) evil.example; dmarc=fail",
        " mx.example.com=evil; dmarc=fail",
        " spf=fail (mx.example.com); dmarc=fail action=none",
        "",
        " ;;; ((",
        f" {OURS}; dmarc=fail " + "(x) " * 10_000,
        " " + "(" * 5_000,
    ],
)
def test_nothing_of_that(field: str) -> None:
    assert opinion_on_from([field], OURS) is NONE


def test_nobody_is_believed_unless_named() -> None:
    assert opinion_on_from([FAIL], "") is NONE


def test_all_fields_of_our_server_count_wherever_they_stand() -> None:
    amavis = f" {OURS} (amavisd-new); dkim=pass header.d=x.example"
    doubtful = f" {OURS}; dmarc=fail (p=none dis=none)"

    assert opinion_on_from([amavis, FAIL], OURS) is FORGED
    assert opinion_on_from([PASS, FAIL], OURS) is FORGED
    assert opinion_on_from([FAIL, PASS], OURS) is FORGED
    assert opinion_on_from([" other.example; dmarc=pass", PASS, FAIL], OURS) is FORGED
    assert opinion_on_from([doubtful, FAIL], OURS) is FORGED
    assert opinion_on_from([PASS, doubtful], OURS) is DOUBTFUL
    assert opinion_on_from([" broken ((", FAIL], OURS) is FORGED


def test_a_field_that_the_sender_put_below_ours_excuses_nothing() -> None:
    failure = f" {OURS}; dmarc=fail (p=reject dis=none) header.from=bank.example"
    chain = f" {OURS}; arc=pass"

    assert opinion_on_from([chain, failure], OURS) is NONE
    assert opinion_on_from([failure, chain], OURS) is FORGED
    assert opinion_on_from([" other.example; arc=pass", failure], OURS) is FORGED


def test_any_host_of_a_domain() -> None:
    field = " phl-mx-05.messagingengine.com; dmarc=fail"
    assert opinion_on_from([field], "*.messagingengine.com") is FORGED
    assert opinion_on_from([field], "*.engine.com") is NONE
    evil = " evilmessagingengine.com; dmarc=fail"
    assert opinion_on_from([evil], "*.messagingengine.com") is NONE


@given(st.lists(st.text(), max_size=3))
def test_no_field_is_too_odd(fields: list[str]) -> None:
    assert opinion_on_from(fields, OURS) is NONE


@given(st.text(alphabet='mx.example;= \r\n\t()"\\dmarcfilps1', max_size=60))
def test_no_field_of_our_server_is_too_odd(rest: str) -> None:
    assert opinion_on_from([f" {OURS};{rest}"], OURS) in Opinion
