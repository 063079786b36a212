"""The forms of the page: their changes, and the responses to them.

The page's script receives a part of a page. A plain form is redirected to the page that contains
the form, and that page then shows the outcome.
"""

from collections.abc import Sequence
from typing import Final

from aiohttp import web
from multidict import MultiDict

from mailroom.web.context import access_of, back_to, html, local_path, page_of
from mailroom.web.forms import read_form, text_of
from mailroom.web.model import Choice, Outcome, RefusedError, Scope
from mailroom.web.options import Access
from mailroom.web.security import is_by_script

_DECISIONS: Final = "/decided"


async def decide(request: web.Request) -> web.StreamResponse:
    """Decide on the subjects of one or more rows."""
    access, form = access_of(request), await read_form(request)
    # A field is "Mdf120 ann@loom.example": the id of the row's newest mail, and the subject. The id
    # is empty in a form that decides on any subject, waiting or not.
    rows = [row.partition(" ") for row in form.getall("row", [])]
    if not rows:
        raise RefusedError("no row was chosen")
    try:
        scope = Scope(form.get("scope", Scope.SUBJECT.value))
    except ValueError:
        raise RefusedError("there is no such scope") from None
    answer, mark_read = text_of(form, "answer"), form.get("mark_read") == "on"
    choices = [
        Choice(who, answer, scope=scope, mark_read=mark_read, mail_id=mail_id)
        for mail_id, _, who in rows
    ]
    outcomes = await access.account.decide(choices)
    row_ids = [choice.mail_id for choice in choices]
    return _respond(request, access, form, list(zip(row_ids, outcomes, strict=True)))


async def undo(request: web.Request) -> web.StreamResponse:
    """Undo a decision."""
    access, form = access_of(request), await read_form(request)
    outcome = await access.account.undo(text_of(form, "who"), category=form.get("category", ""))
    return _respond(request, access, form, [(form.get("row", ""), outcome)])


async def let_in(request: web.Request) -> web.StreamResponse:
    """Let one mail into the Inbox without a decision."""
    access, form = access_of(request), await read_form(request)
    mail_id, who = text_of(form, "mail"), form.get("who", "")
    await access.account.let_in(mail_id)
    outcome = Outcome(who, "", mails=1, let_in=mail_id)
    return _respond(request, access, form, [(form.get("row", mail_id), outcome)])


async def send_back(request: web.Request) -> web.StreamResponse:
    """Move a mail that was let in back to the Screener."""
    access, form = access_of(request), await read_form(request)
    mail_id, who = text_of(form, "mail"), form.get("who", "")
    await access.account.send_back(mail_id)
    return _respond(request, access, form, [(form.get("row", mail_id), Outcome(who, "", mails=1))])


def _respond(
    request: web.Request,
    access: Access,
    form: MultiDict[str],
    outcomes: Sequence[tuple[str, Outcome]],
) -> web.StreamResponse:
    """Return the response with outcomes, each with the id of its row."""
    return_to = local_path(form.get("return_to", "/"))
    if is_by_script(request):
        page = page_of(request, "", access=access, return_to=return_to)
        return html("_outcomes.html", outcomes=outcomes, page=page)
    shown = [outcome for _, outcome in outcomes]
    raise web.HTTPSeeOther(back_to(request, access, return_to, shown))


async def suggest(request: web.Request) -> web.StreamResponse:
    """Decide on the ticked proposals, each with the category that is chosen for it."""
    access, form = access_of(request), await read_form(request)
    choices = list[Choice]()
    for who in dict.fromkeys(form.getall("tick", [])):
        category = form.get(f"category:{who}", "")
        if not category:
            raise RefusedError(f"no category was chosen for {who}; nothing was decided")
        choices.append(Choice(who, category))
    if not choices:
        raise RefusedError("no sender was ticked; nothing was decided")
    outcomes = await access.account.decide(choices)
    failed = [outcome for outcome in outcomes if outcome.failure]
    # The list of decisions shows the new decisions first, so only failures are shown above it.
    raise web.HTTPSeeOther(back_to(request, access, _DECISIONS, failed))


async def clear(request: web.Request) -> web.StreamResponse:
    """Archive waiting mail without a decision."""
    access, form = access_of(request), await read_form(request)
    older = form.get("older")
    if older is None:  # an empty age means any age, so a missing age is refused
        raise web.HTTPBadRequest(text="'older' is missing.")
    cleared = await access.account.clear(older)
    page = page_of(request, "Clear", "waiting", access=access)
    return html("clear.html", page=page, older=older, cleared=cleared, done=True)
