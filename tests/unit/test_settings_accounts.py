"""Several accounts: common settings, own settings, their mistakes, and shards."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from mailroom.settings import sources
from mailroom.settings.load import load_settings
from mailroom.settings.mistakes import SettingsError
from mailroom.settings.model import Settings
from mailroom.settings.shard import Shard
from mailroom.settings.show import describe

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


def test_a_single_account_has_no_name(tmp_path: Path) -> None:
    settings = load(tmp_path, "", {"MAILROOM_JMAP_TOKEN": "lime-lime"})
    assert settings.accounts == settings.served == (settings,)
    assert settings.name == ""
    assert not settings.has_several


def test_the_own_settings_of_an_account_override_the_common_ones(tmp_path: Path) -> None:
    anna, ben = load(tmp_path).accounts
    assert (anna.name, anna.poll.interval) == ("anna", 60)
    assert (ben.name, ben.poll.interval) == ("ben", 90)
    assert [category.name for category in anna.categories] == ["Imbox", "Feed"]
    assert [category.name for category in ben.categories] == ["Circus"]
    assert anna.jmap.session_url == ben.jmap.session_url
    assert anna.carddav.username == "anna"


def test_own_settings_in_the_file_override_common_ones_in_the_environment(tmp_path: Path) -> None:
    anna, ben = load(tmp_path, environ={"MAILROOM_POLL_INTERVAL": "120"}).accounts
    assert (anna.poll.interval, ben.poll.interval) == (120, 90)


def test_variables_and_secrets_of_an_account_have_its_name(tmp_path: Path) -> None:
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
    shown = {setting.variable: setting.origin for setting in describe(anna)}
    assert shown["MAILROOM_JMAP_PASSWORD"] == "secret file mailroom_accounts_anna_jmap_password"
    assert shown["MAILROOM_JMAP_ACCOUNT"] == "mailroom.yaml: accounts.anna.jmap.account"
    assert shown["MAILROOM_POLL_INTERVAL"] == "MAILROOM_ACCOUNTS_ANNA_POLL_INTERVAL"


def test_secrets_alone_are_enough_for_an_account(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    for name in ("x1", "my-mother"):
        (tmp_path / f"secrets/mailroom_accounts_{name}_jmap_token").write_text(name)
    settings = load(tmp_path, "accounts:\n  x1:\n")
    assert [account.name for account in settings.accounts] == ["x1", "my-mother"]
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


def test_a_login_cannot_be_set_for_all_accounts(tmp_path: Path) -> None:
    environ = {"MAILROOM_JMAP_TOKEN": "lime-lime", "MAILROOM_CARDDAV_PASSWORD": "plum-plum"}
    found = mistakes(tmp_path, "accounts: {anna: , ben: }", environ)
    for name in environ:
        assert f"{name}: must be set for each of the accounts, not for all" in found


def test_two_accounts_must_not_be_the_same(tmp_path: Path) -> None:
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
def test_a_wrong_section_accounts(tmp_path: Path, content: str, said: str) -> None:
    found = mistakes(tmp_path, content)
    assert [mistake for mistake in found if mistake.startswith(f"mailroom.yaml: {said}")] != []
    if not said.startswith(("accounts.anna", "acounts")):
        assert len(found) == 1, "what would be said to a single account is no help"


def test_an_account_that_occurs_twice_is_a_mistake(tmp_path: Path) -> None:
    content = "accounts:\n  anna: {poll: {interval: 60}}\n  anna: {poll: {interval: 90}}\n"
    (found, *_) = mistakes(tmp_path, content)
    assert found == "mailroom.yaml: line 3: the key occurs twice"


def test_a_merged_key_may_be_overridden(tmp_path: Path) -> None:
    content = TWO.replace("  anna:", "  anna: &a").replace("  ben:", "  ben:\n    <<: *a")
    anna, ben = load(tmp_path, content).accounts
    assert (anna.jmap.username, ben.jmap.username) == ("anna", "ben")


def test_a_typing_error_in_the_secret_of_an_account_has_a_suggestion(tmp_path: Path) -> None:
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
def test_an_unknown_variable_of_an_account(tmp_path: Path, name: str) -> None:
    (found,) = mistakes(tmp_path, TWO, {name: "lime-lime"})
    assert found.startswith(f"{name}: unknown")


def test_a_shard_keeps_its_part(tmp_path: Path) -> None:
    parts = [
        [account.name for account in load(tmp_path, environ={"MAILROOM_SHARD": f"{i}/2"}).served]
        for i in range(2)
    ]
    assert sorted(name for part in parts for name in part) == ["anna", "ben"]


@pytest.mark.parametrize("shard", ["3/3", "0/0", "1", "-1/3", "a/b", "1/3/5", "10000/20000"])
def test_a_wrong_shard(tmp_path: Path, shard: str) -> None:
    (found,) = mistakes(tmp_path, TWO, {"MAILROOM_SHARD": shard})
    assert found.startswith("MAILROOM_SHARD: must be ")


def test_a_single_account_cannot_be_divided(tmp_path: Path) -> None:
    environ = {"MAILROOM_JMAP_TOKEN": "lime-lime", "MAILROOM_SHARD": "0/3"}
    assert mistakes(tmp_path, "", environ) == ["MAILROOM_SHARD: there are no accounts to divide"]


NAMES = [f"account-{number}" for number in range(1200)]


def shares(count: int) -> dict[str, int]:
    found = {
        name: [index for index in range(count) if Shard(index, count).serves(name)]
        for name in NAMES
    }
    assert {len(indexes) for indexes in found.values()} == {1}
    return {name: index for name, (index,) in found.items()}


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_each_account_is_in_one_shard_and_shards_are_of_similar_size(count: int) -> None:
    held = list(shares(count).values())
    for index in range(count):
        assert held.count(index) == pytest.approx(len(NAMES) / count, rel=0.25)


def test_a_further_shard_moves_only_its_own_accounts() -> None:
    before, after = shares(3), shares(4)
    moved = {name for name in NAMES if before[name] != after[name]}
    assert moved == {name for name in NAMES if after[name] == 3}


def test_shards_are_the_same_on_every_machine() -> None:
    assert [shares(3)[name] for name in NAMES[:8]] == [1, 2, 0, 2, 2, 0, 2, 0]
