"""The pages that show the account and change nothing."""

from collections.abc import Sequence
from typing import Final, TypeVar

from aiohttp import web

from mailroom.web.context import access_of, html, local_path, page_of
from mailroom.web.model import Waiting
from mailroom.web.options import Access

_ROWS_ON_A_PAGE: Final = 50
"""The largest number of rows on one page."""
_MOST_DIGITS: Final = 6

T = TypeVar("T")


async def waiting(request: web.Request) -> web.StreamResponse:
    """Show the subjects that wait."""
    access = access_of(request)
    shown = await access.account.waiting()
    if shown.is_first_use and not request.query:
        raise web.HTTPSeeOther("/suggest")
    return _waiting(request, "waiting.html", access, shown)


async def rows(request: web.Request) -> web.StreamResponse:
    """Return the list of waiting subjects without the page around it, for the script."""
    access = access_of(request)
    return _waiting(request, "_rows.html", access, await access.account.waiting())


def _waiting(
    request: web.Request, template: str, access: Access, shown: Waiting
) -> web.StreamResponse:
    search = request.query.get("search", "").strip()
    matching = []
    for row in shown.rows:
        texts = (row.name, row.address, row.who, row.subject_line, row.alias)
        if any(search.casefold() in text.casefold() for text in texts):
            matching.append(row)
    part, number, pages = _part(matching, request)
    # The script puts these rows into the page at "/", so their forms must return there.
    query = request.path_qs.removeprefix("/rows").removeprefix("/")
    page = page_of(
        request,
        "Waiting",
        "waiting",
        access=access,
        waiting_count=len(shown.rows),
        return_to=local_path(f"/{query}"),
    )
    return html(
        template,
        page=page,
        waiting=shown,
        rows=part,
        page_number=number,
        pages=pages,
        search=search,
    )


def _part(all_rows: Sequence[T], request: web.Request) -> tuple[Sequence[T], int, int]:
    """Return the rows on the requested page, the page's number, and the number of pages."""
    pages = max(1, -(-len(all_rows) // _ROWS_ON_A_PAGE))
    wanted = request.query.get("page", "1")
    is_number = wanted.isascii() and wanted.isdigit() and len(wanted) <= _MOST_DIGITS
    number = min(max(int(wanted), 1), pages) if is_number else 1
    return all_rows[(number - 1) * _ROWS_ON_A_PAGE : number * _ROWS_ON_A_PAGE], number, pages


async def decided(request: web.Request) -> web.StreamResponse:
    """Show the decisions."""
    access = access_of(request)
    category, search = request.query.get("category", ""), request.query.get("search", "").strip()
    decisions = await access.account.decided(category=category, search=search)
    part, number, pages = _part(decisions, request)
    return html(
        "decided.html",
        page=page_of(request, "Decided", "decided", access=access),
        rows=part,
        categories=[answer.name for answer in access.account.answers[:-1]],
        category=category,
        search=search,
        page_number=number,
        pages=pages,
    )


async def subject(request: web.Request) -> web.StreamResponse:
    """Show the contacts, decisions and mail of a subject."""
    access = access_of(request)
    shown = await access.account.subject(request.query.get("who", ""))
    page = page_of(request, shown.name or shown.who, access=access)
    return html("subject.html", page=page, subject=shown)


async def suggest(request: web.Request) -> web.StreamResponse:
    """Show the proposals, or the progress of reading the mail for them."""
    access = access_of(request)
    suggestions = await access.account.suggestions()
    page = page_of(request, "Suggestions", "suggest", access=access)
    return html("suggest.html", page=page, suggestions=suggestions)


async def clear(request: web.Request) -> web.StreamResponse:
    """Show the number of mails that a clearing would move."""
    access = access_of(request)
    older = request.query.get("older", "30d")
    page = page_of(request, "Clear", "waiting", access=access)
    cleared = await access.account.survey(older)
    return html("clear.html", page=page, older=older, cleared=cleared, done=False)


async def offline(_request: web.Request) -> web.StreamResponse:
    """Return the page that the service worker shows when Mailroom cannot be reached."""
    response = html("offline.html")
    response.headers["Cache-Control"] = "max-age=86400"
    return response
