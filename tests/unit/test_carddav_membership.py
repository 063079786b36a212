"""The order of group writes: into the new groups first, and each group once if that can be."""

from hypothesis import given
from hypothesis import strategies as st

from mailroom.contacts.carddav.membership import GroupWrite, waves
from mailroom.contacts.model import ContactEdit, Group


def group(name: str, *members: str) -> Group:
    return Group(id=name, uid=name, name=name, members=frozenset(members))


def move(uid: str, join: str = "", leave: str = "") -> ContactEdit:
    return ContactEdit(uid, uid, join=frozenset(join), leave=frozenset(leave))


def plan(moves: list[ContactEdit], *groups: Group) -> list[list[str]]:
    """Waves as text: ``+`` who joins, ``-`` who leaves."""
    return [[_text(write) for write in wave] for wave in waves(moves, groups)]


def _text(write: GroupWrite) -> str:
    joining = "".join(f"+{each.uid}" for each in write.joining)
    return write.group + joining + "".join(f"-{each.uid}" for each in write.leaving)


def test_groups_that_do_not_depend_on_each_other_are_written_at_once() -> None:
    moves = [move("u", "AB"), move("v", "BC")]
    assert plan(moves, group("A"), group("B"), group("C")) == [["A+u", "B+u+v", "C+v"]]


def test_leaving_a_group_one_is_not_in_costs_no_wave() -> None:
    moves = [move("u", "A", "B"), move("v", "B", "A")]
    assert plan(moves, group("A"), group("B")) == [["A+u-v", "B+v-u"]]


def test_contacts_that_change_places_all_join_then_all_leave() -> None:
    moves = [move("u", "A", "B"), move("v", "B", "A"), move("w", "C")]
    assert plan(moves, group("A", "v"), group("B", "u"), group("C")) == [
        ["A+u", "B+v", "C+w"],
        ["A-v", "B-u"],
    ]


def test_joining_wins_over_leaving() -> None:
    assert plan([move("u", "A", "A")], group("A")) == [["A+u"]]


def test_joining_wins_over_leaving_where_places_are_changed_too() -> None:
    moves = [move("u", "AD", "BD"), move("v", "B", "A")]
    assert plan(moves, group("A", "v"), group("B", "u"), group("D", "u")) == [
        ["A+u", "B+v", "D+u"],
        ["A-v", "B-u"],
    ]


def test_nothing_to_do_takes_no_wave() -> None:
    assert plan([]) == []


ids = st.frozensets(st.sampled_from("ABCD"))
members = st.fixed_dictionaries({name: st.frozensets(st.sampled_from("uvw")) for name in "ABCD"})
moves_of_three = st.tuples(
    *(st.builds(ContactEdit, st.just(u), st.just(u), join=ids, leave=ids) for u in "uvw")
)


@given(members, moves_of_three)
def test_no_contact_is_ever_in_fewer_groups_than_it_shall_be(
    before: dict[str, frozenset[str]], moves: tuple[ContactEdit, ...]
) -> None:
    now = {name: set(uids) for name, uids in before.items()}
    written: list[str] = []
    for wave in waves(moves, [group(name, *uids) for name, uids in before.items()]):
        for write in wave:
            written.append(write.group)
            now[write.group] |= {each.uid for each in write.joining}
            for each in write.leaving:
                assert each.uid not in now[write.group] or all(
                    each.uid in now[joined] for joined in each.join
                )
            now[write.group] -= {each.uid for each in write.leaving}
    for each in moves:
        assert all(each.uid in now[name] for name in each.join)
        assert all(each.uid not in now[name] for name in each.leave - each.join)
    assert max(map(written.count, written), default=0) <= 2
