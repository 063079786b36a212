"""The subjects that labels decide on: senders, mailing lists, and everybody at a domain."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest

from mailroom.contacts.address import list_key
from mailroom.contacts.uid import uid_for
from mailroom.jmap.mail import Email
from mailroom.screener.triage.labelled import SortedMail
from tests.support.domain.builders import BOB, PLACES, Contacts, card, group_list, mail, sort_mail

ADDRESS, DOMAIN = "bob@corp.example", "*@corp.example"
AL = "Al <al@corp.example>"
OTHER = "Cy <cy@other.example>"
LIST, NEWS = list_key("dev.lists.example"), list_key("news.corp.example")
DEV_ID, NEWS_ID = "Developers <dev.lists.example>", "<news.corp.example>"
POST = "<mailto:dev@lists.example>"
CARDS = {
    "bob": card("bob", ADDRESS),
    "corp": card("corp", DOMAIN),
    "dev": card(uid_for(LIST), "dev@lists.example"),
    "news": card(uid_for(NEWS), ""),
}
Members = Mapping[str, Iterable[str]]
Subjects = dict[str, dict[str, frozenset[str]]]


def post(*mailboxes: str, email_id: str = "m1", sender: str = BOB) -> Email:
    """Return a mail of a list that many people write to."""
    return mail(*mailboxes, email_id=email_id, sender=sender, list_id=DEV_ID, list_post=POST)


def news(*mailboxes: str, email_id: str = "m1") -> Email:
    """Return a mail of a newsletter: a list to which only its owner writes."""
    return mail(*mailboxes, email_id=email_id, list_id=NEWS_ID)


def sort(*emails: Email, members: Members | None = None) -> SortedMail:
    """Sort mail, with cards by their names: group -> the cards in it; "" for no group."""
    members = members or {}
    cards = [CARDS[name] for names in members.values() for name in names]
    uids = {group: [CARDS[name].uid for name in names] for group, names in members.items() if group}
    return sort_mail(emails, index=Contacts.of(cards, group_list(uids)).index)


def subjects(result: SortedMail) -> Subjects:
    """Return the labels that count, by subject and mail."""
    return {
        key: {labelled.email.id: labelled.labels for labelled in mails}
        for key, mails in result.mails_by_key.items()
    }


def subject_labels(result: SortedMail) -> dict[str, str]:
    """Return the label that each mail gets."""
    assert all(list(patch.values()) == [True] for patch in result.subject_labels.values())
    return {
        key: next(iter(patch)).partition("/")[2] for key, patch in result.subject_labels.items()
    }


@pytest.mark.parametrize("label", ["@ToFeed", "@ToScreener", "@ToSpam"])
@pytest.mark.parametrize(
    ("scope", "subject"), [("@ThisList", LIST), ("@WholeDomain", DOMAIN)], ids=["list", "domain"]
)
def test_a_label_beside_another_says_the_subject(label: str, scope: str, subject: str) -> None:
    result = sort(post("Screener", label, scope))
    assert subjects(result) == {subject: {"m1": {label}}}
    assert not result.subject_labels


@pytest.mark.parametrize(
    ("label", "members", "subject"),
    [
        ("@ToFeed", {}, LIST),
        ("@ToSpam", {}, ADDRESS),
        ("@ToScreener", {}, ADDRESS),
        ("@ToSpam", {"Feed": ["dev"]}, ADDRESS),
        ("@ToFeed", {"": ["bob"]}, LIST),
        ("@ToFeed", {"Imbox": ["bob"]}, LIST),
        ("@ToFeed", {"Jail": ["bob"]}, LIST),
        ("@ToFeed", {"Jail": ["corp"]}, LIST),
    ],
)
def test_a_label_on_a_post_decides_on_the_list(label: str, members: Members, subject: str) -> None:
    """Only a category's label does."""
    assert subjects(sort(post("Screener", label), members=members)) == {subject: {"m1": {label}}}


