"""The server of an account's notices, and the links in them, by the account's settings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from yarl import URL

from mailroom.admin.answers import answers_of
from mailroom.http import HttpClient, open_session, tls_for
from mailroom.notices.client import NoticeClient
from mailroom.notices.formats import MOST_BUTTONS
from mailroom.notices.notice import Button, Composer, NewSender
from mailroom.settings.model import Settings
from mailroom.web.notice_links import LinkSigner, NoticeLink
from mailroom.web.options import row_answers

_MOST_DENYING: Final = 1
"""The most buttons for answers that deny."""


@asynccontextmanager
async def open_notice_client(settings: Settings) -> AsyncIterator[NoticeClient]:
    """Yield the client of the server of the notices."""
    notify = settings.notify
    async with open_session(tls_for(settings.http.ca_file)) as session:
        http = HttpClient(session, notify.credentials, proxies=settings.http.proxies)
        yield NoticeClient(http, notify.target, is_ntfy=notify.format == "ntfy")


def reason_without_buttons(settings: Settings) -> str:
    """Return the reason why an account's notices have no buttons; empty if they have some.

    A button is a link to the page, so the page needs an address that a phone can open. A page where
    nobody signs in can be opened only on this machine.
    """
    web = settings.web
    if not web.is_on:
        return "the page is off"
    if not web.url:
        return "MAILROOM_WEB_URL is not set"
    if web.auth == "none":
        return "MAILROOM_WEB_AUTH is none"
    return "" if settings.notify.details else "MAILROOM_NOTIFY_DETAILS is false"


def composer_of(settings: Settings) -> Composer:
    """Return the composer of an account's notices; links in them need a page with an address."""
    web = settings.web
    base = URL(web.url) if web.is_on and web.url else None
    has_buttons = not reason_without_buttons(settings)
    chosen = row_answers(answers_of(settings.categories), web.answer_names)
    denying = [answer for answer in chosen if answer.denies][:_MOST_DENYING]
    others = [answer for answer in chosen if answer not in denying]
    answers = (*others[: MOST_BUTTONS - len(denying)], *denying)
    signer = LinkSigner(
        settings.name,
        api_token=web.api_token.get_secret_value(),
        password=web.password.get_secret_value(),
    )

    def page_of(who: str) -> str:
        if base is None:
            return ""
        return str(base / "subject" % {"who": who} if who else base.with_path("/"))

    def buttons_of(sender: NewSender) -> tuple[Button, ...]:
        if base is None:
            return ()
        return tuple(
            Button(
                answer.name,
                str(
                    base
                    / "notice"
                    / signer.sign(NoticeLink(sender.who, answer.name, sender.mail_id))
                ),
            )
            for answer in answers
        )

    return Composer(settings.name, settings.notify.details, has_buttons, page_of, buttons_of)
