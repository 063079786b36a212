"""Settings: their sources, the precedence of the sources, and the resulting values."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
import trustme
from yarl import URL

from mailroom.contacts.model import ContactType
from mailroom.http import Credentials
from mailroom.screener.model.categories import DEFAULTS, Category, Layout
from mailroom.settings import sources as sources_module
from mailroom.settings.load import load_settings
from mailroom.settings.mistakes import SettingsError
from mailroom.settings.model import Settings
from mailroom.settings.show import Shown, describe, settings_table

FASTMAIL = {
    "MAILROOM_JMAP_TOKEN": "fmu1-fake-token",
    "MAILROOM_CARDDAV_USERNAME": "alice@example.com",
    "MAILROOM_CARDDAV_PASSWORD": "app-password",
}
OWN_SERVER = {
    "MAILROOM_JMAP_SESSION_URL": "https://mail.example.com/jmap/",
    "MAILROOM_JMAP_USERNAME": "alice",
    "MAILROOM_JMAP_PASSWORD": "pass word:€",
    "MAILROOM_CARDDAV_URL": "https://mail.example.com:8443/dav/",
}

Load = Callable[[Mapping[str, str]], Settings]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Loads with ``tmp_path`` as current folder, and ``tmp_path/secrets`` as default secrets."""
    monkeypatch.setattr(sources_module, "DEFAULT_SECRETS_DIR", "secrets")
    return lambda environ: load_settings(environ, cwd=tmp_path)


def write_secrets(folder: Path, files: Mapping[str, str | bytes]) -> None:
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        data = content if isinstance(content, bytes) else content.encode()
        (folder / name).write_bytes(data)


def test_defaults(load: Load) -> None:
    settings = load(FASTMAIL)

    assert settings.jmap.session_url == URL("https://api.fastmail.com/jmap/session")
    assert settings.jmap.account == ""
    assert settings.carddav.url == URL("https://carddav.fastmail.com/")
    assert (settings.push.transport, settings.push.settle, settings.push.ping) == ("auto", 0.1, 30)
    assert settings.poll.interval == 300
    assert (settings.health.host, settings.health.port) == ("::", 8080)
    assert (settings.log.level, settings.log.format) == ("info", "auto")
    assert settings.failure.limit == 10
    assert settings.screener.layout == Layout()
    assert settings.categories == DEFAULTS


def test_new_mail_is_screened_by_default(load: Load) -> None:
    arrivals = load(FASTMAIL).arrivals
    assert (arrivals.enabled, arrivals.lookback) == (True, 86400)
    off = load(FASTMAIL | {"MAILROOM_ARRIVALS_ENABLED": "false", "MAILROOM_ARRIVALS_LOOKBACK": "0"})
    assert (off.arrivals.enabled, off.arrivals.lookback) == (False, 0)


def test_the_default_authserv_id_is_that_of_fastmail_at_fastmail(load: Load) -> None:
    own = {"MAILROOM_ARRIVALS_AUTHSERV_ID": "mx.example.com"}
    assert load(FASTMAIL).authserv_id == "*.messagingengine.com"
    assert load(FASTMAIL | own).authserv_id == "mx.example.com"
    assert load(OWN_SERVER).authserv_id == ""
    assert load(OWN_SERVER | own).authserv_id == "mx.example.com"


def test_every_variable_of_the_environment(load: Load) -> None:
    settings = load(
        OWN_SERVER
        | {
            "MAILROOM_JMAP_ACCOUNT": "u1",
            "MAILROOM_CARDDAV_USERNAME": "al",
            "MAILROOM_CARDDAV_PASSWORD": "ice",
            "MAILROOM_PUSH_TRANSPORT": "OFF",
            "MAILROOM_PUSH_SETTLE": "0",
            "MAILROOM_PUSH_PING": "60",
            "MAILROOM_POLL_INTERVAL": "12.5",
            "MAILROOM_HEALTH_HOST": "::1",
            "MAILROOM_HEALTH_PORT": "0",
            "MAILROOM_LOG_LEVEL": "DEBUG",
            "MAILROOM_LOG_FORMAT": "json",
            "MAILROOM_FAILURE_LIMIT": "3",
            "MAILROOM_SCREENER_MAILBOX": "Inbox/Waiting Room",
            "MAILROOM_SCREENER_ERROR_LABEL": "@Error",
            "MAILROOM_SCREENER_WARNING_LABEL": "@Warning",
            "MAILROOM_SCREENER_PROVENANCE_GROUP": "Made",
            "MAILROOM_SCREENER_WARN_ON_NAME_MISMATCH": "false",
            "MAILROOM_CATEGORIES": '[{"name": "News"}]',
        }
    )

    assert settings.jmap.session_url == URL("https://mail.example.com/jmap/")
    assert settings.jmap.account == "u1"
    assert settings.carddav.credentials.header == Credentials.basic("al", "ice").header
    assert (settings.push.transport, settings.push.settle, settings.push.ping) == ("off", 0, 60)
    assert settings.poll.interval == 12.5
    assert (settings.health.host, settings.health.port) == ("::1", 0)
    assert (settings.log.level, settings.log.format) == ("debug", "json")
    assert settings.failure.limit == 3
    assert settings.screener.layout == Layout(
        screener="Inbox/Waiting Room",
        screener_label="@ToWaitingRoom",
        error_label="@Error",
        warning_label="@Warning",
        provenance_group="Made",
        warn_on_name_mismatch=False,
    )
    assert list(settings.categories) == [Category.named("News")]