@pytest.mark.parametrize(
    ("members", "subject"),
    [
        ({}, ADDRESS),
        ({"Feed": ["bob"]}, ADDRESS),
        ({"": ["news"]}, ADDRESS),
        ({"Feed": ["news"]}, NEWS),
        ({"Feed": ["news"], "Jail": ["bob"]}, NEWS),
    ],
)
def test_a_label_on_a_newsletter_decides_on_the_list_if_that_is_decided_on(
    members: Members, subject: str
) -> None:
    result = sort(news("Screener", "@ToJail"), members=members)
    assert subjects(result) == {subject: {"m1": {"@ToJail"}}}


def test_a_label_on_a_letter_decides_on_the_sender_whatever_the_domain() -> None:
    result = sort(mail("Feed", "@ToJail"), members={"Feed": ["corp"]})
    assert subjects(result) == {ADDRESS: {"m1": {"@ToJail"}}}


@pytest.mark.parametrize(
    ("members", "subject", "label"),
    [
        ({"Feed": ["corp"]}, DOMAIN, "@WholeDomain"),
        ({"Feed": ["dev"]}, LIST, "@ThisList"),
        ({"Feed": ["dev"], "Imbox": ["corp", "bob"]}, LIST, "@ThisList"),
        ({"Feed": ["dev"], "Jail": ["bob"]}, ADDRESS, ""),
        ({"Feed": ["bob"], "Imbox": ["corp"]}, ADDRESS, ""),
        ({"": ["corp"]}, ADDRESS, ""),
        ({}, ADDRESS, ""),
    ],
)
def test_the_way_back_takes_back_the_decision_that_holds(
    members: Members, subject: str, label: str
) -> None:
    """If only the address book says the subject, the mail gets the label that does."""
    result = sort(post("Feed", "@ToScreener"), members=members)
    assert subjects(result) == {subject: {"m1": {"@ToScreener"}}}
    assert subject_labels(result) == ({"m1": label} if label else {})
    (labelled,) = result.mails_by_key[subject]
    assert (label in labelled.email.mailbox_ids) is bool(label)


def test_the_way_back_beside_a_category_decides_on_one_subject() -> None:
    """Mail with labels that contradict one another is a conflict of one subject."""
    result = sort(mail("Feed", "@ToScreener", "@ToJail"), members={"Feed": ["corp"]})
    assert subjects(result) == {ADDRESS: {"m1": {"@ToScreener", "@ToJail"}}}
    assert not result.subject_labels


@pytest.mark.parametrize("scope", ["@ThisList", "@WholeDomain"])
def test_a_label_of_the_subject_waits_alone(scope: str) -> None:
    result = sort(post("Screener", scope))
    assert not result.mails_by_key
    assert not result.unusable
    assert not result.leftovers


@pytest.mark.parametrize("scope", ["@ThisList", "@WholeDomain"])
def test_a_label_of_the_subject_that_waits_loses_the_error_label(scope: str) -> None:
    result = sort(post("Screener", scope, "@MailroomError"))
    assert [email.id for email in result.leftovers] == ["m1"]


@pytest.mark.parametrize(
    ("scope", "subject"), [("@ThisList", LIST), ("@WholeDomain", DOMAIN)], ids=["list", "domain"]
)
def test_a_label_of_the_subject_extends_the_decision_that_holds(scope: str, subject: str) -> None:
    result = sort(post("Feed", scope), members={"Feed": ["bob"]})
    assert subjects(result) == {subject: {"m1": {"@ToFeed"}}}
    assert not result.subject_labels


@pytest.mark.parametrize(
    "members",
    [{"": ["bob"]}, {"": ["corp"]}, {"": ["dev"]}, {"Friends": ["bob"]}],
)
def test_a_card_without_a_decision_is_not_extended(members: Members) -> None:
    assert not sort(post("Screener", "@WholeDomain"), members=members).mails_by_key


