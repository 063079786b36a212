"""The links of notices: a page with the question, and the request that decides.

A link is a capability: its signature replaces the sign-in, and the link shows and decides its own
question only. Opening a link changes nothing, because link scanners and previews open links, too.
"""

from http import HTTPStatus
from typing import Final

from aiohttp import web

from mailroom.web.context import LINK_SIGNERS, html, page_of
from mailroom.web.model import Choice
from mailroom.web.notice_links import ExpiredLinkError, InvalidLinkError
from mailroom.web.options import Access
from mailroom.web.question import LinkState

_STATUSES: Final = {
    LinkState.OPEN: HTTPStatus.OK,
    LinkState.DONE: HTTPStatus.OK,
    LinkState.DECIDED: HTTPStatus.CONFLICT,
    LinkState.USED: HTTPStatus.GONE,
    LinkState.GONE: HTTPStatus.GONE,
}
_FOR_APPS: Final = {"Access-Control-Allow-Origin": "*"}
"""The web app of ntfy is on another site, and shows a failure if it may not read the response. With
``*``, browsers let a site read only responses to requests without cookies. Such a response shows
nothing but the question of the link, which the site has."""


async def show(request: web.Request) -> web.StreamResponse:
    """Show the question of a link, and change nothing."""
    access, choice = _read_link(request)
    question = await access.account.question(choice)
    page = page_of(request, "Decide")
    return html("notice.html", page=page, question=question, outcome=None)


async def decide(request: web.Request) -> web.StreamResponse:
    """Decide as the link says, if nobody has decided meanwhile."""
    access, choice = _read_link(request)
    question, outcome = await access.account.answer_notice(choice)
    code = _STATUSES[question.state]
    if outcome is not None and outcome.failure:
        code = HTTPStatus.UNPROCESSABLE_ENTITY
    page = page_of(request, "Decide")
    response = html("notice.html", code=code, page=page, question=question, outcome=outcome)
    response.headers.update(_FOR_APPS)
    return response


def _read_link(request: web.Request) -> tuple[Access, Choice]:
    """Return the account of a link, and the choice that the link makes.

    Raises:
        HTTPException: the link is not valid, or too old.
    """
    signed = request.match_info["link"]
    for access, signer in request.app[LINK_SIGNERS]:
        try:
            link = signer.read(signed)
        except ExpiredLinkError:
            text = "A link of a notice works for three days. Decide on the page."
            raise web.HTTPGone(text=text) from None
        except InvalidLinkError:
            continue
        return access, Choice(link.who, link.category, mail_id=link.mail_id)
    raise web.HTTPForbidden(
        text="This link is not valid, or not any more: Mailroom's password or token was changed, or"
        " Mailroom was started again without either."
    )