def test_the_label_of_the_screener_can_be_set(load: Load) -> None:
    settings = load(FASTMAIL | {"MAILROOM_SCREENER_LABEL": "@Undo"})

    assert settings.screener.layout.screener_label == "@Undo"


def test_a_token_is_sent_as_bearer(load: Load) -> None:
    settings = load(FASTMAIL)

    assert settings.jmap.credentials.header == Credentials.bearer("fmu1-fake-token").header
    assert (
        settings.carddav.credentials.header
        == Credentials.basic("alice@example.com", "app-password").header
    )


def test_the_address_book_on_the_same_host_takes_the_login_of_jmap(load: Load) -> None:
    settings = load(OWN_SERVER)

    assert settings.jmap.credentials.header == Credentials.basic("alice", "pass word:€").header
    assert settings.carddav.credentials.header == settings.jmap.credentials.header


def test_the_address_book_on_the_same_host_may_have_its_own_login(load: Load) -> None:
    settings = load(
        OWN_SERVER | {"MAILROOM_CARDDAV_USERNAME": "alice", "MAILROOM_CARDDAV_PASSWORD": "other"}
    )

    assert settings.carddav.credentials.header == Credentials.basic("alice", "other").header


def test_missing_settings_of_carddav_are_reported_before_carddav_is_needed(load: Load) -> None:
    token = {"MAILROOM_JMAP_TOKEN": "token"}
    own = {"MAILROOM_JMAP_SESSION_URL": "https://mail.example.com/jmap/"}
    login = ("MAILROOM_CARDDAV_USERNAME: is missing", "MAILROOM_CARDDAV_PASSWORD: is missing")
    no_url = "MAILROOM_CARDDAV_URL: is missing, because MAILROOM_JMAP_SESSION_URL is not Fastmail's"

    assert load(token).carddav_lacks == login
    assert load(token | own).carddav_lacks == (no_url, *login)
    assert load(FASTMAIL).carddav_lacks == ()
    assert load(OWN_SERVER).carddav_lacks == ()


def test_plain_http_is_fine_on_loopback(load: Load) -> None:
    settings = load(
        OWN_SERVER
        | {
            "MAILROOM_JMAP_SESSION_URL": "http://127.0.0.1:8080/jmap/",
            "MAILROOM_CARDDAV_URL": "http://127.0.0.1:8080/dav/",
        }
    )

    assert settings.carddav.url.port == 8080


def test_mail_at_another_fastmail_host_needs_no_carddav_url(load: Load) -> None:
    url = "https://betajmap.fastmail.com/jmap/session"

    assert load(FASTMAIL | {"MAILROOM_JMAP_SESSION_URL": url}).jmap.session_url == URL(url)


def test_an_empty_variable_counts_as_not_set(load: Load) -> None:
    settings = load(FASTMAIL | {"MAILROOM_POLL_INTERVAL": "", "MAILROOM_JMAP_USERNAME": "\n"})

    assert settings.poll.interval == 300


def test_newlines_at_the_end_are_cut_off(load: Load) -> None:
    settings = load(FASTMAIL | {"MAILROOM_JMAP_TOKEN": "token\r\n"})

    assert settings.jmap.credentials.header == Credentials.bearer("token").header


def test_the_process_environment_is_the_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in os.environ:
        if name.startswith("MAILROOM_"):
            monkeypatch.delenv(name)
    for name, value in FASTMAIL.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MAILROOM_FAILURE_LIMIT", "7")
    monkeypatch.chdir(tmp_path)

    assert load_settings().failure.limit == 7


