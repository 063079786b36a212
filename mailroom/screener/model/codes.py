"""Find one-time codes (for a sign-in or a confirmation) in subject lines. Pure.

A number alone is never a code: a word for one-time codes must be near. If the word has other
meanings too (a discount code, a code review), the two must be connected, as in "your code 123456",
"code: 123456" or "code for Loom is 123456".

If there is a doubt, the subject line has no code. A number that is wrongly taken for a code brings
a stranger's mail into the Inbox. Mail with a code that is not found only waits in the Screener.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Final

_WORDS: Final = "code_words.txt"
_LONGEST: Final = 300
"""Characters of a subject line that are read."""
_FARTHEST: Final = 40
"""The largest number of characters between a code and a word for codes."""

_BEFORE: Final = r"(?<![0-9A-Za-z_#$€£¥₽+%&/@])(?<![0-9][-.,:/ ])(?<![$€£¥₽#№+] )"
_AFTER: Final = (
    r"(?![0-9A-Za-z_$€£¥₽%/@])(?![-.,: ][0-9])(?! ?[$€£¥₽%])(?!-[A-Za-z])(?! [A-Z]{3}\b)"
)
"""Conditions on the text right before and right after a code. They leave out a part of a longer
number or word, an amount and a reference: "2026-1234", "$ 1234", "1234 EUR", "1234%", "#1234"."""
_DIGITS: Final = re.compile(
    rf"{_BEFORE}(?:[A-Z]-(?=[0-9]{{4,8}}))?(?:[0-9]{{4,8}}|[0-9]{{3}}[ -][0-9]{{3}}){_AFTER}"
)
"""A code of digits: "123456", "123-456", "G-123456"."""
_LETTERS_TOO: Final = re.compile(
    rf"{_BEFORE}(?=[A-Z-]*[0-9])(?:[0-9A-Z]{{5,8}}|[0-9A-Z]{{3,4}}-[0-9A-Z]{{3,4}}){_AFTER}"
)
"""A code of letters and digits, of which one is a digit at least: "K7XQ2M", "AB1-C2D"."""
_DATE: Final = re.compile(r"(?:19|20)[0-9]{2}(?:(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01]))?")
"""A year or a date: "2026", "20260131"."""
_COUNT: Final = re.compile(r"[0-9]+00 [^\W\d_]")
"""A round number of something: "5000 users"."""
_REPLY_OR_FORWARD: Final = re.compile(r"(?i)\s*(?:re|fwd?|aw|wg|antw|sv|tr|rv|odp|vs)\s*:")
"""The beginning of the subject line of a reply or forwarded mail: "Re:". Such mail has no code."""

_IS: Final = (
    r"\b(?:is|ist|lautet|est|es|é|è|jest|to|wynosi)\b|是|为|為|は|[은는]|[=>|·•\u2013\u2014-]"
)
"""A word or sign that connects a word with a code: "is", "=", "-"."""
# Blanks, brackets and quotation marks before and after a code.
_OPEN, _CLOSE = r"[\s\[(\"'«“„【「『*]*", r"[\s\])\"'»”“】」』*]*"
_NOTHING: Final = re.compile(r"[\s\[(\"'«“„【「『*\])»”】」』]*")
"""Nothing but blanks, brackets and quotation marks."""
_TO_CODE: Final = re.compile(rf"(?i)[^0-9.!?;]*(?:{_IS}|:){_OPEN}")
"""The text between a word and the code after it: "code for Loom is", "code:"."""
_FROM_CODE: Final = re.compile(rf"(?i){_CLOSE}(?:{_IS})[^0-9.!?;]*")
"""The text between a code and the word after it: "is your", "-"."""
_YOUR: Final = re.compile(
    r"(?i)\b(?:your|ihre?|deine?|votre|ton|su|tu|seu|sua|teu|tuo|suo|uw|je|jouw|twój|ваш|твой)\b"
)
_UNSPACED: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
"""A letter of Chinese, Japanese or Korean, where letters may follow a word without a blank."""


class CodeFinder:
    """Finds one-time codes in subject lines.

    Args:
        more_words: words for one-time codes and nothing else, in addition to Mailroom's own words.
            Blanks around a word are ignored.
    """

    def __init__(self, more_words: Iterable[str] = ()) -> None:
        known = _known_words()
        self._sure = _pattern([*known["sure"], *map(str.strip, more_words)])
        self._weak = _pattern(known["weak"])
        self._never = _pattern(known["never"])

    def find(self, subject_line: str) -> str:
        """Return the one-time code in a subject line; empty if there is none."""
        text = " ".join(unicodedata.normalize("NFKC", subject_line[:_LONGEST]).split())
        text = "".join(char for char in text if unicodedata.category(char) != "Cf")
        if _REPLY_OR_FORWARD.match(text) or self._never.search(text):
            return ""
        for code in (*_DIGITS.finditer(text), *_LETTERS_TOO.finditer(text)):
            is_date_or_count = _DATE.fullmatch(code[0]) or _COUNT.match(text, code.start())
            if not is_date_or_count and self._is_named(text, code):
                return code[0]
        return ""

    def _is_named(self, text: str, code: re.Match[str]) -> bool:
        """Return True if a word shows that ``code``, a part of the text, is a one-time code."""
        has_letters = not _DIGITS.fullmatch(code[0])
        is_short = len(code[0]) == len("1234")
        for word in self._sure.finditer(text):
            gap = _between(text, word, code)
            if gap is None or len(gap) > _FARTHEST or re.search(r"[0-9]", gap):
                continue
            is_word_first = word.end() <= code.start()
            needs_no_connection = is_word_first and not (has_letters or is_short)
            if needs_no_connection or _are_connected(gap, code, is_word_first=is_word_first):
                return True
        if has_letters:
            return False
        # A word that may mean something else must be connected with the code: "code: 123456". If
        # the two stand side by side, a word like "your" must be in the subject line as well.
        for word in self._weak.finditer(text):
            gap = _between(text, word, code)
            if gap is None or len(gap) > _FARTHEST:
                continue
            if _NOTHING.fullmatch(gap):
                if _YOUR.search(text):
                    return True
            elif _are_connected(gap, code, is_word_first=word.end() <= code.start()):
                return True
        return False


def _between(text: str, word: re.Match[str], code: re.Match[str]) -> str | None:
    """Return the text between a word and a code; None if they overlap."""
    if word.end() <= code.start():
        return text[word.end() : code.start()]
    return text[code.end() : word.start()] if code.end() <= word.start() else None


def _are_connected(gap: str, code: re.Match[str], *, is_word_first: bool) -> bool:
    """Return True if a word and a code are connected: by the text between them, or by the position.

    A code at the beginning of the subject line is connected with every word after it.

    Args:
        gap: the text between the word and the code.
        code: the code, as it was found in the subject line.
        is_word_first: True if the word stands before the code.
    """
    if is_word_first:
        return bool(_NOTHING.fullmatch(gap) or _TO_CODE.fullmatch(gap))
    # A number in the middle of a sentence may belong to the word before it: "Ref 4421, login code".
    is_at_start = not _NOTHING.sub("", code.string[: code.start()])
    return is_at_start or bool(_FROM_CODE.fullmatch(gap))


@cache
def _known_words() -> dict[str, list[str]]:
    """Read the words that Mailroom knows, by their kind."""
    words: dict[str, list[str]] = {}
    for line in files(__package__).joinpath(_WORDS).read_text("utf-8").splitlines():
        if not line.startswith("#"):
            head, _, listed = line.partition(":")
            kind, _, _ = head.partition(" ")
            words.setdefault(kind, []).extend(word.strip() for word in listed.split(","))
    return words


def _pattern(words: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern that matches any of the words; longer words are tried first."""
    in_order = sorted(set(filter(None, words)), key=lambda word: (-len(word), word))
    letter, forms = r"[^\W\d_]", []
    for word in in_order:
        normal = unicodedata.normalize("NFKC", word)
        form = re.escape(normal.strip("*")).replace(r"\ ", r"[\s-]+")
        if not _UNSPACED.search(normal):
            before = f"{letter}*" if normal.startswith("*") else f"(?<!{letter})"
            after = f"{letter}*" if normal.endswith("*") else f"(?!{letter})"
            form = f"{before}{form}{after}"
        forms.append(form)
    return re.compile("|".join(forms), re.IGNORECASE)
