"""The commands check, setup, triage and explain: their output, and their exit codes."""

import asyncio
import base64
import json
import re
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from tests.support.owner.person import Person, message
from tests.support.owner.vcard_app import note
from tests.support.service.forked import command
from tests.support.service.process import Finished, environment, interpret

JANE = "Jane Doe <jane@corp.example>"
BOB = "Bob Builder <bob@corp.example>"
BOBS_CARD = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:bob\r\nFN:Bob Builder\r\nN:Builder;Bob;;;\r\n"
    "EMAIL:bob@corp.example\r\nEMAIL:bob@home.example\r\nEND:VCARD\r\n"
)
GROUPS = ["Imbox", "Feed", "Paper Trail", "Jail", "Person", "Billboard", "Truck", "Mailroom"]
WRONG = "wrong-and-never-to-be-seen"


async def done(person: Person, *arguments: str, **more: str) -> Finished:
    """Run a command that has to succeed."""
    finished = await command(environment(person, **more), *arguments)
    assert finished.code == 0, finished.err
    return finished


# triage


async def busy(alice: Person) -> None:
    """Bring about every kind of work that a pass can have."""
    await alice.contacts.put_card("bob", BOBS_CARD)
    known = await alice.receive(message("news@loom.example", "undone"), message(BOB, "changed"))
    await alice.tap(known, "@ToFeed")
    await done(alice, "triage")
    labels = {
        "person": (JANE, "@ToPerson"),
        "odd name": ("Your Bank <bob@home.example>", "@ToPaperTrail"),
        "undo": ("The Loom <news@loom.example>", "@ToScreener"),
        "conflict 1": ("al@corp.example", "@ToFeed"),
        "conflict 2": ("Al <AL@corp.example>", "@ToJail"),
        "nobody": ('"X" <>', "@ToJail"),
    }
    for subject, (sender, label) in labels.items():
        (mail,) = await alice.receive(message(sender, subject))
        await alice.tap(mail, label)
    await alice.receive(message(JANE, "earlier 1"), message(JANE, "earlier 2"))
    await alice.receive(message("al@corp.example", "of the conflict"), message("x@y.example", "x"))
    await alice.receive(message(JANE, "archived"), into={"Archive"})
    (own,) = await alice.receive(message(f"Me <{alice.name}@example.com>", "own"), into={"Sent"})
    (healed,) = await alice.receive(message("cy@corp.example", "healed"))
    await alice.tap(own, "@ToFeed")
    await alice.tap(healed, "@MailroomError")


async def state(person: Person) -> dict[str, Any]:
    """Everything that a write would change: states of mail, versions of cards."""
    query = '<D:propfind xmlns:D="DAV:"><D:prop><D:getetag/></D:prop></D:propfind>'
    _, answer, _ = await person.contacts.dav(
        "PROPFIND", person.contacts.book_url, query, Depth="1", Content_Type="application/xml"
    )
    return {
        "email": (await person.jmap("Email/get", {"ids": []}))["state"],
        "mailbox": (await person.jmap("Mailbox/get", {"ids": []}))["state"],
        "cards": sorted(re.findall(r"href>([^<]+\.vcf)<.*?getetag>([^<]+)<", answer, re.DOTALL)),
    }


async def mailboxes_by_mail(person: Person) -> dict[str, set[str]]:
    return {mail.id: set(mail.mailboxes) for mail in await person.mails()}


async def groups_by_uid(person: Person) -> dict[str, set[str]]:
    groups = await person.groups()
    return {
        uid: {name for name, members in groups.items() if uid in members}
        for uid in set().union(*groups.values())
    }


@pytest.mark.parametrize("options", [[], ["--json"]], ids=["text", "JSON"])
async def test_a_dry_run_says_what_triage_does_and_does_nothing(
    alice: Person, options: list[str]
) -> None:
    await busy(alice)
    before = await state(alice)
    dry = await done(alice, "triage", "--dry-run", *options)
    assert await state(alice) == before
    assert dry.err == "A dry run: nothing was changed.\n"

    real = await done(alice, "triage", *options)
    assert await state(alice) != before
    assert real.err == "3 decisions carried out, 7 mails filed.\n"
    if options:
        kinds = ("failures", "marks_failed", "new_mail_failed", "late")
        outcome: dict[str, Any] = {kind: {} for kind in kinds}
        outcome["new_mail_unscreened"] = ""
        plan = json.loads(without_time(dry.out))
        assert json.loads(without_time(real.out)) == {**plan, **outcome}
    else:
        assert without_time(real.out) == without_time(dry.out)