def test_the_process_environment_does_not_leak_into_another_one(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAILROOM_FAILURE_LIMIT", "7")

    assert load(FASTMAIL).failure.limit == 10


KUBERNETES = {
    "MAILROOM_SERVICE_HOST": "10.0.0.1",
    "MAILROOM_SERVICE_PORT": "8080",
    "MAILROOM_SERVICE_PORT_HTTP": "8080",
    "MAILROOM_PORT": "tcp://10.0.0.1:8080",
    "MAILROOM_PORT_8080_TCP": "tcp://10.0.0.1:8080",
    "MAILROOM_PORT_8080_TCP_PROTO": "tcp",
    "MAILROOM_PORT_8080_TCP_PORT": "8080",
    "MAILROOM_PORT_8080_TCP_ADDR": "10.0.0.1",
    "MAILROOM_HEALTH_SERVICE_HOST": "10.0.0.1",
    "MAILROOM_HEALTH_SERVICE_PORT": "8080",
    "MAILROOM_HEALTH_SERVICE_PORT_WEB_UI": "8080",
    "MAILROOM_HEALTH_PORT": "tcp://10.0.0.1:9999",
    "MAILROOM_HEALTH_PORT_53_UDP": "udp://10.0.0.1:53",
    "MAILROOM_HEALTH_PORT_53_UDP_ADDR": "10.0.0.1",
}


def test_service_links_of_kubernetes_are_ignored(load: Load) -> None:
    assert load(FASTMAIL | KUBERNETES).health.port == 8080


def test_variables_of_other_programs_are_ignored(load: Load) -> None:
    assert load(FASTMAIL | {"MAIL": "x", "MAILROOMS_FOO": "x", "PATH": "x"}).poll.interval == 300


def test_the_file_in_the_current_folder_is_read(load: Load, tmp_path: Path) -> None:
    (tmp_path / "mailroom.yaml").write_text(
        """
        jmap:
          token: from-file
          account:
        carddav: {username: alice, password: secret}
        push:
          transport: off
        poll:
        screener:
          mailbox: ""
          warn_on_name_mismatch: no
        categories:
          - name: Feed
            group: News
          - name: Friends
            label: "#friends"
            destination: People/Friends
            parent: Feed
            contact_type: person
            add_to_inbox: true
        """
    )

    settings = load({})

    assert settings.jmap.credentials.header == Credentials.bearer("from-file").header
    assert settings.push.transport == "off"
    assert settings.poll.interval == 300
    assert settings.screener.layout == Layout(warn_on_name_mismatch=False)
    assert list(settings.categories) == [
        Category.named("Feed", group="News"),
        Category.named(
            "Friends",
            label="#friends",
            destination="People/Friends",
            parent="Feed",
            contact_type=ContactType.PERSON,
            add_to_inbox=True,
        ),
    ]


def test_the_file_can_be_named(load: Load, tmp_path: Path) -> None:
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / "config.yml").write_text("poll: {interval: 60}")

    relative = load(FASTMAIL | {"MAILROOM_CONFIG": "etc/config.yml"})
    absolute = load(FASTMAIL | {"MAILROOM_CONFIG": str(folder / "config.yml")})

    assert relative.poll.interval == absolute.poll.interval == 60


def test_a_named_file_replaces_the_one_in_the_current_folder(load: Load, tmp_path: Path) -> None:
    (tmp_path / "mailroom.yaml").write_text("failure: {limit: 2}")
    (tmp_path / "other.yaml").write_text("poll: {interval: 60}")

    settings = load(FASTMAIL | {"MAILROOM_CONFIG": "other.yaml"})

    assert (settings.failure.limit, settings.poll.interval) == (10, 60)


@pytest.mark.parametrize("content", ["", "# nothing yet\n", "---\n"])
def test_an_empty_file_sets_nothing(load: Load, tmp_path: Path, content: str) -> None:
    (tmp_path / "mailroom.yaml").write_text(content)

    assert load(FASTMAIL).poll.interval == 300


def test_secret_files_are_read(load: Load, tmp_path: Path) -> None:
    write_secrets(
        tmp_path / "secrets",
        {
            "mailroom_jmap_token": "token-in-file\n",
            "mailroom_carddav_username": "alice",
            "mailroom_carddav_password": " päss word \r\n",
        },
    )

    settings = load({})

    assert settings.jmap.credentials.header == Credentials.bearer("token-in-file").header
    assert settings.carddav.credentials.header == Credentials.basic("alice", " päss word ").header


