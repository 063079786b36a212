"""Several accounts: what each is told, what holds for all, and what may go wrong with it."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from mailroom.settings import Settings, SettingsError, describe, load_settings, sources
from mailroom.settings.shard import Shard

TWO = """
jmap: {session_url: "https://mail.example.com/jmap"}
carddav: {url: "https://mail.example.com/"}
poll: {interval: 60}
categories: [{name: Imbox}, {name: Feed}]
accounts:
  anna:
    jmap: {username: anna, password: lime-lime}
  ben:
    jmap: {username: ben, password: plum-plum}
    poll: {interval: 90}
    categories: [{name: Circus}]
"""


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "DEFAULT_SECRETS_DIR", "secrets")


def load(cwd: Path, content: str = TWO, environ: Mapping[str, str] | None = None) -> Settings:
    (cwd / "mailroom.yaml").write_text(content)
    return load_settings(environ or {}, cwd=cwd)


def mistakes(cwd: Path, content: str, environ: Mapping[str, str] | None = None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(cwd, content, environ)
    for secret in ("lime-lime", "plum-plum"):
        assert secret not in str(caught.value)
    return list(caught.value.mistakes)


def test_a_single_account_has_no_name_and_is_all_there_is(tmp_path: Path) -> None:
    settings = load(tmp_path, "", {"MAILROOM_JMAP_TOKEN": "lime-lime"})
    assert settings.accounts == settings.served == (settings,)
    assert settings.name == ""
    assert not settings.has_several


def test_what_an_account_says_for_itself_beats_what_is_said_for_all(tmp_path: Path) -> None:
    anna, ben = load(tmp_path).accounts
    assert (anna.name, anna.poll.interval) == ("anna", 60)
    assert (ben.name, ben.poll.interval) == ("ben", 90)
    assert [each.name for each in anna.categories] == ["Imbox", "Feed"]
    assert [each.name for each in ben.categories] == ["Circus"]
    assert anna.jmap.session_url == ben.jmap.session_url
    assert anna.carddav.username == "anna"


def test_an_account_beats_even_the_environment_for_all(tmp_path: Path) -> None:
    anna, ben = load(tmp_path, environ={"MAILROOM_POLL_INTERVAL": "120"}).accounts
    assert (anna.poll.interval, ben.poll.interval) == (120, 90)


def test_an_accounts_variables_and_secrets_are_called_after_it(tmp_path: Path) -> None:
    content = TWO.replace("password: lime-lime", "account: a").replace(", password: plum-plum", "")
    (tmp_path / "secrets").mkdir()
    for name, text in {"anna_jmap_password": "lime-lime", "anna_poll_interval": "70"}.items():
        (tmp_path / f"secrets/mailroom_accounts_{name}").write_text(f"{text}\n")
    environ = {
        "MAILROOM_ACCOUNTS_BEN_JMAP_PASSWORD": "plum-plum",
        "MAILROOM_ACCOUNTS_ANNA_POLL_INTERVAL": "80",
    }
    anna, ben = load(tmp_path, content, environ).accounts
    assert anna.jmap.password.get_secret_value() == "lime-lime"
    assert ben.jmap.password.get_secret_value() == "plum-plum"
    assert anna.poll.interval == 80
    shown = {each.variable: each.origin for each in describe(anna)}
    assert shown["MAILROOM_JMAP_PASSWORD"] == "secret file mailroom_accounts_anna_jmap_password"
    assert shown["MAILROOM_JMAP_ACCOUNT"] == "mailroom.yaml: accounts.anna.jmap.account"
    assert shown["MAILROOM_POLL_INTERVAL"] == "MAILROOM_ACCOUNTS_ANNA_POLL_INTERVAL"


def test_secrets_alone_are_enough_for_an_account(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    for name in ("x1", "my-mother"):
        (tmp_path / f"secrets/mailroom_accounts_{name}_jmap_token").write_text(name)
    settings = load(tmp_path, "accounts:\n  x1:\n")
    assert [each.name for each in settings.accounts] == ["x1", "my-mother"]
    assert settings.secrets() >= {"x1", "my-mother"}


def test_every_mistake_of_every_account_is_listed_once(tmp_path: Path) -> None:
    content = TWO.replace("interval: 90", "interval: 0").replace("password: lime-lime", "tokn: x")
    assert mistakes(tmp_path, content, {"MAILROOM_PUSH_SETTLE": "soon"}) == [
        "mailroom.yaml: accounts.anna.jmap.tokn: unknown; did you mean jmap.token?",
        "MAILROOM_PUSH_SETTLE: must be a number",
        "mailroom.yaml: accounts.ben.poll.interval: must be greater than or equal to 1",
        (
            "MAILROOM_ACCOUNTS_ANNA_JMAP_PASSWORD: is missing,"
            " because mailroom.yaml: accounts.anna.jmap.username is set"
        ),
    ]


def test_who_somebody_is_cannot_be_said_for_all(tmp_path: Path) -> None:
    environ = {"MAILROOM_JMAP_TOKEN": "lime-lime", "MAILROOM_CARDDAV_PASSWORD": "plum-plum"}
    found = mistakes(tmp_path, "accounts: {anna: , ben: }", environ)
    for name in environ:
        assert f"{name}: must be set for each of the accounts, not for all" in found


def test_two_accounts_are_not_one(tmp_path: Path) -> None:
    same = TWO.replace("username: ben, password: plum-plum", "username: anna, password: lime-lime")
    said = "accounts: anna and ben are the same account; remove one, or set its jmap.account"
    assert mistakes(tmp_path, same) == [said]
    another = same.replace("lime-lime}\n    poll", "lime-lime, account: b}\n    poll")
    assert len(load(tmp_path, another).accounts) == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("accounts: [anna]", "accounts: must be a mapping from names to settings"),
        ("accounts: {anna: 1}", "accounts.anna: must be a mapping"),
        (
            "accounts: {anna: {log: }}",
            "accounts.anna.log: is for all accounts; move it out of accounts",
        ),
        ("accounts: {Anna: }", "accounts.Anna: a name must consist of lower-case letters"),
        ("accounts: {an_na: }", "accounts.an_na: a name must consist of lower-case letters"),
        ("accounts: {-x: }", "accounts.-x: a name must consist of lower-case letters"),
        (
            "accounts: {a@b.example: }",
            "accounts.a@b.example: a name must consist of lower-case letters",
        ),
        ("accounts: {123: }", "accounts.123: a name must consist of lower-case letters"),
        (
            "accounts: {'a b': }",
            "accounts.(hidden name): a name must consist of lower-case letters",
        ),
        ("acounts: {anna: }", "acounts: unknown; did you mean accounts?"),
        ("accounts: {anna: {jmap: [1]}}", "accounts.anna.jmap: must be a mapping"),
    ],
)
def test_a_section_that_makes_no_sense(tmp_path: Path, content: str, said: str) -> None:
    found = mistakes(tmp_path, content)
    assert [each for each in found if each.startswith(f"mailroom.yaml: {said}")] != []
    if not said.startswith(("accounts.anna", "acounts")):
        assert len(found) == 1, "what would be said to a single account is no help"


def test_an_account_that_is_there_twice_is_not_lost(tmp_path: Path) -> None:
    content = "accounts:\n  anna: {poll: {interval: 60}}\n  anna: {poll: {interval: 90}}\n"
    (found, *_) = mistakes(tmp_path, content)
    assert found == "mailroom.yaml: line 3: the key occurs twice"


def test_what_is_merged_in_may_be_overridden(tmp_path: Path) -> None:
    content = TWO.replace("  anna:", "  anna: &a").replace("  ben:", "  ben:\n    <<: *a")
    anna, ben = load(tmp_path, content).accounts
    assert (anna.jmap.username, ben.jmap.username) == ("anna", "ben")


def test_a_typing_error_in_an_accounts_secret_is_understood(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/mailroom_accounts_anna_jmap_pasword").write_text("lime-lime")
    found = mistakes(tmp_path, TWO, {"MAILROOM_ACCOUNTS_BEN_JMAP_TOKN": "plum-plum"})
    assert found == [
        "MAILROOM_ACCOUNTS_BEN_JMAP_TOKN: unknown; did you mean MAILROOM_ACCOUNTS_BEN_JMAP_TOKEN?",
        (
            "secret file mailroom_accounts_anna_jmap_pasword: unknown; did you mean"
            " mailroom_accounts_anna_jmap_password?"
        ),
    ]


@pytest.mark.parametrize(
    "name",
    [
        "MAILROOM_ACCOUNTS",
        "MAILROOM_ACCOUNTS_ANNA",
        "MAILROOM_ACCOUNTS_ANNA_JMAP_TOKN",
        "MAILROOM_ACCOUNTS_ANNA_LOG_LEVEL",
        "MAILROOM_ACCOUNTS__JMAP_TOKEN",
    ],
)
def test_a_variable_that_makes_no_sense(tmp_path: Path, name: str) -> None:
    (found,) = mistakes(tmp_path, TWO, {name: "lime-lime"})
    assert found.startswith(f"{name}: unknown")


def test_a_shard_keeps_its_part(tmp_path: Path) -> None:
    parts = [
        [each.name for each in load(tmp_path, environ={"MAILROOM_SHARD": f"{i}/2"}).served]
        for i in range(2)
    ]
    assert sorted(name for part in parts for name in part) == ["anna", "ben"]


@pytest.mark.parametrize("shard", ["3/3", "0/0", "1", "-1/3", "a/b", "1/3/5", "10000/20000"])
def test_a_shard_that_is_none(tmp_path: Path, shard: str) -> None:
    (found,) = mistakes(tmp_path, TWO, {"MAILROOM_SHARD": shard})
    assert found.startswith("MAILROOM_SHARD: must be ")


def test_a_single_account_cannot_be_shared_out(tmp_path: Path) -> None:
    environ = {"MAILROOM_JMAP_TOKEN": "lime-lime", "MAILROOM_SHARD": "0/3"}
    assert mistakes(tmp_path, "", environ) == ["MAILROOM_SHARD: there are no accounts to divide"]


NAMES = [f"account-{number}" for number in range(1200)]


def shares(count: int) -> dict[str, int]:
    found = {
        name: [index for index in range(count) if Shard(index, count).keeps(name)] for name in NAMES
    }
    assert {len(each) for each in found.values()} == {1}
    return {name: index for name, (index,) in found.items()}


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_each_account_is_in_one_shard_and_all_shards_are_alike(count: int) -> None:
    held = list(shares(count).values())
    for index in range(count):
        assert held.count(index) == pytest.approx(len(NAMES) / count, rel=0.25)


def test_with_a_shard_more_only_those_move_that_go_to_it() -> None:
    before, after = shares(3), shares(4)
    moved = {name for name in NAMES if before[name] != after[name]}
    assert moved == {name for name in NAMES if after[name] == 3}


def test_a_shard_says_the_same_everywhere() -> None:
    assert [shares(3)[name] for name in NAMES[:8]] == [1, 2, 0, 2, 2, 0, 2, 0]