def test_a_decision_of_the_same_pass_is_extended() -> None:
    """The sender's letter is decided on, and the label of the list is on another mail."""
    result = sort(
        mail("Screener", "@ToFeed", email_id="letter"),
        post("Screener", "@ThisList", email_id="post"),
    )
    assert subjects(result) == {ADDRESS: {"letter": {"@ToFeed"}}, LIST: {"post": {"@ToFeed"}}}


@pytest.mark.parametrize("label", ["@ToScreener", "@ToSpam"])
def test_what_is_no_category_is_not_extended(label: str) -> None:
    result = sort(
        mail("Screener", label, email_id="letter"),
        post("Screener", "@ThisList", email_id="post"),
    )
    assert subjects(result) == {ADDRESS: {"letter": {label}}}


def test_a_label_on_one_mail_says_nothing_about_another_mail_of_the_sender() -> None:
    """The label for the domain extends the sender's new decision. It moves no other label's."""
    result = sort(
        mail("Screener", "@WholeDomain", email_id="m1"), mail("Screener", "@ToFeed", email_id="m2")
    )
    assert subjects(result) == {DOMAIN: {"m1": {"@ToFeed"}}, ADDRESS: {"m2": {"@ToFeed"}}}


def test_a_label_on_one_mail_says_nothing_about_mail_of_another_sender() -> None:
    result = sort(
        mail("Screener", "@WholeDomain", email_id="m1"),
        mail("Screener", "@ToFeed", email_id="m2", sender=AL),
    )
    assert subjects(result) == {"al@corp.example": {"m2": {"@ToFeed"}}}


def test_the_label_of_a_list_holds_for_that_list_only() -> None:
    result = sort(
        news("Screener", "@ThisList", email_id="m1"),
        news("Screener", "@ToFeed", email_id="m2"),
        mail("Screener", "@ToPaperTrail", email_id="receipt"),
    )
    assert subjects(result) == {
        NEWS: {"m1": {"@ToFeed"}, "m2": {"@ToFeed"}},
        ADDRESS: {"receipt": {"@ToPaperTrail"}},
    }


def test_the_list_comes_before_the_domain() -> None:
    """Both labels are on mails of one sender, each on another mail."""
    result = sort(
        post("Screener", "@ThisList", "@ToFeed", email_id="post"),
        mail("Screener", "@WholeDomain", "@ToJail", email_id="letter"),
    )
    assert subjects(result) == {LIST: {"post": {"@ToFeed"}}, DOMAIN: {"letter": {"@ToJail"}}}


def test_posts_of_several_senders_have_one_subject() -> None:
    result = sort(
        post("Screener", "@ToFeed", email_id="m1"),
        post("Screener", "@ToFeed", email_id="m2", sender=OTHER),
    )
    assert subjects(result) == {LIST: {"m1": {"@ToFeed"}, "m2": {"@ToFeed"}}}


@pytest.mark.parametrize(
    ("email", "reason"),
    [
        (post("Screener", "@ThisList", "@WholeDomain", "@ToFeed"), "both the label"),
        (post("Screener", "@ThisList", "@WholeDomain"), "both the label"),
        (mail("Screener", "@ThisList", "@ToFeed"), "no List-Id"),
        (mail("Screener", "@ThisList", "@ToFeed", list_id=" <> "), "no List-Id"),
        (
            mail("Screener", "@WholeDomain", "@ToFeed", sender="Al <al@gmail.example>"),
            "a mail provider",
        ),
        (mail("Screener", "@WholeDomain", sender="Al <al@GMAIL.example>"), "a mail provider"),
    ],
)
def test_a_label_that_cannot_be_acted_on_has_a_reason(email: Email, reason: str) -> None:
    result = sort(email)
    ((unusable, told),) = result.unusable
    assert unusable == email
    assert reason in told
    assert not result.mails_by_key


def test_the_answer_beside_a_refused_domain_is_the_senders() -> None:
    """The refused label is on one mail, and the triage label on another mail of the sender."""
    refused = mail("Screener", "@WholeDomain", email_id="m1", sender="Al <al@gmail.example>")
    answer = mail("Screener", "@ToFeed", email_id="m2", sender="Al <al@gmail.example>")
    result = sort(refused, answer)
    assert [email.id for email, _ in result.unusable] == ["m1"]
    assert subjects(result) == {"al@gmail.example": {"m2": {"@ToFeed"}}}


