"""What a reset says, and what it takes for Mailroom's; what it does is shown in behaviour tests."""

import sys
from io import StringIO

import pytest

from mailroom.admin.reset import Outcome, Traces
from mailroom.admin.reset.senders import in_batches
from mailroom.admin.reset.traces import CardTreatment, has_traces, treatment_of
from mailroom.contacts.model import Card
from mailroom.report.bars import progress_bars
from mailroom.screener.model.places import Directory
from mailroom.screener.passes.gather import GatheredMail
from mailroom.screener.triage.contact_edits import edits_for_undo
from tests.support.domain.builders import PLACES, card, groups

LINE = "Triaged to Feed on 2026-02-25"
SEEN = GatheredMail((), None, Directory(()), PLACES, (), has_waived=False, state="s1")


@pytest.mark.parametrize(
    ("found", "treatment"),
    [
        (card(made_by_us=True, untouched=True, note=LINE), CardTreatment.DELETED),
        (card(made_by_us=True, note=f"Owes me 5\n{LINE}"), CardTreatment.STRIPPED),
        (card(filled_by_us=True), CardTreatment.STRIPPED),
        (card(note=f"Owes me 5\n{LINE}"), CardTreatment.STRIPPED),
        (card(note="Triaged to Feed on 2026-02-25, by hand"), CardTreatment.RELEASED),
        (card(), CardTreatment.RELEASED),
    ],
)
def test_what_becomes_of_a_card(found: Card, treatment: CardTreatment) -> None:
    (edit,) = edits_for_undo([found], groups({"Feed": [found.uid]}))
    assert treatment_of(edit) is treatment
    assert has_traces(found) is (treatment is not CardTreatment.RELEASED)


def test_a_plan_with_everything_in_it() -> None:
    found = Traces(
        SEEN,
        cards=("a", "b", "c"),
        senders={"Feed": 2, "": 1},
        treatments={CardTreatment.DELETED: 1, CardTreatment.RELEASED: 2},
        strays=frozenset({"x"}),
        mails=1200,
        mail_traces=7,
        labelled=2,
    )
    assert list(found.text()) == [
        "senders: 3",
        "       2 in Feed",
        "       1 in no category any more",
        "their mail, back to the Screener: 1200",
        "their contacts:",
        "       1 deleted: Mailroom made it, and nobody touched it",
        "       2 kept as it is, and removed from the groups",
        "group members whose contact was deleted, removed from the groups: 1",
        "mail that loses Mailroom's own labels and keywords: 7",
        "mail that bears a triage label, left as it is: 2",
        "  (`mailroom triage` would file it)",
    ]
    assert found.data() == {
        "senders": {"total": 3, "by_category": {"Feed": 2}},
        "contacts": {"deleted": 1, "stripped": 0, "released": 2},
        "members_without_contact": 1,
        "mails": 1200,
        "marks": 7,
        "labelled": 2,
    }
    assert found.advice("").startswith("Nothing was changed. Stop Mailroom where it runs")
    assert "`mailroom reset --apply`" in found.advice("")
    assert "`mailroom reset --apply --account ben`" in found.advice("ben")


def test_a_label_that_waits_is_reported_where_nothing_else_is() -> None:
    found = Traces(SEEN, labelled=1)
    assert found.is_empty
    nothing, label, _ = found.text()
    assert nothing.startswith("Nothing to take back")
    assert label == "mail that bears a triage label, left as it is: 1"


@pytest.mark.parametrize(
    "found",
    [
        Traces(SEEN, cards=("a",)),
        Traces(SEEN, strays=frozenset({"x"})),
        Traces(SEEN, mail_traces=1),
    ],
)
def test_each_of_these_alone_is_something_to_do(found: Traces) -> None:
    assert not found.is_empty


def test_without_traces_nobody_is_advised_to_delete_anything() -> None:
    assert "delete" not in Traces().advice("")
    assert "delete" in Traces(SEEN).advice("")


def test_failures_have_a_line_each_and_advice_to_run_it_again() -> None:
    outcome = Outcome(senders=1, mails=2, failures={"a@b.example": "mail m1: no\x1b[2J"})
    assert not outcome.is_complete
    assert list(outcome.text()) == ["FAILED a@b.example: mail m1: no\\x1b[2J"]
    assert "run `mailroom reset --apply` again" in outcome.summary("")
    assert "again" not in Outcome().summary("")
    assert "run `mailroom reset --apply --account ben` again" in outcome.summary("ben")


class Terminal(StringIO):
    """A terminal that remembers what was written."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("cards", "steps"), [(0, []), (1, [0, 1]), (50, [0, 50]), (120, [0, 50, 100, 120])]
)
def test_progress_ends_at_its_end(cards: int, steps: list[int]) -> None:
    heard: list[tuple[str, int, int]] = []
    ids = [str(number) for number in range(cards)]
    parts = list(in_batches(ids, lambda *told: heard.append(told), "Working"))
    assert [each for part in parts for each in part] == ids
    assert heard == [("Working", done, cards) for done in steps]


def test_progress_is_shown_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with progress_bars() as tell:
        for what in ("Reading", "Writing"):
            for done in (1, 2, 4):
                tell(what, done, 4)
    written = terminal.getvalue()
    assert written.index("Reading") < written.index("Writing")
    assert "50%" in written
    assert written.count("100%") == 2
    assert written.count("\n") == 2, "a line each, so that what comes next begins a new one"


def test_a_bar_that_is_broken_off_gives_the_cursor_back(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with pytest.raises(RuntimeError), progress_bars() as tell:  # noqa: PT012 - it is what is shown
        tell("Reading", 1, 4)
        raise RuntimeError
    assert terminal.getvalue().endswith("\x1b[?25h\n")


def test_progress_is_not_shown_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with progress_bars() as tell:
        tell("Reading", 2, 4)
        tell("Reading", 4, 4)
    assert stream.getvalue() == ""
