"""The context of a request: the account that the request may see, and the values of every page."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from aiohttp import web
from itsdangerous import BadData, URLSafeTimedSerializer
from yarl import URL

from mailroom.web.authentication import Authenticator
from mailroom.web.model import Answer, Outcome
from mailroom.web.notice_links import LinkSigner
from mailroom.web.options import Access
from mailroom.web.render import render
from mailroom.web.security import is_by_script
from mailroom.web.text import clean

AUTHENTICATOR: Final = web.AppKey("authenticator", Authenticator)
LINK_SIGNERS: Final = web.AppKey("link_signers", list[tuple[Access, LinkSigner]])
"""The accounts, each with the signer of the links in its notices."""
OUTCOME_SIGNER: Final = web.AppKey("outcome_signer", URLSafeTimedSerializer)
"""The signer of the outcomes that a page shows after a plain form was sent."""
_OUTCOMES_AGE: Final = 600
"""Seconds for which a page shows the outcomes in its path. Somebody may come back to the path later
(the back button, a bookmark), and must not see old outcomes then."""
_LONGEST_PATH: Final = 2000
"""The largest number of characters in a path to return to; proxies refuse heads over 8 KB."""
_LONGEST_OUTCOMES: Final = 3000
"""The largest number of characters of the signed outcomes in a path."""
_MOST_SHOWN: Final = 20
"""The largest number of outcomes in a path."""
_LONGEST_FAILURE: Final = 300
"""The largest number of characters of the reason for a failure in a path."""
_DONE: Final = "done"
_START: Final = "/"


@dataclass(frozen=True, slots=True)
class Page:
    """The values that every page shows.

    Attributes:
        title: the title.
        current: the part of the page: ``waiting``, ``decided``, ``suggest``, or empty.
        account: the name of the account if there are several; else empty.
        waiting_count: the number of waiting subjects; None if it is not known.
        signed_in: True if somebody is signed in.
        can_sign_out: True if a person signed in with a password.
        answers: all answers, the last of which is spam.
        row_answers: the answers that stand in each row.
        return_to: the path of this page, to which its forms redirect.
        done: the outcomes of the form that was sent before.
    """

    title: str
    current: str = ""
    account: str = ""
    waiting_count: int | None = None
    signed_in: bool = False
    can_sign_out: bool = False
    answers: Sequence[Answer] = ()
    row_answers: Sequence[Answer] = ()
    return_to: str = _START
    done: Sequence[Outcome] = field(default_factory=tuple)


def access_of(request: web.Request) -> Access:
    """Return the access of the sender of a request.

    Raises:
        HTTPException: nobody is signed in. Pages redirect to the sign-in; the script gets 401.
    """
    access = request.app[AUTHENTICATOR].access_of(request)
    if access is not None:
        return access
    if is_by_script(request) or request.path == "/events":
        raise web.HTTPUnauthorized(text="Sign in first.")
    raise web.HTTPSeeOther(sign_in_path(request.path_qs if request.method == "GET" else _START))


def sign_in_path(return_to: str) -> str:
    """Return the path of the sign-in that leads back to a path."""
    return str(URL("/sign-in").with_query(return_to=local_path(return_to)))


def local_path(text: str) -> str:
    """Return a path on this site without its outcomes; for any other text the path "/"."""
    if not text.startswith("/") or text.startswith(("//", "/\\")) or not text.isprintable():
        return _START
    try:
        url = URL(text)
    except ValueError:
        return _START
    path = str(url.without_query_params(_DONE))
    # The path becomes a part of a header, and proxies limit the length of headers.
    return _START if url.is_absolute() or len(path) > _LONGEST_PATH else path


def back_to(request: web.Request, access: Access, return_to: str, done: Sequence[Outcome]) -> str:
    """Return the path of a page that shows outcomes above its content, the failures first.

    Outcomes that do not fit into the path are left out.
    """
    shown = sorted(done, key=lambda outcome: not outcome.failure)[:_MOST_SHOWN]
    fields = [
        {**asdict(outcome), "failure": clean(outcome.failure, _LONGEST_FAILURE), "data": {}}
        for outcome in shown
    ]
    signer, salt = request.app[OUTCOME_SIGNER], _salt_of(access)
    while len(signed := str(signer.dumps(fields, salt=salt))) > _LONGEST_OUTCOMES:
        fields.pop()
    return str(URL(local_path(return_to)).update_query({_DONE: signed}))


def _salt_of(access: Access) -> str:
    """Return the salt for an account's outcomes, so that no other account shows these outcomes."""
    return f"mailroom.outcomes.{access.account.name}"


def page_of(
    request: web.Request,
    title: str,
    current: str = "",
    *,
    access: Access | None = None,
    waiting_count: int | None = None,
    return_to: str = "",
) -> Page:
    """Return the values that every page shows, for a request."""
    outcomes: tuple[Outcome, ...] = ()
    if access is not None:
        # The outcomes of the form that was sent before. They are signed, so that no link of a
        # stranger can show an outcome that is not true.
        with suppress(BadData):
            fields = request.app[OUTCOME_SIGNER].loads(
                request.query.get(_DONE, ""), max_age=_OUTCOMES_AGE, salt=_salt_of(access)
            )
            outcomes = tuple(
                Outcome(**{**outcome, "before": tuple(outcome["before"])}) for outcome in fields
            )
    return Page(
        title=title,
        current=current,
        account=access.account.name if access else "",
        waiting_count=waiting_count,
        signed_in=access is not None,
        can_sign_out=request.app[AUTHENTICATOR].can_sign_out(request),
        answers=access.account.answers if access else (),
        row_answers=access.row_answers if access else (),
        return_to=return_to or local_path(request.path_qs),
        done=outcomes,
    )


def html(template: str, *, code: int = 200, **context: Any) -> web.Response:
    """Return a page, or a part of one, as a response with a status code."""
    text = render(template, **context)
    # JSON of a mail server may contain lone surrogates, which UTF-8 cannot encode.
    body = text.encode(errors="replace")
    return web.Response(body=body, status=code, content_type="text/html", charset="utf-8")
