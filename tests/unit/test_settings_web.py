"""The settings of the page: when it is on, who may use it, and mistakes."""

from pathlib import Path

import pytest

from mailroom.settings import sources
from mailroom.settings.load import load_settings
from mailroom.settings.mistakes import SettingsError
from mailroom.settings.model import Settings

PASSWORD = "correct horse battery"
TOKEN = "0123456789abcdefghij"
TWO = """
accounts:
  anna:
    jmap: {token: lime-lime}
    web: {password: correct horse battery}
  ben:
    jmap: {token: plum-plum}
"""


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "DEFAULT_SECRETS_DIR", "secrets")


def load(cwd: Path, content: str = "", **web: str) -> Settings:
    (cwd / "mailroom.yaml").write_text(content)
    token = {} if content else {"MAILROOM_JMAP_TOKEN": "lime-lime"}
    variables = {f"MAILROOM_WEB_{name.upper()}": value for name, value in web.items()}
    return load_settings({**token, **variables}, cwd=cwd)


def mistakes(cwd: Path, content: str = "", **web: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(cwd, content, **web)
    assert PASSWORD not in str(caught.value)
    assert TOKEN not in str(caught.value)
    return list(caught.value.mistakes)


@pytest.mark.parametrize(
    "web",
    [
        {"password": PASSWORD},
        {"proxy_header": "Remote-User", "trusted_networks": "10.0.0.0/8, fd00::/8"},
        {"auth": "none", "host": "127.0.0.1"},
        {"api_token": TOKEN},
        {"api_token_readonly": TOKEN},
    ],
    ids=str,
)
def test_the_page_is_on_if_there_is_a_way_to_sign_in(web: dict[str, str], tmp_path: Path) -> None:
    assert not load(tmp_path).web.is_on
    settings = load(tmp_path, **web)
    assert settings.web.is_on
    secrets = {value for name, value in web.items() if "token" in name or "password" in name}
    assert secrets <= settings.secrets()


@pytest.mark.parametrize(
    ("web", "mistake"),
    [
        ({"password": "short"}, "PASSWORD: must have at least 12 characters"),
        ({"api_token": "short"}, "API_TOKEN: must have at least 20 characters"),
        (
            {"api_token": TOKEN, "api_token_readonly": TOKEN},
            "API_TOKEN and MAILROOM_WEB_API_TOKEN_READONLY: must differ",
        ),
        (
            {"proxy_header": "Remote-User"},
            "TRUSTED_NETWORKS: is missing, because MAILROOM_WEB_PROXY_HEADER is set",
        ),
        (
            {"proxy_header": "A", "trusted_networks": "10.0.0.1/8"},
            "TRUSTED_NETWORKS: must be networks like 10.0.0.0/8, separated by commas",
        ),
        (
            {"proxy_header": "no header", "trusted_networks": "10.0.0.0/8"},
            "PROXY_HEADER: must be the name of a header like Remote-User",
        ),
        (
            {"auth": "none"},
            "AUTH: may be none only on this machine; set MAILROOM_WEB_HOST to 127.0.0.1",
        ),
        (
            {"url": "http://mail.example"},
            "URL: must begin with https:// (http is for this machine)",
        ),
        ({"url": "https://mail.example/page"}, "URL: must be https:// and a host, without a path"),
        ({"answers": "Imbox, Feed, Jail, Person, Truck"}, "ANSWERS: must be 4 names at most"),
        ({"answers": "Imbox, Circus"}, "ANSWERS: there is no category 'Circus'"),
        (
            {"mail_url": "https://mail.example/"},
            "MAIL_URL: must contain {id}, {thread_id} or {message_id}",
        ),
        (
            {"mail_url": "javascript:{id}"},
            "MAIL_URL: must be a URL that begins with https:// or the scheme of a mail app",
        ),
    ],
    ids=str,
)
def test_mistakes(web: dict[str, str], mistake: str, tmp_path: Path) -> None:
    assert mistakes(tmp_path, **web) == [f"MAILROOM_WEB_{mistake}"]


def test_the_address_is_kept_as_an_origin(tmp_path: Path) -> None:
    settings = load(tmp_path, password=PASSWORD, url="https://Mail.Example:8443/")
    assert settings.web.url == "https://mail.example:8443"
    assert load(tmp_path, password=PASSWORD, url="http://localhost:8081").web.url


def test_lists_in_yaml(tmp_path: Path) -> None:
    content = (
        f"{{jmap: {{token: x}}, web: {{password: {PASSWORD}, answers: [Imbox, jail],"
        " proxy_header: X-User, trusted_networks: [10.0.0.0/8, 'fd00::/8']}}"
    )
    web = load(tmp_path, content).web
    assert web.answer_names == ("Imbox", "jail")
    assert web.network_names == ("10.0.0.0/8", "fd00::/8")


def test_each_of_several_accounts_has_its_own_way_to_sign_in(tmp_path: Path) -> None:
    anna, ben = load(tmp_path, TWO).accounts
    assert (anna.web.is_on, ben.web.is_on) == (True, False)


def test_nobody_sees_the_account_of_another(tmp_path: Path) -> None:
    found = mistakes(tmp_path, TWO, password=PASSWORD, auth="none", host="::1")
    assert found == [
        "MAILROOM_WEB_AUTH: may be none only for a single account",
        "MAILROOM_WEB_PASSWORD: must be set for each of the accounts, not for all",
    ]
    same = TWO.replace("    jmap", f"    web: {{api_token: {TOKEN}}}\n    jmap").replace(
        "    web: {password: correct horse battery}\n", ""
    )
    places = [f"mailroom.yaml: accounts.{name}.web.api_token" for name in ("anna", "ben")]
    assert mistakes(tmp_path, same) == [f"{' and '.join(places)}: must differ"]


def test_a_proxy_names_the_user_of_each_of_several_accounts(tmp_path: Path) -> None:
    found = mistakes(tmp_path, TWO, proxy_header="X-User", trusted_networks="10.0.0.0/8")
    assert found == [
        f"MAILROOM_ACCOUNTS_{name}_WEB_PROXY_USER: is missing, because MAILROOM_WEB_PROXY_HEADER"
        " is set"
        for name in ("ANNA", "BEN")
    ]


def test_an_account_has_no_port_of_its_own(tmp_path: Path) -> None:
    content = TWO.replace("web: {", "web: {port: 9, ")
    assert mistakes(tmp_path, content) == [
        "mailroom.yaml: accounts.anna.web.port: is for all accounts; move it out of accounts"
    ]
