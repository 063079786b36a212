"""The kind of a sender, by the signals in its mail."""

from dataclasses import replace

import pytest

from mailroom.contacts.address import key_of
from mailroom.screener.model.subject import Subject
from mailroom.screener.suggest.classify import Guess, SenderKind, classify
from mailroom.screener.suggest.signals import Signals

ALL = 10


def signals(address: str = "ann@x.example", **counts: int) -> Signals:
    """The signals of ten mails of an address, under one name."""
    found = Signals(Subject(key_of(address)), mails=ALL, names={"Ann"})
    for name, count in counts.items():
        setattr(found, name, count)
    return found


def guess(address: str = "ann@x.example", **counts: int) -> Guess:
    """The kind of a sender who is no contact."""
    found = classify(signals(address, **counts), is_contact=False)
    assert found is not None
    return found


def guess_contact(address: str = "ann@x.example", **counts: int) -> Guess:
    """The kind of a sender with a card."""
    found = classify(signals(address, **counts), is_contact=True)
    assert found is not None
    return found


@pytest.mark.parametrize("signal", ["answered", "in_threads", "written"])
def test_somebody_whom_the_user_has_answered_is_a_person(signal: str) -> None:
    assert guess("ann@x.example", **{signal: 1}).kind is SenderKind.PERSON


def test_the_reason_says_how_the_user_has_answered() -> None:
    assert guess(answered=3, written=1).reason == "you have answered 3 of 10 mails"
    assert guess(answered=1, written=4).reason == "you have sent 4 mails to this address"
    assert guess(written=1).reason == "you have sent 1 mail to this address"


def test_an_address_that_several_people_answer_is_a_company() -> None:
    assert guess("info@x.example", answered=2).kind is SenderKind.COMPANY
    several = replace(signals(answered=2), names={"Ann", "Ben", "Cleo"})
    found = classify(several, is_contact=False)
    assert found
    assert found.kind is SenderKind.COMPANY


@pytest.mark.parametrize("signal", ["bulk", "automatic", "receipts"])
def test_one_answer_to_bulk_mail_shows_nothing(signal: str) -> None:
    assert guess("ann@x.example", answered=1, **{signal: ALL}).kind not in {
        SenderKind.PERSON,
        SenderKind.COMPANY,
    }


@pytest.mark.parametrize("signal", ["bulk", "automatic"])
def test_bulk_mail_that_is_answered_again_and_again_is_a_companys(signal: str) -> None:
    assert guess("ann@x.example", answered=3, **{signal: ALL}).kind is SenderKind.COMPANY


def test_a_newsletter_offers_to_unsubscribe() -> None:
    found = guess(unsubscribe=9, bulk=9)
    assert found == Guess(SenderKind.NEWSLETTER, "9 of 10 mails offer to unsubscribe")
    assert guess("news@x.example").kind is SenderKind.NEWSLETTER


def test_notifications_come_from_programs() -> None:
    assert guess("no-reply@x.example").kind is SenderKind.NOTIFICATIONS
    assert guess("no-reply@x.example", unsubscribe=ALL, bulk=ALL).kind is SenderKind.NOTIFICATIONS
    assert guess(automatic=6).kind is SenderKind.NOTIFICATIONS
    assert guess(bulk=6).kind is SenderKind.NOTIFICATIONS
    many = replace(signals(), names={"Ann", "Ben", "Cleo"})
    found = classify(many, is_contact=False)
    assert found
    assert found.kind is SenderKind.NOTIFICATIONS


def test_receipts_are_shown_by_subject_lines() -> None:
    found = guess(receipts=5, bulk=ALL)
    assert found.kind is SenderKind.RECEIPTS
    assert found.reason == "5 of 10 subject lines about orders, invoices or deliveries"
    assert guess(receipts=4, unsubscribe=ALL, bulk=ALL).kind is SenderKind.NEWSLETTER


def test_receipts_are_shown_by_the_address() -> None:
    assert guess("orders@x.example", receipts=2, unsubscribe=ALL).kind is SenderKind.RECEIPTS
    assert guess("orders@x.example").kind is SenderKind.RECEIPTS
    assert guess("orders@x.example", unsubscribe=ALL).kind is SenderKind.NEWSLETTER


def test_a_single_letter_about_an_invoice_is_no_receipt() -> None:
    assert classify(signals(mails=1, receipts=1), is_contact=False) is None
    assert guess("noreply@x.example", mails=1, receipts=1).kind is SenderKind.RECEIPTS


def test_a_contact_is_a_person_unless_a_program_writes() -> None:
    assert guess_contact() == Guess(SenderKind.PERSON, "the address is in your address book")
    assert guess_contact("info@x.example").kind is SenderKind.COMPANY
    assert guess_contact(unsubscribe=ALL, bulk=ALL).kind is SenderKind.NEWSLETTER


def test_mail_that_comes_again_and_again_is_sorted_by_its_being_read() -> None:
    assert guess(weeks=0b1111111111, read=9).kind is SenderKind.PERSON
    assert guess(weeks=0b1111111111, read=5).kind is SenderKind.NEWSLETTER
    assert classify(signals(weeks=0b111111111, read=9), is_contact=False) is None


@pytest.mark.parametrize(
    ("count", "shown"), [(1, "1 sender"), (2, "2 senders"), (20, "20 or more senders")]
)
def test_a_list_that_many_people_write_to_is_a_mailing_list(count: int, shown: str) -> None:
    posters = {f"p{number}@x.example" for number in range(count)}
    of_list = Signals(Subject.of_list("dev.lists.example"), mails=ALL, names=posters)
    found = classify(of_list, is_contact=False)
    assert found == Guess(SenderKind.MAILING_LIST, f"{shown} in this mailing list")


def test_nothing_is_guessed_without_a_sign() -> None:
    assert classify(signals(), is_contact=False) is None