def test_a_byte_order_mark_is_no_part_of_a_secret(load: Load, tmp_path: Path) -> None:
    write_secrets(tmp_path / "secrets", {"mailroom_jmap_token": b"\xef\xbb\xbfhush\r\n"})
    assert load({}).jmap.token.get_secret_value() == "hush"


def test_the_directory_of_secrets_can_be_named(load: Load, tmp_path: Path) -> None:
    write_secrets(tmp_path / "mine", {"mailroom_failure_limit": "5\n"})

    assert load(FASTMAIL | {"MAILROOM_SECRETS_DIR": "mine"}).failure.limit == 5
    assert load(FASTMAIL | {"MAILROOM_SECRETS_DIR": str(tmp_path / "mine")}).failure.limit == 5


def test_a_mounted_secret_of_kubernetes_is_read_through_its_links(
    load: Load, tmp_path: Path
) -> None:
    secrets = tmp_path / "secrets"
    version = secrets / "..2026_02_25_12_00_00.123456789"
    secrets.mkdir()
    write_secrets(version, {"mailroom_jmap_token": "token-in-mount"})
    (secrets / "..data").symlink_to(version.name)
    (secrets / "mailroom_jmap_token").symlink_to("..data/mailroom_jmap_token")
    service_account = secrets / "kubernetes.io" / "serviceaccount"
    service_account.mkdir(parents=True)
    (service_account / "token").write_text("not ours")

    settings = load({key: FASTMAIL[key] for key in FASTMAIL if "CARDDAV" in key})

    assert settings.jmap.credentials.header == Credentials.bearer("token-in-mount").header


def test_other_files_among_the_secrets_are_ignored(load: Load, tmp_path: Path) -> None:
    write_secrets(
        tmp_path / "secrets",
        {"db_password": "x", "cert.der": b"\xff\xfe\x00", "mailroom.txt": "x", ".mailroom_x": ""},
    )

    assert load(FASTMAIL).poll.interval == 300


def test_environment_overrides_secrets_override_file_overrides_default(
    load: Load, tmp_path: Path
) -> None:
    (tmp_path / "mailroom.yaml").write_text(
        "push: {settle: 1, ping: 11}\npoll: {interval: 111}\njmap: {account: file}"
    )
    write_secrets(tmp_path / "secrets", {"mailroom_push_settle": "2", "mailroom_push_ping": "22"})

    settings = load(FASTMAIL | {"MAILROOM_PUSH_SETTLE": "3"})

    assert settings.push.settle == 3
    assert settings.push.ping == 22
    assert settings.poll.interval == 111
    assert settings.failure.limit == 10


def test_categories_are_replaced_as_a_whole(load: Load, tmp_path: Path) -> None:
    (tmp_path / "mailroom.yaml").write_text("categories: [{name: A}, {name: B}]")

    assert [category.name for category in load(FASTMAIL).categories] == ["A", "B"]

    overriding = FASTMAIL | {"MAILROOM_CATEGORIES": json.dumps([{"name": "C"}])}
    assert [category.name for category in load(overriding).categories] == ["C"]


def test_settings_cannot_be_changed(load: Load) -> None:
    settings = load(FASTMAIL)

    with pytest.raises(FrozenInstanceError):
        settings.poll.interval = 1  # type: ignore[misc]


def test_secrets_include_the_headers_made_of_them(load: Load) -> None:
    assert load(FASTMAIL).secrets() == {
        "fmu1-fake-token",
        "app-password",
        "YWxpY2VAZXhhbXBsZS5jb206YXBwLXBhc3N3b3Jk",
    }
    assert load(OWN_SERVER).secrets() == {"pass word:€", "YWxpY2U6cGFzcyB3b3JkOuKCrA=="}


def test_no_secret_shows_in_the_settings(load: Load) -> None:
    for environ in (FASTMAIL, OWN_SERVER):
        settings = load(environ)
        shown = (str(settings), repr(settings), repr(describe(settings)), repr(vars(settings)))
        for secret in settings.secrets():
            assert all(secret not in text for text in shown)