def without_time(output: str) -> str:
    """Return an output without the times of day in notes, which may differ by a minute."""
    return re.sub(r" at [0-9]{2}:[0-9]{2}", "", output)


async def test_what_a_dry_run_says_is_what_happens(alice: Person) -> None:
    await busy(alice)
    plan = json.loads((await done(alice, "triage", "--dry-run", "--json")).out)
    mails, groups = await mailboxes_by_mail(alice), await groups_by_uid(alice)
    for move in (plan["marks"], *(decision["moves"] for decision in plan["decisions"])):
        for mail_id, change in move.items():
            mails[mail_id] = mails[mail_id] - set(change["remove"]) | set(change["add"])
    for edit in (edit for decision in plan["decisions"] for edit in decision["contacts"]):
        names = groups.setdefault(edit["uid"], set())
        groups[edit["uid"]] = names - set(edit["leaves"]) | set(edit["joins"])
    expected_groups = {uid: names for uid, names in groups.items() if names}

    await done(alice, "triage")
    assert await mailboxes_by_mail(alice) == mails
    assert await groups_by_uid(alice) == expected_groups
    for decision in plan["decisions"]:
        for edit in decision["contacts"]:
            if edit["change"] == "delete":
                assert await alice.contacts.cards_of(decision["addresses"][0]) == []
            else:
                card = await alice.contacts.card_of(decision["addresses"][0])
                assert note(card)[-1] == edit["note"]


async def test_a_plan_tells_everything_that_waits_for_a_person(alice: Person) -> None:
    await busy(alice)
    text = (await done(alice, "triage", "--dry-run")).out
    for line in (
        r"jane@corp.example -> Person  \[[0-9a-f]{8}\]",
        r'  creates the contact "Jane Doe", a person',
        r'  notes "Triaged to Person on \d{4}-\d\d-\d\d at \d\d:\d\d"',
        r"  contact groups: \+Imbox, \+Mailroom, \+Person",
        r"  1 mail: \+Imbox, \+Inbox, \+Person, -@ToPerson, -Screener",
        r"  2 mails: \+Imbox, \+Inbox, \+Person, -Screener",
        r"bob@corp.example, bob@home.example -> Paper Trail  \[.*\]",
        r'  keeps the contact "Bob Builder"',
        r'  notes "Re-triaged to Paper Trail on .*"',
        r"  contact groups: \+Paper Trail, -Feed",
        r"  warning: the name in From is not the contact's",
        r"news@loom.example -> back to the Screener  \[.*\]",
        r'  deletes the contact "news@loom.example", which Mailroom made',
        r"al@corp.example: has different labels: @ToFeed, @ToJail",
        r"mail M\w+: From has no usable address",
        r"3 mails without a decision: \+@MailroomError",
        r"1 mail of your own: \+Sent, -@ToFeed",
    ):
        assert re.search(f"(?m)^{line}$", text), line
    plan = json.loads((await done(alice, "triage", "--dry-run", "--json")).out)
    (conflict,), (unusable,) = plan["conflicts"], plan["unusable"]
    assert conflict["addresses"] == ["al@corp.example"]
    assert conflict["labels"] == ["@ToFeed", "@ToJail"]
    assert unusable == {
        "mail": (await alice.mail("nobody")).id,
        "reason": "From has no usable address",
    }


async def test_nothing_to_do(alice: Person) -> None:
    for options in ([], ["--dry-run"]):
        finished = await done(alice, "triage", *options)
        assert finished.out == "Nothing to do: no mail bears a triage label.\n"
    plan = json.loads((await done(alice, "triage", "--dry-run", "--json")).out)
    assert plan == {
        "decisions": [],
        "conflicts": [],
        "unusable": [],
        "marks": {},
        "new_mail": [],
        "refused": [],
    }


