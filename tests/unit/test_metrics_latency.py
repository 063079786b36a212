"""Since when what a pass did had been waiting."""

from mailroom.metrics.latency import Latency


def test_what_is_done_at_once_waited_since_its_event() -> None:
    assert Latency().pass_succeeded(5.0, done=["a", "b"], left=[]) == [5.0, 5.0]


def test_what_no_event_told_of_is_left_out() -> None:
    latency = Latency()
    assert latency.pass_succeeded(None, done=["a"], left=["b"]) == []
    assert latency.pass_succeeded(None, done=["b"], left=[]) == []


def test_passes_that_fail_do_not_begin_the_wait_anew() -> None:
    latency = Latency()
    latency.pass_failed(5.0)
    latency.pass_failed(None)
    latency.pass_failed(7.0)
    assert latency.pass_succeeded(9.0, done=["a"], left=[]) == [5.0]
    assert latency.pass_succeeded(20.0, done=["b"], left=[]) == [20.0]


def test_a_failed_pass_without_an_event_starts_no_measurement() -> None:
    latency = Latency()
    latency.pass_failed(None)
    assert latency.pass_succeeded(9.0, done=["a"], left=[]) == [9.0]


def test_work_that_was_left_keeps_its_own_event() -> None:
    """Work of later events is measured from these events."""
    latency = Latency()
    assert latency.pass_succeeded(5.0, done=["a"], left=["b"]) == [5.0]
    assert latency.pass_succeeded(9.0, done=["c"], left=["b"]) == [9.0]
    assert sorted(latency.pass_succeeded(None, done=["b", "d"], left=[])) == [5.0]


def test_what_was_done_is_forgotten() -> None:
    latency = Latency()
    latency.pass_succeeded(5.0, done=[], left=["a"])
    latency.pass_succeeded(6.0, done=["a"], left=[])
    assert latency.pass_succeeded(None, done=["a"], left=[]) == []