def test_each_setting_is_described_with_its_origin(load: Load, tmp_path: Path) -> None:
    (tmp_path / "mailroom.yaml").write_text("poll: {interval: 60}\ncategories: [{name: A}]")
    write_secrets(tmp_path / "secrets", {"mailroom_jmap_password": "secret"})
    environ = dict(OWN_SERVER)
    del environ["MAILROOM_JMAP_PASSWORD"]

    shown = {setting.variable: setting for setting in describe(load(environ))}

    expected = [
        Shown("MAILROOM_JMAP_TOKEN", "not set", ""),
        Shown("MAILROOM_JMAP_PASSWORD", "set", "secret file mailroom_jmap_password"),
        Shown("MAILROOM_JMAP_ACCOUNT", "not set", ""),
        Shown("MAILROOM_CARDDAV_USERNAME", "alice", "MAILROOM_JMAP_USERNAME"),
        Shown("MAILROOM_CARDDAV_PASSWORD", "set", "secret file mailroom_jmap_password"),
        Shown("MAILROOM_POLL_INTERVAL", "60", "mailroom.yaml: poll.interval"),
        Shown("MAILROOM_PUSH_SETTLE", "0.1", ""),
        Shown("MAILROOM_SCREENER_LABEL", "@ToScreener", ""),
        Shown("MAILROOM_SCREENER_WARN_ON_NAME_MISMATCH", "true", ""),
        Shown("MAILROOM_CATEGORIES", "A", "mailroom.yaml: categories"),
    ]
    assert [shown[setting.variable] for setting in expected] == expected


def test_a_url_is_described_without_its_query(load: Load) -> None:
    url = "https://api.fastmail.com/jmap/session?key=secret"

    shown = {
        setting.variable: setting.value
        for setting in describe(load(FASTMAIL | {"MAILROOM_JMAP_SESSION_URL": url}))
    }

    assert shown["MAILROOM_JMAP_SESSION_URL"] == "https://api.fastmail.com/jmap/session"


def test_the_table_has_a_row_for_every_variable(load: Load) -> None:
    head, ruler, *rows = settings_table().splitlines()
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]

    assert (head, ruler) == ("| variable | default | meaning |", "| --- | --- | --- |")
    assert all(len(row) == 3 and all(row) for row in cells)
    assert [row[0].strip("`") for row in cells] == [
        *(setting.variable for setting in describe(load(FASTMAIL))),
        "MAILROOM_CONFIG",
        "MAILROOM_SECRETS_DIR",
    ]
    defaults = {row[0].strip("`"): row[1] for row in cells}
    assert defaults["MAILROOM_JMAP_TOKEN"] == "none"
    assert defaults["MAILROOM_POLL_INTERVAL"] == "`300`"
    assert defaults["MAILROOM_SCREENER_LABEL"] == "`@ToScreener`"
    assert defaults["MAILROOM_CATEGORIES"].startswith("Imbox, Feed, Paper Trail")


def test_the_default_secrets_directory_need_not_exist(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({}, cwd=tmp_path)

    assert "SECRETS_DIR" not in str(caught.value)


def test_plain_http_is_allowed_to_the_configured_host_only(load: Load) -> None:
    settings = load(
        {
            **OWN_SERVER,
            "MAILROOM_JMAP_SESSION_URL": "http://stalwart:8080/jmap/session",
            "MAILROOM_JMAP_INSECURE": "true",
            "MAILROOM_CARDDAV_URL": "http://stalwart:8080/dav/",
            "MAILROOM_CARDDAV_INSECURE": "true",
        }
    )
    jmap, carddav = (
        settings.jmap.credentials.allowed_hosts,
        settings.carddav.credentials.allowed_hosts,
    )
    assert jmap.allows(URL("http://stalwart:8080/jmap/"))
    assert carddav.allows(URL("http://stalwart:8080/dav/ann/"))
    assert not jmap.allows(URL("http://other:8080/jmap/"))


def test_a_proxy_and_a_private_ca_can_be_set(load: Load, tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(ca_file)
    settings = load(
        {
            **OWN_SERVER,
            "MAILROOM_JMAP_KEEP_ORIGIN": "true",
            "MAILROOM_HTTP_CA_FILE": str(ca_file),
            "MAILROOM_HTTP_PROXY": "http://ann:s3cret%20word@proxy.example.com:3128",
        }
    )
    assert settings.jmap.keep_origin
    assert settings.http.proxies.for_url(URL("https://mail.example.com/")) == URL(
        "http://ann:s3cret%20word@proxy.example.com:3128"
    )
    assert {"s3cret word", "s3cret%20word"} <= settings.secrets()
    assert "s3cret" not in str(describe(settings))
    assert "s3cret" not in repr(settings)