async def test_new_mail_is_screened_by_a_single_pass_as_well(alice: Person) -> None:
    (mail,) = await alice.receive(message("cy@corp.example", "new"), into={"Inbox"})
    arrivals = {"MAILROOM_ARRIVALS_ENABLED": "true"}
    lines = ["new mail of cy@corp.example: the sender is unknown", "  1 mail: +Screener, -Inbox"]

    dry = await done(alice, "triage", "--dry-run", **arrivals)
    assert dry.out.splitlines() == lines
    assert await alice.where("new") == {"Inbox"}
    data = json.loads((await done(alice, "triage", "--json", **arrivals)).out)
    assert data["new_mail"] == [
        {
            "mail": mail,
            "sender": "cy@corp.example",
            "rule": "unknown",
            "add": ["Screener"],
            "remove": ["Inbox"],
        }
    ]
    assert data["new_mail_failed"] == {}
    assert await alice.where("new") == {"Screener"}
    nothing = await done(alice, "triage", **arrivals)
    assert nothing.out == (
        "Nothing to do: no mail bears a triage label, and no new mail has to move.\n"
    )


async def test_an_address_is_explained(alice: Person) -> None:
    await alice.receive(message("cy@corp.example", "one"))
    finished = await done(alice, "explain", "cy@corp.example")
    assert finished.out.startswith("cy@corp.example\n  contact   none\n  mail      1 in Screener\n")
    data = json.loads((await done(alice, "explain", "cy@corp.example", "--json")).out)
    assert data["mails"] == {"Screener": 1}
    wrong = await command(environment(alice), "explain", "nobody")
    assert (wrong.code, wrong.err) == (2, "'nobody' is no address, no *@domain and no List-Id\n")


# check


async def test_a_check_of_a_sound_account(alice: Person) -> None:
    before = await state(alice)
    text = await done(alice, "check")
    lines = text.out.splitlines()
    assert [line for line in lines if line.startswith("BAD")] == []
    assert f"ok   JMAP: signed in as {alice.name}, account {alice.name}" in lines
    assert f"       MAILROOM_JMAP_USERNAME = {alice.name}" in lines
    assert "       MAILROOM_JMAP_PASSWORD = set" in lines
    assert "ok   mailboxes and groups: all there" in lines
    assert "ok   push: eventsource is alive" in lines
    assert lines[-1].strip() == "Nothing to do: no mail bears a triage label."
    assert text.err == ""

    data = json.loads((await done(alice, "check", "--json")).out)
    assert data["exit_code"] == 0
    assert {finding["code"] for finding in data["findings"]} == {0}
    assert data["settings"]["MAILROOM_CARDDAV_PASSWORD"] == "set"
    assert data["settings"]["MAILROOM_POLL_INTERVAL"] == "300"
    assert await state(alice) == before


async def test_a_check_tells_what_a_pass_would_do(alice: Person) -> None:
    (mail,) = await alice.receive(message(JANE, "mail"))
    await alice.tap(mail, "@ToFeed")
    plan = (await done(alice, "triage", "--dry-run")).out
    shown = (await done(alice, "check", MAILROOM_PUSH_TRANSPORT="off")).out
    assert "ok   push: off: new labels are found by the poll only" in shown
    assert "".join(f"       {line}\n" for line in plan.splitlines()) in shown


BAD = {
    "JMAP password": ({"MAILROOM_JMAP_PASSWORD": WRONG}, 3, "credentials refused"),
    "CardDAV password": ({"MAILROOM_CARDDAV_PASSWORD": WRONG}, 3, "credentials refused"),
    "settings": ({"MAILROOM_POLL_INTERVAL": WRONG}, 2, "MAILROOM_POLL_INTERVAL: must be a number"),
    "account": ({"MAILROOM_JMAP_ACCOUNT": "nobody"}, 2, "no account 'nobody'"),
    "server": ({"MAILROOM_JMAP_SESSION_URL": "http://127.0.0.1:1/"}, 1, "127.0.0.1"),
    "mailbox": ({"MAILROOM_SCREENER_MAILBOX": "Elsewhere"}, 4, "Elsewhere"),
    "group": ({"MAILROOM_SCREENER_PROVENANCE_GROUP": "Made"}, 4, "Made"),
    "purpose": (
        {"MAILROOM_SCREENER_MAILBOX": "Trash", "MAILROOM_SCREENER_LABEL": "@ToScreener"},
        2,
        "Trash",
    ),
}


