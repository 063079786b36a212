"""Mistakes of programs like this one that Mailroom must not make, each with its test.

Tests without a file name are below.

- Mail that is not in the search index is left behind:
  ``test_mail_that_no_search_index_knows_is_swept``, and all of ``tests/behaviour`` on a server that
  never indexes anything.
- ``"X" <>`` makes an empty contact; a From without an address is tried for ever, in silence:
  ``tests/behaviour/test_exactness.py`` (``test_a_from_that_names_nobody_gets_the_error_label``).
- A labelled conversation sends one's own replies to Jail: ``tests/behaviour/test_left_alone.py``
  (``test_a_labelled_conversation_leaves_ones_own_replies_alone``).
- Mail in Trash, Junk, Sent and Drafts is filed: ``tests/behaviour/test_left_alone.py``
  (``test_mail_elsewhere_stays``, ``test_mail_in_the_screener_and_in_one_of_these_stays``).
- Half of the mail of a contact with two addresses moves: ``tests/behaviour/test_exactness.py``
  (``test_all_addresses_of_a_card_are_swept``).
- Two labels, and the address in different letter case: ``tests/behaviour/test_conflicts.py``
  (``test_two_labels_on_two_mails_heal_as_well``).
- A hundred stuck mails under a label block all later senders: ``tests/behaviour/test_meanwhile.py``
  (``test_many_stuck_mails_hold_up_nobody``).
- A rewritten card loses what is behind a comma; one odd card crashes the start:
  ``test_cards_kept.py`` (all of it), ``tests/behaviour/test_changes_of_mind.py``.
- A 412 or 403 on a contact write counts as success: ``tests/behaviour/test_meanwhile.py``
  (``test_what_somebody_writes_meanwhile_is_not_lost``,
  ``test_a_refused_contact_keeps_the_label_on``).
- kill -9 between a card and its groups: ``test_stopping.py``
  (``test_killed_anywhere_and_started_again``), and ``tests/faults/test_killed.py``.
- Two instances make contacts twice: ``tests/behaviour/test_meanwhile.py``
  (``test_two_instances_make_one_contact_each``).
- A stream that closes at once is opened 41 times a second, a silent one is not noticed, mail that
  was labelled during an outage waits: ``tests/unit/test_push_loop.py``,
  ``tests/unit/test_push_silence.py``, and the outages in this folder.
- A label that is on at the start waits for the poll: ``tests/behaviour/test_meanwhile.py``
  (``test_a_label_that_is_on_at_the_start_needs_no_push_and_no_poll``).
- A 503 on one request of four, or on all, or with Retry-After; SIGTERM in a sweep:
  ``tests/unit/test_http_repeating.py``, ``tests/unit/test_failure_policy.py``, and the outages in
  this folder.
- Requests in sequence for each sender or mail: the scale tests in this folder, and
  ``tests/behaviour/test_requests.py``.
- Its own writes trigger a useless pass: ``tests/behaviour/test_requests.py``
  (``test_own_writes_start_no_pass``).
- An undo that takes labels off before it adds one: ``tests/unit/test_patches.py`` and
  ``tests/behaviour/test_changes_of_mind.py``.
"""

from tests.e2e.conftest import Start
from tests.support.owner.person import Person, message

ADDRESS = "jane@corp.example"
SENDER = f"Jane Doe <{ADDRESS}>"


async def test_mail_that_no_search_index_knows_is_swept(alice: Person, start: Start) -> None:
    await alice.cyrus.indexer("off")
    try:
        subjects = [f"mail {number}" for number in range(5)]
        (mail, *_) = await alice.receive(*(message(SENDER, subject) for subject in subjects))
        async with start(alice):
            await alice.tap(mail, "@ToFeed")
            await alice.until_triaged()
        assert {mail.mailboxes for mail in await alice.mails()} == {frozenset({"Feed"})}
    finally:
        await alice.cyrus.indexer("on")
