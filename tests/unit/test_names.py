"""Names on cards: parsed from display names, filled in where empty, compared without pedantry."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.contacts.model import ContactType, Names
from mailroom.screener.model.names import (
    DisplayNames,
    filled,
    is_name_of,
    missing_names,
    names_for,
    split_personal_name,
)
from mailroom.screener.model.sender import Sender
from tests.support.domain.builders import card


def sender(name: str) -> Sender:
    return Sender("bob@corp.example", name)


@pytest.mark.parametrize(
    "name", ["Corp", "Corp, Inc.", "Bob at Corp", 'Dr. "Bo" O\'Neil; PhD, MSc', "日本語 🧵"]
)
def test_a_company_has_an_organization_and_a_full_name(name: str) -> None:
    names = names_for(sender(name), ContactType.COMPANY)

    assert names == Names(full=name, organization=name)


@pytest.mark.parametrize(
    ("name", "given_name", "surname"),
    [
        pytest.param("Jane Doe", "Jane", "Doe", id="two words"),
        pytest.param("Jane Mary Doe", "Jane Mary", "Doe", id="three words"),
        pytest.param("Doe, Jane", "Jane", "Doe", id="comma"),
        pytest.param("Doe,Jane Mary", "Jane Mary", "Doe", id="comma without blank"),
        pytest.param("García Márquez, Gabriel", "Gabriel", "García Márquez", id="long surname"),
        pytest.param("Li, Ma", "Ma", "Li", id="a given name like a title"),
        pytest.param("van der Berg, Jan", "Jan", "van der Berg", id="comma and particles"),
        pytest.param("Jan van der Berg", "Jan", "van der Berg", id="particles"),
        pytest.param("Ludwig van Beethoven", "Ludwig", "van Beethoven", id="a particle"),
        pytest.param("Otto von Bismarck-Schönhausen", "Otto", "von Bismarck-Schönhausen", id="von"),
        pytest.param("jane doe", "jane", "doe", id="lower case"),
        pytest.param("JANE DOE", "JANE", "DOE", id="upper case"),
        pytest.param("Madonna", "Madonna", "", id="one word"),
        pytest.param("madonna", "madonna", "", id="one word in lower case"),
        pytest.param("Madonna,", "Madonna", "", id="nothing after the comma"),
        pytest.param("Doe,,", "Doe", "", id="nothing after two commas"),
        pytest.param(", Jane", "Jane", "", id="nothing before the comma"),
        pytest.param("José Ñandú", "José", "Ñandú", id="UTF-8"),
        pytest.param("山田 太郎", "山田", "太郎", id="Japanese"),
        pytest.param("Jane O'Neil", "Jane", "O'Neil", id="apostrophe"),
        pytest.param('Jane "JD" Doe', 'Jane "JD"', "Doe", id="quotes inside"),
        pytest.param("🧵", "🧵", "", id="an emoji alone"),
        pytest.param("", "", "", id="nothing"),
        pytest.param(",", "", "", id="a comma alone"),
    ],
)
def test_given_name_and_surname_are_parsed(name: str, given_name: str, surname: str) -> None:
    assert split_personal_name(name) == (given_name, surname)


@pytest.mark.parametrize(
    ("name", "names"),
    [
        pytest.param("Jane Doe", Names("Jane Doe", "Jane", "Doe"), id="plain"),
        pytest.param(
            "Doe, Jane", Names("Jane Doe", "Jane", "Doe"), id="full name in reading order"
        ),
        pytest.param("Madonna", Names("Madonna", "Madonna"), id="one word"),
        pytest.param(", Jane", Names(", Jane", "Jane"), id="a stray comma"),
        pytest.param(",", Names(","), id="nothing but a comma is still more than no name at all"),
    ],
)
def test_a_person_has_given_name_surname_and_full_name(name: str, names: Names) -> None:
    assert names_for(sender(name), ContactType.PERSON) == names


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("Jane Doe, PhD", "Jane Doe, PhD"),
        ("Martin King, Jr.", "Martin King, Jr."),
        ("Anna Kim, M.D.", "Anna Kim, M.D."),
        ("Henry Tudor, VIII", "Henry Tudor, VIII"),
    ],
)
def test_a_title_behind_a_comma_is_no_given_name(name: str, full: str) -> None:
    names = names_for(sender(name), ContactType.PERSON)

    assert names.full == full
    assert f"{names.given} {names.surname}" == name.partition(",")[0]


@pytest.mark.parametrize("contact_type", ContactType)
def test_without_a_display_name_the_address_stands_in(contact_type: ContactType) -> None:
    names = names_for(sender(""), contact_type)

    assert names.full == "bob@corp.example"
    assert bool(names.organization) is (contact_type is ContactType.COMPANY)


@given(st.text(alphabet=st.characters(exclude_categories=["C", "Z"]), min_size=1))
def test_no_letter_of_a_display_name_is_lost(name: str) -> None:
    given_name, surname = split_personal_name(name)

    assert sorted((given_name + surname).replace(",", "")) == sorted(name.replace(",", ""))


@given(name=st.text(), contact_type=st.sampled_from(ContactType))
def test_no_card_is_without_a_full_name(name: str, contact_type: ContactType) -> None:
    assert names_for(sender(" ".join(name.split())), contact_type).full.strip()


PERSON = Names("Bob Builder", "Bob", "Builder")
COMPANY = Names(full="Corp", organization="Corp")


@pytest.mark.parametrize(
    ("has", "wanted", "missing"),
    [
        pytest.param(Names(), COMPANY, COMPANY, id="an empty card becomes a company"),
        pytest.param(Names(), PERSON, PERSON, id="an empty card becomes a person"),
        pytest.param(PERSON, COMPANY, Names(), id="a person stays a person"),
        pytest.param(COMPANY, PERSON, Names(), id="a company stays a company"),
        pytest.param(
            Names(full="Bobby"), COMPANY, Names(organization="Corp"), id="a full name stays"
        ),
        pytest.param(
            Names(full="Bobby"), PERSON, Names(given="Bob", surname="Builder"), id="parts are added"
        ),
        pytest.param(PERSON, PERSON, Names(), id="nothing is missing"),
    ],
)
def test_only_empty_fields_are_filled(has: Names, wanted: Names, missing: Names) -> None:
    assert missing_names(card(names=has), wanted) == missing


@pytest.mark.parametrize("names", [PERSON, COMPANY], ids=["person", "company"])
def test_an_empty_card_is_filled_with_everything(names: Names) -> None:
    assert filled(Names(), names) == names


NAMES = st.builds(Names, *[st.sampled_from(["", "Bob", "Corp"])] * 4)


@given(has=NAMES, wanted=NAMES)
def test_filling_changes_no_field_that_has_something_and_leaves_nothing_to_fill(
    has: Names, wanted: Names
) -> None:
    after = filled(has, missing_names(card(names=has), wanted))

    for field in ("full", "given", "surname", "organization"):
        assert getattr(has, field) in {"", getattr(after, field)}
    assert missing_names(card(names=after), wanted) == Names()


BOBS_CARD = card(names=PERSON, nicknames=("Bobby", "The Builder"))
CORPS_CARD = card(names=COMPANY)


@pytest.mark.parametrize(
    ("name", "whose", "called"),
    [
        pytest.param("Bob Builder", BOBS_CARD, True, id="the full name"),
        pytest.param("bob BUILDER", BOBS_CARD, True, id="letter case"),
        pytest.param("Bob  Builder", BOBS_CARD, True, id="white space"),
        pytest.param("Builder Bob", BOBS_CARD, True, id="surname first"),
        pytest.param("Builder, Bob", BOBS_CARD, True, id="surname first, with a comma"),
        pytest.param("bobby", BOBS_CARD, True, id="a nickname"),
        pytest.param("The Builder", BOBS_CARD, True, id="another nickname"),
        pytest.param("corp", CORPS_CARD, True, id="the organization"),
        pytest.param("", BOBS_CARD, True, id="no display name contradicts nothing"),
        pytest.param("Bob", card(), True, id="a card without a name contradicts nothing"),
        pytest.param(
            "Bob", card(names=Names(full="BOB@corp.example")), True, id="an address is no name"
        ),
        pytest.param(
            "Zo\u00eb Stra\u00dfe", card(names=Names("ZOE\u0308 STRASSE")), True, id="composition"
        ),
        pytest.param("Your Bank", BOBS_CARD, False, id="another name"),
        pytest.param("Bob", BOBS_CARD, False, id="a part of the name"),
        pytest.param("Bob Builder Junior", BOBS_CARD, False, id="more than the name"),
        pytest.param("Bob", CORPS_CARD, False, id="a person at a company"),
        pytest.param(
            "al@corp.example",
            card(names=Names(full="bob@corp.example", given="Bob")),
            False,
            id="another address for a name",
        ),
    ],
)
def test_a_display_name_fits_the_card_or_not(name: str, whose: object, *, called: bool) -> None:
    assert is_name_of(name, whose) is called  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("names", "name", "on_card", "fits"),
    [
        pytest.param(
            ["Bob Builder"], "Bob Builder", "Bob Builder", True, id="the name on the card"
        ),
        pytest.param(["Al"], "Al", "Bob Builder", False, id="another name"),
        pytest.param(["Bob Builder", "Al"], "Al", "Bob Builder", False, id="one name of two"),
        pytest.param(["Al", "Cy"], "Al", "Bob Builder", True, id="several names of others"),
        pytest.param(["Al"], "Al", "corp.example", True, id="the collective name"),
        pytest.param(["Al"], "", "Bob Builder", True, id="a mail without a display name"),
    ],
)
def test_a_name_fits_a_card_unless_it_alone_contradicts_it(
    names: list[str], name: str, on_card: str, *, fits: bool
) -> None:
    of_address = DisplayNames(tuple(names), "corp.example")

    assert of_address.is_fitting(name, card(names=Names(full=on_card))) is fits


@given(
    name=st.text(alphabet=st.characters(exclude_categories=["C", "Z"]), min_size=1),
    contact_type=st.sampled_from(ContactType),
)
def test_a_sender_is_called_what_the_card_made_for_it_says(
    name: str, contact_type: ContactType
) -> None:
    made = card(names=names_for(sender(name), contact_type))

    assert is_name_of(name, made)