def no_secret_in(finished: Finished, person: Person, *secrets: str) -> bool:
    """Return True if nothing that was printed has a password, in plain text or in Base64."""
    passwords = (person.password, *secrets)
    headers = [
        base64.b64encode(f"{person.name}:{password}".encode()).decode() for password in passwords
    ]
    printed = finished.out + finished.err
    return not any(secret in printed for secret in (*passwords, *headers))


@pytest.mark.parametrize("what", BAD)
async def test_a_check_says_what_is_wrong(alice: Person, what: str) -> None:
    wrong, code, why = BAD[what]
    text, data = await asyncio.gather(
        command(environment(alice, **wrong), "check"),
        command(environment(alice, **wrong), "check", "--json"),
    )
    assert (text.code, data.code) == (code, code)
    assert why in text.out + text.err
    assert why in data.out + data.err
    for finished in (text, data):
        assert "Traceback" not in finished.err
        assert no_secret_in(finished, alice, WRONG)
    if what != "settings":
        assert re.search(r"(?m)^BAD  ", text.out)
        assert json.loads(data.out)["exit_code"] == code


async def test_a_check_looks_at_the_rest_when_one_thing_is_bad(alice: Person) -> None:
    finished = await command(environment(alice, MAILROOM_CARDDAV_PASSWORD=WRONG), "check")
    assert "ok   JMAP: signed in" in finished.out
    assert "BAD  contacts: " in finished.out
    assert "BAD  mailboxes and groups: not looked at, for the same reason" in finished.out
    assert "ok   push: eventsource is alive" in finished.out
    assert finished.out.count("credentials refused") == 1


@pytest.mark.parametrize("arguments", [["triage"], ["triage", "--dry-run"], ["setup"]], ids=str)
@pytest.mark.parametrize("what", ["JMAP password", "CardDAV password", "server", "account"])
async def test_other_commands_end_in_one_line_and_a_code(
    alice: Person, arguments: list[str], what: str
) -> None:
    (mail,) = await alice.receive(message(JANE, "mail"))
    await alice.tap(mail, "@ToFeed")
    wrong, code, why = BAD[what]
    finished = await command(environment(alice, **wrong), *arguments)
    assert finished.code == code
    assert finished.out == ""
    (line,) = finished.err.splitlines()
    assert why in line
    assert no_secret_in(finished, alice, WRONG)


@pytest.mark.parametrize("what", ["mailbox", "group"])
async def test_triage_names_what_is_missing(alice: Person, what: str) -> None:
    (mail,) = await alice.receive(message(JANE, "mail"))
    await alice.tap(mail, "@ToFeed")
    wrong, code, why = BAD[what]
    finished = await command(environment(alice, **wrong), "triage")
    assert finished.code == code
    assert finished.err.endswith("(`mailroom setup --apply` creates them)\n")
    assert why in finished.err
    assert await alice.where("mail") == {"Screener", "@ToFeed"}


# setup


async def test_setup_shows_first_and_creates_when_told(person: Person) -> None:
    before = await state(person)
    shown = (await done(person, "setup")).out
    assert await state(person) == before
    assert shown.startswith("Missing (`mailroom setup --apply` creates them):\n")
    assert len(re.findall("(?m)^  mailbox  ", shown)) == 21
    assert len(re.findall("(?m)^  group    ", shown)) == 8

    applied = (await done(person, "setup", "--apply")).out
    created = applied.removeprefix("Creating:\n").partition("Done.\n")[0]
    assert shown.partition("\n")[2].startswith(created)
    after = await state(person)
    assert await person.groups() == {name: set() for name in GROUPS}

    again = (await done(person, "setup", "--apply")).out
    assert again.startswith("All mailboxes and contact groups are there.\n")
    assert await state(person) == after
    assert (await done(person, "check", MAILROOM_PUSH_TRANSPORT="off")).code == 0


