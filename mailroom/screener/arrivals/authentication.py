"""The opinion of the user's own mail server on a mail's From (RFC 8601, RFC 7489). Pure.

Anybody can write an Authentication-Results field into a mail. Only fields with the name of the
user's server (its authserv-id) are believed. All fields with that name count, wherever they are in
the header, because one host may write several: a filter for DKIM, another for DMARC.

A stranger may have added a field under that name. Such a field can make a mail look worse, but not
better. It is below the server's fields, because servers put their fields on top. An excuse for a
failure counts only in the field that reports the failure, or above that field.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Final

from authres import (  # type: ignore[import-untyped]  # has no annotations
    AuthenticationResult,
    AuthenticationResultsHeader,
    AuthResError,
)

from mailroom.http.domains import registrable_domain

_NAME: Final = "Authentication-Results:"
_LONGEST: Final = 16_384
"""Characters. Longer fields are ignored: no trusted server writes them."""
_WHOLE_DOMAIN: Final = "*."
_AUTHSERV_ID: Final = re.compile(r'(?:"([^"\\]*)"|([^\s;()"=]+))(?=[\s;]|$)')
_FAILURE: Final = re.compile(r"(?i);\s*dmarc\s*(?:/\s*\d+\s*)?=\s*fail\b")
"""A method may have a version: ``dmarc/1=fail`` (RFC 8601 section 2.2)."""
_FACT: Final = re.compile(r"(?i)([a-z][a-z0-9._-]*)\s*=\s*([a-z0-9._-]+)")
"""A fact in a field, such as ``p=reject``."""
_PART: Final = re.compile(r'"(?:[^"\\]|\\.)*"|\\.|[();]|[^"\\();]+|"', re.DOTALL)
"""A part of a field: a quoted string, an escaped character, a bracket, a semicolon, other text."""

_AGAINST_FORGERY: Final = frozenset({"quarantine", "reject"})
"""Dispositions of forged mail, as a domain asks for them and as a server applies them."""
_POLICIES: Final = _AGAINST_FORGERY | {"none"}

# The names of one fact in the dialects of several programs. Properties come before the short forms
# in comments, because the two do not always agree, and the properties are the newer form.
_EVALUATED: Final = ("policy.evaluated-disposition", "d.eval")
_DOMAIN_POLICY: Final = ("policy.published-domain-policy", "policy.dmarc", "p", "policy")
_SUBDOMAIN_POLICY: Final = ("policy.published-subdomain-policy", "sp")
_APPLIED: Final = ("policy.applied-disposition", "d", "dis", "action")
_OVERRIDE: Final = ("policy.override-reason", "override")
_WITH_ARC: Final = ("policy.arc-aware-result", "arc_aware_result")
_ACTION: Final = "action"


class Opinion(StrEnum):
    """The server's opinion on a From, the worst first.

    FORGED: the check failed. DOUBTFUL: the check failed, but the domain in From asks receivers for
    nothing (its policy is ``none``), and the server took no action. NONE: the check did not fail,
    or the server let the mail through for a reason.
    """

    FORGED = "forged"
    DOUBTFUL = "doubtful"
    NONE = "none"


def opinion_on_from(fields: Iterable[str], authserv_id: str) -> Opinion:
    """Return the worst opinion that the server states in any of its fields.

    Args:
        fields: the raw value of every Authentication-Results field, the topmost first.
        authserv_id: the server's name; ``*.example.com`` is any host of a domain; empty: no field
            is believed.
    """
    if not authserv_id:
        return Opinion.NONE
    opinions, passes_arc = set[Opinion](), False
    for field in fields:
        if len(field) <= _LONGEST and _is_by(field, authserv_id):
            # True from the first field in which the server found a valid ARC chain (RFC 8617).
            passes_arc = passes_arc or any(
                (result.method, result.result) == ("arc", "pass") for result in _results(field)
            )
            opinions |= {_opinion(facts, passes_arc=passes_arc) for facts in _failures(field)}
    return min(opinions, key=list(Opinion).index, default=Opinion.NONE)


def confirms_from(fields: Iterable[str], authserv_id: str, domain: str) -> bool:
    """Return True if the server confirms that a mail is from the domain in its From.

    The topmost field of the server must report that DMARC passed, and no field of the server may
    report that DMARC failed. A field further down may be a stranger's, because not every server
    removes fields that bear its name.

    Args:
        fields: the raw value of every Authentication-Results field, the topmost first.
        authserv_id: the server's name, as for :func:`opinion_on_from`.
        domain: the domain in From, in ASCII.
    """
    own = [
        field
        for field in fields
        if authserv_id and len(field) <= _LONGEST and _is_by(field, authserv_id)
    ]
    if not own or any(True for field in own for _ in _failures(field)):
        return False
    results = [result for result in _results(own[0]) if result.method == "dmarc"]
    domains = {
        entry.value.lower()
        for result in results
        for entry in result.properties
        if (entry.type, entry.name) == ("header", "from")
    }
    return {result.result for result in results} == {"pass"} and domains <= {domain}


def _is_by(field: str, authserv_id: str) -> bool:
    """Return True if a field starts, after comments, with the authserv-id of the user's server."""
    match = _AUTHSERV_ID.match(_without_comments(field).lstrip())
    server = "" if match is None else match[1] or match[2] or ""
    server, expected = server.lower().rstrip("."), authserv_id.lower().rstrip(".")
    if expected.startswith(_WHOLE_DOMAIN):
        return server.endswith(expected.removeprefix("*"))
    return server == expected


