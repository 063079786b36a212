"""Text that a stranger wrote to deceive, to break the page, or to learn that it was read."""

from email.header import Header

from playwright.async_api import Browser, expect

from tests.support.browser.screen import Screen
from tests.support.browser.window import PHONE, context_of
from tests.support.owner.person import Owner, message
from tests.web.conftest import Serve

MARKUP = "<img src=https://spy.example/a.png onerror=alert(1)><script>alert(1)</script>"
NAMES = (
    MARKUP,
    "\N{RIGHT-TO-LEFT OVERRIDE}elpmaxe.knab@ecivres\N{POP DIRECTIONAL FORMATTING}",
    "Ba\N{ZERO WIDTH SPACE}nk\N{SOFT HYPHEN}\N{ZERO WIDTH JOINER}",
    "Bell\N{BELL}\N{ESCAPE}[2J",
    "Z" + "\N{COMBINING ACUTE ACCENT}" * 500,
    "very long " * 1000,
    "Unbroken" * 1250,
)
NOT_UTF_8 = (
    b"From: Caf\xe9 \xff\xfe <raw@spy.example>\r\nSubject: \xc3\x28\r\nMessage-ID: <raw@x>\r\n\r\n."
)
HOMOGRAPH = "info@xn--pple-43d.example"
"""A Cyrillic letter looks like the first letter."""
FORBIDDEN = frozenset("\N{RIGHT-TO-LEFT OVERRIDE}\N{ZERO WIDTH SPACE}\N{SOFT HYPHEN}\x07\x1b")
PATHS = ("/?all", "/decided", "/subject?who=evil0@spy.example", "/decided?search=<script>")


def encoded(text: str) -> str:
    """Return a display name as it is sent, in encoded words."""
    return Header(text, "utf-8", maxlinelen=75).encode(linesep="\r\n")


async def test_text_of_strangers_is_shown_safely(
    browser: Browser, alice: Owner, serve: Serve
) -> None:
    """In rows, outcomes, lists and the page of a subject; the address can always be read.

    A window also checks that no script failed, no policy was broken, and nothing was loaded from
    elsewhere.
    """
    for number, name in enumerate(NAMES):
        sender = f"{encoded(name)} <evil{number}@spy.example>"
        subject = message(sender).replace(b"Subject: Hello", f"Subject: {encoded(name)}".encode())
        await alice.server.deliver(alice.name, subject)
    await alice.server.deliver(alice.name, NOT_UTF_8, message(HOMOGRAPH))
    await alice.move([mail.id for mail in await alice.mails()], ["Screener"])
    async with serve(alice) as site, context_of(browser, viewport=PHONE) as (context, noted):
        screen = await Screen.opened(await context.new_page(), site.url)
        await expect(screen.row(HOMOGRAPH)).to_contain_text("\N{CYRILLIC SMALL LETTER A}pple")
        for who in (f"evil{number}@spy.example" for number in range(0, len(NAMES), 2)):
            await screen.answer(who, "Feed")
            await screen.until_decided(who, "Feed")
        await screen.answer("raw@spy.example", "Feed")
        await screen.until_decided("raw@spy.example", "Feed")
        for path in PATHS:
            await screen.open(path)
            assert not FORBIDDEN & set(await screen.page.get_by_role("main").inner_text())
            width = await screen.page.evaluate("document.documentElement.scrollWidth")
            assert width <= PHONE["width"], f"{path} is {width} wide"
        assert noted.origins() == {site.url}
