"""New cards, and the mark by which Mailroom knows them again."""

from collections.abc import Callable

import pytest
import vobject
from hypothesis import given
from hypothesis import strategies as st

from mailroom.contacts.mark import Filled, Mark
from mailroom.contacts.model import Card, ContactType, CreateCard, Names, UpdateCard, clean
from mailroom.contacts.vcard.edit import new_card, new_group, to_card, to_group, updated
from mailroom.contacts.vcard.form import VCardForm
from mailroom.contacts.vcard.groups import GroupForm, form_of
from mailroom.contacts.vcard.lines import VCard

COMPANY = CreateCard(
    uid="7e1b9c1e",
    contact_type=ContactType.COMPANY,
    names=Names(full="Acme; Inc, \\ 🚀", organization="Acme; Inc, \\ 🚀"),
    address="News@acme.example",
    note="Triaged to Feed on 2026-02-25",
)
ANN = CreateCard(
    uid="7e1b9c1f",
    contact_type=ContactType.PERSON,
    names=Names(full="Ann Müller", given="Ann", surname="Müller"),
    address="ann@x.example",
    note="Triaged to Person on 2026-02-25",
)
texts = st.text(st.characters(exclude_categories=["Cs"]))


def made(create: CreateCard = ANN) -> VCard:
    return new_card(create, create.uid)


def read(card: VCard) -> Card:
    return to_card("", VCard.parse(bytes(card)))


@pytest.mark.parametrize("create", [COMPANY, ANN])
def test_a_new_card_says_what_was_asked_and_that_we_made_it(create: CreateCard) -> None:
    assert read(made(create)) == Card(
        id="",
        uid=create.uid,
        names=create.names,
        addresses=(create.address,),
        note=create.note,
        made_by_us=True,
        untouched=True,
    )


def test_a_company_has_an_empty_n_and_a_person_no_org() -> None:
    assert [line.value for line in made(COMPANY).named("N")] == [";;;;"]
    assert made(ANN).named("ORG") == ()


@given(texts, texts, texts, texts)
def test_any_display_name_survives(full: str, given_name: str, surname: str, org: str) -> None:
    names = Names(full=full, given=given_name, surname=surname, organization=org)
    card = made(CreateCard("u", ContactType.PERSON, names, "a@x.example", ""))
    assert read(card).names == Names(
        *(clean(each).strip() for each in (full, given_name, surname, org))
    )
    assert read(card).untouched
    assert all(len(raw) <= 75 for raw in bytes(card).split(b"\r\n"))


def test_another_library_reads_a_new_card_alike() -> None:
    card = vobject.readOne(bytes(made(COMPANY)).decode())
    assert card.fn.value == COMPANY.names.full
    assert card.org.value == [COMPANY.names.organization]
    assert card.email.value == COMPANY.address


def as_a_server_rewrites(card: VCard) -> VCard:
    data = bytes(card).replace(b"\r\n ", b"").replace(b"EMAIL:", b"email;TYPE=INTERNET;TYPE=pref:")
    data = data.replace(b"N:M", b"N;X=y:M").replace(b":\\n", b":\\N").replace(b";;;\r\n", b"\r\n")
    lines = data.splitlines(keepends=True)
    extra = [
        b"PRODID:-//x//EN\r\n",
        b"X-ADDRESSBOOKSERVER-KIND:INDIVIDUAL\r\n",
        b"CREATED:2026\r\n",
    ]
    return VCard.parse(b"".join([lines[0], *extra, *reversed(lines[1:-1]), lines[-1]]))


@pytest.mark.parametrize("create", [COMPANY, ANN])
def test_what_servers_do_to_a_card_is_no_touch(create: CreateCard) -> None:
    assert read(as_a_server_rewrites(made(create))).untouched


@pytest.mark.parametrize(
    "touch",
    [
        lambda data: data.replace(b"FN:Ann", b"FN:Anna"),
        lambda data: data.replace(b"ler;Ann", b"ler;Anna"),
        lambda data: data.replace(b"EMAIL:ann@", b"EMAIL:ann2@"),
        lambda data: data.replace(b"END:", b"EMAIL:second@x.example\r\nEND:"),
        lambda data: data.replace(b"END:", b"ORG:Acme\r\nEND:"),
        lambda data: data.replace(b"END:", b"TEL:1\r\nEND:"),
        lambda data: data.replace(b"END:", b"REV:2026-01-01T00:00:00Z\r\nEND:"),
        lambda data: data.replace(b"END:", b"KIND:org\r\nEND:"),
        lambda data: data.replace(b"END:", b"X odd:1\r\nEND:"),
        lambda data: data.replace(b"END:", b"NOTE;ENCODING=b:YQ==\r\nEND:"),
        lambda data: data.replace(b"NOTE:", b"NOTE:she is nice\\n"),
    ],
)
def test_what_a_person_does_to_a_card_is_a_touch(touch: Callable[[bytes], bytes]) -> None:
    data = bytes(made(ANN))
    touched = to_card("", VCard.parse(touch(data)))
    assert touch(data) != data
    assert touched.made_by_us
    assert not touched.untouched


def test_our_update_does_not_hide_that_somebody_touched_the_card() -> None:
    theirs = VCard.parse(bytes(made(ANN)).replace(b"FN:Ann", b"FN:Anna"))
    after = updated(theirs, UpdateCard(read(theirs), fill=Names(organization="Acme")))
    assert read(after).made_by_us
    assert not read(after).untouched


digests = st.text("0123456789abcdef", min_size=16, max_size=16)
marks = st.builds(
    Mark,
    made=st.one_of(st.just(""), digests),
    filled=st.dictionaries(
        st.sampled_from(["FN", "N", "ORG"]), st.builds(Filled, digests, added=st.booleans())
    ),
)


@given(marks)
def test_a_mark_is_read_back_from_a_card(mark: Mark) -> None:
    card = VCardForm(made(ANN)).with_mark(mark).card
    assert VCardForm(VCard.parse(bytes(card))).mark == mark
    assert set(str(mark)).isdisjoint(";,:\\")


@given(st.text())
def test_a_mark_that_makes_no_sense_says_little_and_harms_nothing(value: str) -> None:
    assert Mark.parse(str(Mark.parse(value))) == Mark.parse(value)


def test_several_marks_become_one() -> None:
    card = made(ANN).with_new("X-MAILROOM", "made=0000000000000000")
    form = VCardForm(card)
    assert len(form.with_mark(Mark(made="1" * 16)).card.named("X-MAILROOM")) == 1
    assert form.with_mark(Mark()).card.named("X-MAILROOM") == ()


@pytest.mark.parametrize("form", list(GroupForm))
def test_a_new_group_is_empty_and_of_the_form_asked_for(form: GroupForm) -> None:
    card = VCard.parse(bytes(new_group("Paper; Trail", "7e1b", form)))
    group = to_group("/g", card)
    assert (group.uid, group.name, group.members) == ("7e1b", "Paper; Trail", frozenset())
    assert form_of(card) is form
