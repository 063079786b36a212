"""The sign-in: the page, its form, and signing out."""

from aiohttp import web

from mailroom.web.authentication import WaitError
from mailroom.web.context import AUTHENTICATOR, html, local_path, page_of, sign_in_path
from mailroom.web.forms import read_form

_CHECK = "check"
"""The query parameter of the address to which a sign-in leads. A browser that asks for this address
without being signed in did not keep the cookie."""


async def show(request: web.Request) -> web.StreamResponse:
    """Show the form; redirect a person who is signed in already to the page."""
    authenticator = request.app[AUTHENTICATOR]
    if authenticator.access_of(request) is not None:
        raise web.HTTPSeeOther(local_path(request.query.get("return_to", "/")))
    if not authenticator.has_passwords:
        raise web.HTTPForbidden(
            text="The proxy in front of Mailroom named no user who may see this page."
        )
    return _form(request, needs_https=_CHECK in request.query)


async def sign_in(request: web.Request) -> web.StreamResponse:
    """Check a password, and keep the person signed in."""
    authenticator, form = request.app[AUTHENTICATOR], await read_form(request)
    return_to = local_path(form.get("return_to", "/"))
    try:
        access = authenticator.sign_in(request, form.get("account", ""), form.get("password", ""))
    except WaitError as error:
        response = _form(request, return_to=return_to, retry_after=error.seconds, code=429)
        response.headers["Retry-After"] = str(error.seconds)
        return response
    if access is None:
        return _form(request, return_to=return_to, failed=True, code=403)
    response = web.Response(
        status=303, headers={"Location": f"{sign_in_path(return_to)}&{_CHECK}=1"}
    )
    authenticator.set_cookie(response, access)
    return response


async def sign_out(request: web.Request) -> web.StreamResponse:
    """Sign a person out."""
    response = web.Response(status=303, headers={"Location": sign_in_path("/")})
    request.app[AUTHENTICATOR].remove_cookie(response)
    return response


def _form(
    request: web.Request,
    *,
    return_to: str = "",
    needs_https: bool = False,
    failed: bool = False,
    retry_after: int = 0,
    code: int = 200,
) -> web.Response:
    return html(
        "sign_in.html",
        code=code,
        page=page_of(
            request,
            "Sign in",
            return_to=return_to or local_path(request.query.get("return_to", "/")),
        ),
        accounts=request.app[AUTHENTICATOR].account_names,
        needs_https=needs_https,
        failed=failed,
        retry_after=retry_after,
    )
