"""The e2e tests' claims about steps rest on this."""

from multidict import CIMultiDict

from tests.support.proxy.proxy import Exchange
from tests.support.proxy.steps import dependent_steps, longest_chain, peak


def exchange(method: str, began: float, ended: float) -> Exchange:
    return Exchange(method, "/", CIMultiDict(), b"", began, ended)


def test_what_overlaps_is_one_step() -> None:
    together = [exchange("REPORT", 0, 2), exchange("GET", 1, 3)]
    assert dependent_steps(together, at_once=4) == longest_chain(together) == 1
    assert peak(together) == 2


def test_what_begins_with_the_answer_to_another_is_a_step_more() -> None:
    in_turn = [exchange("REPORT", 0, 2), exchange("GET", 2, 3), exchange("PUT", 4, 5)]
    assert dependent_steps(in_turn, at_once=4) == longest_chain(in_turn) == 3
    assert peak(in_turn) == 1


def test_a_few_of_one_kind_in_turn_are_as_many_steps() -> None:
    in_turn = [exchange("GET", at, at + 1) for at in range(4)]
    assert dependent_steps(in_turn, at_once=4) == 4


def test_what_waits_for_a_free_connection_is_no_step() -> None:
    puts = [exchange("PUT", at, at + 1) for at in range(3) for _ in range(2)]
    assert longest_chain(puts) == 3
    assert dependent_steps([exchange("GET", -2, -1), *puts], at_once=2) == 2


def test_a_kind_that_comes_again_after_another_is_a_step_of_its_own() -> None:
    again = [exchange("PUT", 0, 1), exchange("GET", 1, 2), exchange("PUT", 2, 3)]
    assert dependent_steps(again, at_once=4) == 3


def test_what_was_never_answered_holds_up_what_comes_after() -> None:
    cut = Exchange("GET", "/", CIMultiDict(), b"", 0)
    assert dependent_steps([cut, exchange("PUT", 5, 6)], at_once=4) == 1