def _failures(field: str) -> Iterator[Mapping[str, str]]:
    """Yield, for each ``dmarc=fail`` in a field, the facts that belong to this result.

    A fact has the form ``name=value``, and is a property of the result or in one of its comments.

    Servers copy a sender's words (for example HELO) into the field unchanged, so a bracket or quote
    in them may hide the rest of the field from a reader that follows the grammar. So failures are
    searched for both inside and outside of comments.
    """
    texts = (field, _without_comments(field))
    ends = {match.end() for text in texts for match in _FAILURE.finditer(text)}
    for end in sorted(ends):
        # The result ends at the next semicolon outside comments. Quoted strings are left out.
        kept, depth = list[str](), 0
        for part in _PART.findall(field[end:]):
            depth = max(0, depth + {"(": 1, ")": -1}.get(part, 0))
            if part == ";" and not depth:
                break
            kept.append(" " if part.startswith('"') else part)
        facts: dict[str, str] = {}
        for name, value in _FACT.findall("".join(kept).lower()):
            facts.setdefault(name, value)
        yield facts


def _without_comments(text: str) -> str:
    """Replace comments (RFC 5322 section 3.2.2), which may be nested, by blanks."""
    kept, depth = list[str](), 0
    for part in _PART.findall(text):
        is_outside = not depth and part not in "()"
        depth = max(0, depth + {"(": 1, ")": -1}.get(part, 0))
        kept.append(part if is_outside else " " * len(part))
    return "".join(kept)


def _opinion(facts: Mapping[str, str], *, passes_arc: bool) -> Opinion:
    """Judge one ``dmarc=fail`` by the domain's policy and the server's disposition."""
    applied = _first(facts, _APPLIED)
    if applied in _AGAINST_FORGERY:
        return Opinion.FORGED
    # The server may have let the mail through for a reason that it names. Taking no action is no
    # reason: some filters never act, and say so in every field. An ARC chain alone is no reason
    # either, because anybody can seal one.
    override = _first(facts, _OVERRIDE)
    names_reason = _first(facts, _WITH_ARC) == "pass" or override not in {"", "none"}
    has_excuse = passes_arc or facts.get("has-list-id") == "yes"
    if names_reason or (applied == "none" and has_excuse):
        return Opinion.NONE
    return Opinion.DOUBTFUL if _policy(facts) == "none" else Opinion.FORGED


def _policy(facts: Mapping[str, str]) -> str:
    """Return the policy of the domain in From, as far as the server states it; else ""."""
    # A disposition from before any override is exact: it takes account of ``pct`` and subdomains.
    if (evaluated := _first(facts, _EVALUATED)) in _POLICIES:
        return evaluated
    policy, for_subdomains = _first(facts, _DOMAIN_POLICY), _first(facts, _SUBDOMAIN_POLICY)
    if for_subdomains in _POLICIES:
        domain = facts.get("header.from", "")
        if source := facts.get("policy.policy-from"):
            is_subdomain = source == "sp"
        else:
            registered = registrable_domain(domain, under_any_suffix=True) if domain else ""
            is_subdomain = domain != (registered or domain)
        policy = for_subdomains if is_subdomain else policy
    if policy in _POLICIES:
        return policy
    # Microsoft names no policy, but says ``action=none`` where the domain asks for nothing.
    return "none" if facts.get(_ACTION) == "none" else ""


def _first(facts: Mapping[str, str], names: Iterable[str]) -> str:
    return next((facts[name] for name in names if name in facts), "")


def _results(field: str) -> Sequence[AuthenticationResult]:
    """Return the results in a field.

    The field is read strictly, so that a sender's words are not taken for a result.
    """
    try:
        header = AuthenticationResultsHeader.parse(f"{_NAME} {_without_comments(field).strip()}")
    except (AuthResError, RecursionError):
        return ()
    return header.results or ()