def test_spam_needs_a_mailbox_for_it() -> None:
    places = replace(PLACES, junk=frozenset())
    ((_, reason),) = sort_mail([mail("Screener", "@ToSpam")], places=places).unusable
    assert "no mailbox with the role junk" in reason


@pytest.mark.parametrize("members", [{}, {"": ["bob"]}, {"Feed": ["bob"]}, {"Feed": ["corp"]}])
@pytest.mark.parametrize("labels", [("@WholeDomain", "@ToJail"), ("@WholeDomain", "@ToScreener")])
def test_the_sender_of_the_labelled_mail_follows_the_domain(
    members: Members, labels: tuple[str, ...]
) -> None:
    """Else a card of the sender's own would count more than the domain's."""
    result = sort(mail("Screener", *labels), members=members)
    assert result.companions == {DOMAIN: {ADDRESS}}


@pytest.mark.parametrize("label", ["@ToJail", "@ToScreener"])
def test_the_poster_does_not_follow_a_list(label: str) -> None:
    result = sort(post("Screener", "@ThisList", label), members={"Feed": ["bob", "dev"]})
    assert not result.companions


# Two mails with labels in one pass


@pytest.mark.parametrize(
    ("scope", "subject"), [("@ThisList", LIST), ("@WholeDomain", DOMAIN)], ids=["list", "domain"]
)
def test_the_way_back_contradicts_a_label_for_its_list_or_domain(scope: str, subject: str) -> None:
    """Also if the address book knows nothing yet, as before and after a pass that was killed."""
    result = sort(
        post("Screener", scope, "@ToFeed", email_id="m1"),
        post("Screener", "@ToScreener", email_id="m2"),
    )
    assert subjects(result) == {subject: {"m1": {"@ToFeed"}, "m2": {"@ToScreener"}}}
    assert subject_labels(result) == {"m2": scope}


@pytest.mark.parametrize("labels", [("@ThisList", "@ToPaperTrail"), ("@ThisList",)])
def test_a_label_on_a_newsletter_decides_on_the_list_if_another_label_does(
    labels: tuple[str, ...],
) -> None:
    result = sort(
        news("Screener", "@ToFeed", email_id="m1"), news("Screener", *labels, email_id="m2")
    )
    assert result.mails_by_key.keys() == {NEWS}
    assert {labelled.email.id for labelled in result.mails_by_key[NEWS]} == {"m1", "m2"}


def test_the_way_back_of_a_list_contradicts_a_label_that_extends_to_it() -> None:
    """Whether the sender's label is still there, or was acted on by a pass that was cut short."""
    extending = news("@ThisList", email_id="m2")
    back = news("@ThisList", "@ToScreener", email_id="m3")
    expected = {"m2": {"@ToFeed"}, "m3": {"@ToScreener"}}
    before = sort(mail("@ToFeed"), extending, back)
    assert subjects(before)[NEWS] == expected
    after = sort(extending, back, members={"Feed": ["bob"]})
    assert subjects(after)[NEWS] == expected


@pytest.mark.parametrize("label", ["@ToSpam", "@ToScreener"])
@pytest.mark.parametrize("card_of", ["bob", "corp"])
def test_a_decision_that_is_taken_back_is_not_extended(label: str, card_of: str) -> None:
    """The label waits, as it does if a pass was cut short after the decision was taken back."""
    alone = news("@ThisList", email_id="m2")
    result = sort(mail(label), alone, members={"Feed": [card_of]})
    if label == "@ToScreener" or card_of == "bob":
        assert NEWS not in result.mails_by_key
    else:
        # Spam concerns the sender, so the decision on the domain still holds.
        assert subjects(result)[NEWS] == {"m2": {"@ToFeed"}}
