"""One-time codes in subject lines, in many languages, and the numbers that are none."""

import pytest

from mailroom.screener.model.codes import CodeFinder
from tests.support.domain.code_subjects import CODES, TRAPS

FINDER = CodeFinder()


@pytest.mark.parametrize(("subject", "code"), CODES)
def test_a_code_is_found(subject: str, code: str) -> None:
    assert FINDER.find(subject) == code


@pytest.mark.parametrize("subject", TRAPS)
def test_no_trap_passes(subject: str) -> None:
    assert FINDER.find(subject) == ""


def test_precision_and_recall(capsys: pytest.CaptureFixture[str]) -> None:
    found = [(subject, code) for subject, code in CODES if FINDER.find(subject) == code]
    passed = [subject for subject in TRAPS if FINDER.find(subject)]
    precision, recall = len(found) / (len(found) + len(passed)), len(found) / len(CODES)
    with capsys.disabled():
        print(f"\n{len(CODES)} codes, {len(TRAPS)} traps:", end=" ")  # noqa: T201
        print(f"precision {precision:.3f}, recall {recall:.3f}")  # noqa: T201
    assert len(CODES) + len(TRAPS) >= 150
    assert (precision, recall) == (1, 1)


def test_words_of_a_setting_count_as_sure_words() -> None:
    subject = "Kodi i verifikimit eshte 482913"
    assert FINDER.find(subject) == ""
    assert CodeFinder(["", " kodi i verifikimit "]).find(subject) == "482913"


def test_invisible_characters_and_wide_digits_change_nothing() -> None:
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in "482913")
    assert FINDER.find("Your verification\u200b code: " + wide) == "482913"


def test_a_long_subject_is_read_in_a_moment() -> None:
    assert FINDER.find("code " * 100_000 + "482913") == ""