async def test_setup_makes_only_what_is_missing(alice: Person) -> None:
    mailboxes = await alice.mailboxes()
    gone = {"destroy": [mailboxes["@ToTruck"]], "onDestroyRemoveEmails": True}
    await alice.jmap("Mailbox/set", gone)
    (jail,) = [name for name, lines in (await alice.contacts.cards()).items() if "FN:Jail" in lines]
    await alice.contacts.dav("DELETE", alice.contacts.book_url + jail)
    applied = (await done(alice, "setup", "--apply")).out
    assert applied.startswith("Creating:\n  mailbox  @ToTruck\n  group    Jail\nDone.\n")
    assert (await alice.mailboxes()).keys() == mailboxes.keys()


async def test_setup_creates_paths(person: Person) -> None:
    categories = [
        {"name": "Imbox", "add_to_inbox": True, "destination": "Inbox/Imbox"},
        {"name": "Weekly", "destination": "Reading/Newsletters/Weekly", "label": "Labels/@Weekly"},
        {"name": "Daily", "destination": "Reading/Daily", "label": "Labels/@Daily"},
    ]
    settings = {
        "MAILROOM_CATEGORIES": json.dumps(categories),
        "MAILROOM_SCREENER_MAILBOX": "Inbox/Screener",
    }
    await person.create_mailbox("Reading")
    await done(person, "setup", "--apply", **settings)
    paths = await person.mailboxes()
    assert len([path for path in paths if path.startswith("Reading")]) == 4
    weekly = await person.jmap("Mailbox/get", {"ids": [paths["Reading/Newsletters/Weekly"]]})
    assert weekly["list"][0]["isSubscribed"]
    again = await done(person, "setup", "--apply", **settings)
    assert again.out.startswith("All mailboxes and contact groups are there.\n")
    assert (await person.mailboxes()) == paths

    one, two, three = await person.receive(
        message(JANE, "one"), message(BOB, "two"), message("x@y.example", "3"),
        into={"Inbox/Screener"},
    )  # fmt: skip
    for mail, label in ((one, "Labels/@Weekly"), (two, "@ToImbox"), (three, "@ToScreener")):
        await person.tap(mail, label)
    await done(person, "triage", **settings)
    assert await person.where("one") == {"Reading/Newsletters/Weekly"}
    assert await person.where("two") == {"Inbox/Imbox", "Inbox"}
    assert await person.where("3") == {"Inbox/Screener"}


async def test_setup_prints_the_rules_for_the_provider(alice: Person) -> None:
    rules = (await done(alice, "setup")).out.partition("\n\n")[2]
    assert re.findall(r"(?m)^\d\. .*fromin:(.*)\):$", rules) == [
        '"Imbox"', '"Feed"', '"Paper Trail"', '"Jail"', '"Person"', '"Billboard"', '"Truck"',
        "contacts",
    ]  # fmt: skip
    assert rules.count("keep it in the Inbox") == 2
    assert rules.count("go on with the next rule") == 7
    assert max(map(len, rules.splitlines())) <= 80


# The command line itself


async def entry_point(*arguments: str, environ: Mapping[str, str] | None = None) -> Finished:
    """Run the ``mailroom`` that is installed beside this Python."""
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("mailroom")),
        *arguments,
        env={"PYTHONWARNINGS": "error", **(environ or {})},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return Finished(process.returncode or 0, out.decode(), err.decode())


async def test_the_entry_point_and_the_module_are_the_same(alice: Person) -> None:
    env = environment(alice)
    assert (await entry_point("setup", environ=env)) == await command(
        env, "setup", launch=interpret
    )
    finished = await entry_point("--version")
    assert finished == await command({}, "--version", launch=interpret)
    assert (finished.code, finished.out) == (0, f"mailroom {version('mailroom')}\n")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["frob"], "frob"),
        (["--frob"], "--frob"),
        (["triage", "--frob"], "--frob"),
        (["check", "extra"], "extra"),
        (["run", "--json"], "--json"),
    ],
    ids=str,
)
async def test_an_unknown_command_or_option_is_named(arguments: list[str], named: str) -> None:
    finished = await entry_point(*arguments)
    assert finished.code == 2
    assert named in finished.err
    assert finished.out == ""
