"""The standard methods of JMAP: what is sent together."""

from hypothesis import given
from hypothesis import strategies as st

from mailroom.jmap.methods import set_batches
from mailroom.jmap.session import Limits


@given(st.lists(st.integers(0, 80)), st.integers(1, 5), st.integers(1, 200), st.integers(0, 6))
def test_batches_hold_everything_in_order_within_the_limits(
    sizes: list[int], objects: int, octets: int, besides: int
) -> None:
    limits = Limits(max_objects_in_set=objects, max_size_request=2 * octets)
    batches = list(set_batches(sizes, lambda size: size, limits, besides=besides))

    assert [size for batch in batches for size in batch] == sizes
    for batch in batches:
        assert 1 <= len(batch) <= max(1, objects - besides)
        assert len(batch) == 1 or sum(batch) <= octets


def test_batches_are_as_large_as_can_be() -> None:
    limits = Limits(max_objects_in_set=4, max_size_request=20_000)

    batches = set_batches(range(10), lambda _: 1, limits)
    assert [len(batch) for batch in batches] == [4, 4, 2]
