"""Mistakes in the settings are reported all at once, and never with a value."""

import errno
import os
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.settings import sources
from mailroom.settings.load import load_settings
from mailroom.settings.mistakes import SettingsError
from mailroom.settings.model import Settings
from mailroom.settings.show import describe
from mailroom.settings.variables import VARIABLES

GOOD = {
    "MAILROOM_JMAP_TOKEN": "fmu1-fake-token",
    "MAILROOM_CARDDAV_USERNAME": "alice@example.com",
    "MAILROOM_CARDDAV_PASSWORD": "app-password",
}
BASIC = {"MAILROOM_JMAP_USERNAME": "alice", "MAILROOM_JMAP_PASSWORD": "password"}
CARDDAV = {"MAILROOM_CONTACTS_BACKEND": "carddav"}
OWN = {"MAILROOM_JMAP_SESSION_URL": "https://mail.example.com/jmap/"}

NO_LIST = "must be a list of categories (in the environment: as JSON)"

Mistakes = Callable[[Mapping[str, str]], list[str]]
Load = Callable[[Mapping[str, str]], Settings]


@pytest.fixture
def mistakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mistakes:
    """The lines of the error, or none; ``tmp_path/secrets`` is the default for secrets."""
    monkeypatch.setattr(sources, "DEFAULT_SECRETS_DIR", "secrets")

    def find(environ: Mapping[str, str]) -> list[str]:
        try:
            load_settings(environ, cwd=tmp_path)
        except SettingsError as error:
            return str(error).splitlines()
        return []

    return find


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Loads what has no mistakes, from the same places."""
    monkeypatch.setattr(sources, "DEFAULT_SECRETS_DIR", "secrets")
    return lambda environ: load_settings(environ, cwd=tmp_path)


def write_secret(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / "secrets").mkdir(exist_ok=True)
    (tmp_path / "secrets" / name).write_bytes(content)


def test_good_settings_have_none(mistakes: Mistakes) -> None:
    assert mistakes(GOOD) == []


def test_nothing_set_at_all(mistakes: Mistakes) -> None:
    no_login = (
        "MAILROOM_JMAP_TOKEN: is missing;"
        " set it, or MAILROOM_JMAP_USERNAME and MAILROOM_JMAP_PASSWORD"
    )

    assert mistakes({}) == [no_login]
    assert mistakes(CARDDAV) == [
        no_login,
        "MAILROOM_CARDDAV_USERNAME: is missing",
        "MAILROOM_CARDDAV_PASSWORD: is missing",
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("MAILROOM_JMAP_TOKN", "; did you mean MAILROOM_JMAP_TOKEN?"),
        ("MAILROOM_TOKEN", "; did you mean MAILROOM_JMAP_TOKEN?"),
        ("mailroom_jmap_token", "; did you mean MAILROOM_JMAP_TOKEN?"),
        ("MAILROOM_POLL_INTERVALL", "; did you mean MAILROOM_POLL_INTERVAL?"),
        ("MAILROOM_SECRET_DIR", "; did you mean MAILROOM_SECRETS_DIR?"),
        ("MAILROOM_CONFG", "; did you mean MAILROOM_CONFIG?"),
        ("MAILROOM_JMAP", ""),
        ("MAILROOM_SERVICE", ""),
        ("MAILROOM_", ""),
    ],
)
def test_an_unknown_variable(mistakes: Mistakes, name: str, expected: str) -> None:
    assert mistakes(GOOD | {name: "x"}) == [f"{name}: unknown{expected}"]


def test_an_unknown_variable_is_a_mistake_even_if_empty(mistakes: Mistakes) -> None:
    assert len(mistakes(GOOD | {"MAILROOM_JMAP_TOKN": ""})) == 1


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("MAILROOM_JMAP_SESSION_URL", "example.com", "must be a URL that begins with https://"),
        ("MAILROOM_JMAP_SESSION_URL", "https://", "must be a URL that begins with https://"),
        ("MAILROOM_JMAP_SESSION_URL", "ftp://x", "must be a URL that begins with https://"),
        ("MAILROOM_JMAP_SESSION_URL", "https://x:port/", "must be a URL"),
        (
            "MAILROOM_JMAP_SESSION_URL",
            "http://api.fastmail.com/",
            (
                "must begin with https://, because credentials are sent to it (http is for"
                " servers on this machine); in a container network of your own, set"
                " MAILROOM_JMAP_INSECURE"
            ),
        ),
        (
            "MAILROOM_CARDDAV_URL",
            "http://192.0.2.1/",
            (
                "must begin with https://, because credentials are sent to it (http is for"
                " servers on this machine); in a container network of your own, set"
                " MAILROOM_CARDDAV_INSECURE"
            ),
        ),
        (
            "MAILROOM_CARDDAV_URL",
            "https://alice:password@dav.example.com/",
            "must not have a user name or a password in the URL",
        ),
        (
            "MAILROOM_CARDDAV_URL",
            "https://alice@dav.example.com/",
            "must not have a user name or a password in the URL",
        ),
        ("MAILROOM_JMAP_TOKEN", "a b", "must be ASCII without spaces or control characters"),
        ("MAILROOM_JMAP_TOKEN", "a\nb", "must be ASCII without spaces or control characters"),
        ("MAILROOM_JMAP_TOKEN", "tök", "must be ASCII without spaces or control characters"),
        ("MAILROOM_CARDDAV_USERNAME", "a:b", "must not contain a colon or control characters"),
        ("MAILROOM_CARDDAV_USERNAME", "a\tb", "must not contain a colon or control characters"),
        (
            "MAILROOM_CARDDAV_PASSWORD",
            "a\nb",
            "must not contain control characters (a line end?)",
        ),
        ("MAILROOM_ARRIVALS_AUTHSERV_ID", "mx example", "must be a host name, or *. and a domain"),
        ("MAILROOM_ARRIVALS_AUTHSERV_ID", "*", "must be a host name, or *. and a domain"),
        ("MAILROOM_ARRIVALS_LOOKBACK", "-1", "must be greater than or equal to 0"),
        ("MAILROOM_CONTACTS_BACKEND", "ldap", "must be 'auto', 'jmap' or 'carddav'"),
        (
            "MAILROOM_PUSH_TRANSPORT",
            "pigeon",
            "must be 'auto', 'websocket', 'eventsource' or 'off'",
        ),
        ("MAILROOM_PUSH_SETTLE", "-1", "must be greater than or equal to 0"),
        ("MAILROOM_PUSH_SETTLE", "61", "must be less than or equal to 60"),
        ("MAILROOM_PUSH_SETTLE", "nan", "must be less than or equal to 60"),
        ("MAILROOM_PUSH_PING", "0", "must be greater than or equal to 1"),
        ("MAILROOM_PUSH_PING", "1.5", "must be a whole number"),
        ("MAILROOM_POLL_INTERVAL", "5m", "must be a number"),
        ("MAILROOM_POLL_INTERVAL", "0.5", "must be greater than or equal to 1"),
        ("MAILROOM_POLL_INTERVAL", "inf", "must be less than or equal to 86400"),
        ("MAILROOM_HEALTH_PORT", "http", "must be a whole number"),
        ("MAILROOM_HEALTH_PORT", "65536", "must be less than or equal to 65535"),
        ("MAILROOM_LOG_LEVEL", "loud", "must be 'debug', 'info', 'warning' or 'error'"),
        ("MAILROOM_LOG_FORMAT", "xml", "must be 'auto', 'console' or 'json'"),
        ("MAILROOM_FAILURE_LIMIT", "0", "must be greater than or equal to 1"),
        ("MAILROOM_SCREENER_WARN_ON_NAME_MISMATCH", "maybe", "must be true or false"),
        ("MAILROOM_SCREENER_EXPIRE", "30", "must be a number of days, like 30d"),
        ("MAILROOM_SCREENER_EXPIRE", "soon", "must be a number of days, like 30d"),
        (
            "MAILROOM_CATEGORIES",
            "Feed",
            NO_LIST,
        ),
        ("MAILROOM_CATEGORIES", '{"name": "Feed"}', "must be a list of categories"),
        ("MAILROOM_JMAP_ACCOUNT", "\udcff", "is not UTF-8 text"),
        ("MAILROOM_JMAP_KEEP_ORIGIN", "perhaps", "must be true or false"),
        ("MAILROOM_HTTP_PROXY", "proxy:3128", "must be a URL like http://proxy.example.com:3128"),
        ("MAILROOM_HTTP_PROXY", "socks5://h:1", "must be a URL like http://proxy.example.com:3128"),
        (
            "MAILROOM_HTTP_CA_FILE",
            "/nowhere.pem",
            "must be a file of certificates in PEM (no such file or directory)",
        ),
        (
            "MAILROOM_HTTP_CA_FILE",
            __file__,
            "must be a file of certificates in PEM",
        ),
    ],
)
def test_a_wrong_value(mistakes: Mistakes, variable: str, value: str, expected: str) -> None:
    assert mistakes(GOOD | {variable: value}) == [f"{variable}: {expected}"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("[1]", ["MAILROOM_CATEGORIES[0]: must be a mapping"]),
        ("[{}]", ["MAILROOM_CATEGORIES[0].name: is missing"]),
        (
            '[{"name": 1}]',
            ["MAILROOM_CATEGORIES[0].name: must be a text (put it in quotation marks)"],
        ),
        (
            '[{"name": "A"}, {"name": "B", "parnt": "A", "x": 1, "contact_type": "robot"}]',
            [
                "MAILROOM_CATEGORIES[1].contact_type: must be 'company' or 'person'",
                "MAILROOM_CATEGORIES[1]: parnt: unknown; did you mean parent?",
                "MAILROOM_CATEGORIES[1]: x: unknown",
            ],
        ),
        (
            '[{"name": "A", "add_to_inbox": "perhaps"}]',
            ["MAILROOM_CATEGORIES[0].add_to_inbox: must be true or false"],
        ),
        ("[]", ["MAILROOM_CATEGORIES: there is no category"]),
        (
            '[{"name": "A", "parent": "B"}, {"name": "C", "destination": "Inbox"}]',
            [
                'MAILROOM_CATEGORIES: category "A": there is no category "B" (parent)',
                (
                    'MAILROOM_CATEGORIES: category "C": the destination must not be the Inbox;'
                    " choose another mailbox, and set add_to_inbox: true"
                ),
            ],
        ),
    ],
)
def test_wrong_categories(mistakes: Mistakes, value: str, expected: list[str]) -> None:
    assert mistakes(GOOD | {"MAILROOM_CATEGORIES": value}) == expected


def test_a_collision_with_a_default_category_names_the_setting(
    mistakes: Mistakes,
) -> None:
    environ = GOOD | {"MAILROOM_SCREENER_MAILBOX": "feed"}

    assert mistakes(environ) == [
        (
            'MAILROOM_SCREENER_MAILBOX: mailbox "feed" is used more than once:'
            ' the Screener, category "Feed"\'s destination'
        ),
        (
            'MAILROOM_SCREENER_MAILBOX: mailbox "@Tofeed" is used more than once:'
            " the Screener's label, category \"Feed\"'s label"
        ),
    ]


def test_categories_without_any_usable_one_are_not_checked_further(mistakes: Mistakes) -> None:
    environ = GOOD | {"MAILROOM_SCREENER_MAILBOX": "Feed", "MAILROOM_CATEGORIES": "[1]"}

    assert mistakes(environ) == ["MAILROOM_CATEGORIES[0]: must be a mapping"]


def test_a_mistake_inside_a_category_hides_no_other(mistakes: Mistakes) -> None:
    value = (
        '[{"name": "A", "colour": "red", "parent": "B"}, {"name": "C", "add_to_inbox": "perhaps"},'
        ' {"name": "C", "destination": "Inbox"}]'
    )
    assert mistakes(GOOD | {"MAILROOM_CATEGORIES": value}) == [
        "MAILROOM_CATEGORIES[0]: colour: unknown",
        "MAILROOM_CATEGORIES[1].add_to_inbox: must be true or false",
        'MAILROOM_CATEGORIES: 2 categories have the same name: "C"',
        'MAILROOM_CATEGORIES: category "A": there is no category "B" (parent)',
        (
            'MAILROOM_CATEGORIES: category "C": the destination must not be the Inbox;'
            " choose another mailbox, and set add_to_inbox: true"
        ),
    ]


def test_a_category_without_a_name_may_be_the_missing_parent(mistakes: Mistakes) -> None:
    value = '[{"nam": "A"}, {"name": "B", "parent": "A"}, {"name": "B"}]'
    assert mistakes(GOOD | {"MAILROOM_CATEGORIES": value}) == [
        "MAILROOM_CATEGORIES[0].name: is missing",
        "MAILROOM_CATEGORIES[0]: nam: unknown; did you mean name?",
        'MAILROOM_CATEGORIES: 2 categories have the same name: "B"',
    ]


def test_a_mistake_inside_a_category_of_the_file_hides_no_other(
    mistakes: Mistakes, tmp_path: Path
) -> None:
    (tmp_path / "mailroom.yaml").write_text("categories: [{name: A, parent: B}, {name: C, x: 1}]")
    assert mistakes(GOOD) == [
        "mailroom.yaml: categories[1]: x: unknown",
        'mailroom.yaml: categories: category "A": there is no category "B" (parent)',
    ]


def test_a_token_and_a_login(mistakes: Mistakes) -> None:
    assert mistakes(GOOD | BASIC) == [
        (
            "MAILROOM_JMAP_TOKEN: must not be set together with"
            " MAILROOM_JMAP_USERNAME and MAILROOM_JMAP_PASSWORD"
        )
    ]
    assert mistakes(GOOD | {"MAILROOM_JMAP_USERNAME": "alice"}) == [
        "MAILROOM_JMAP_TOKEN: must not be set together with MAILROOM_JMAP_USERNAME"
    ]


@pytest.mark.parametrize(
    ("missing", "given"),
    [
        ("MAILROOM_JMAP_USERNAME", "MAILROOM_JMAP_PASSWORD"),
        ("MAILROOM_JMAP_PASSWORD", "MAILROOM_JMAP_USERNAME"),
    ],
)
def test_half_a_login(mistakes: Mistakes, missing: str, given: str) -> None:
    environ = {**OWN, **BASIC, "MAILROOM_CARDDAV_URL": "https://mail.example.com/"}
    del environ[missing]

    assert mistakes(environ) == [f"{missing}: is missing, because {given} is set"]


@pytest.mark.parametrize(
    ("missing", "given"),
    [
        ("MAILROOM_CARDDAV_USERNAME", "MAILROOM_CARDDAV_PASSWORD"),
        ("MAILROOM_CARDDAV_PASSWORD", "MAILROOM_CARDDAV_USERNAME"),
    ],
)
def test_half_a_login_of_the_address_book(mistakes: Mistakes, missing: str, given: str) -> None:
    environ = {key: value for key, value in GOOD.items() if key != missing}

    assert mistakes(environ) == [f"{missing}: is missing, because {given} is set"]


def test_a_token_is_no_login_for_the_address_book(mistakes: Mistakes) -> None:
    environ = {
        **OWN,
        "MAILROOM_JMAP_TOKEN": "token",
        "MAILROOM_CARDDAV_URL": "https://mail.example.com/",
    }

    assert mistakes(environ) == [
        "MAILROOM_CARDDAV_USERNAME: is missing",
        "MAILROOM_CARDDAV_PASSWORD: is missing",
    ]


def test_the_login_of_jmap_is_not_used_for_another_host(mistakes: Mistakes) -> None:
    environ = {**OWN, **BASIC, "MAILROOM_CARDDAV_URL": "https://dav.example.com/"}

    why = "because the address book is on another host than the mail"
    assert mistakes(environ) == [
        f"MAILROOM_CARDDAV_USERNAME: is missing, {why}",
        f"MAILROOM_CARDDAV_PASSWORD: is missing, {why}",
    ]
    assert mistakes(BASIC | CARDDAV) == mistakes(environ)


def test_no_password_goes_to_fastmail_for_a_forgotten_url(
    mistakes: Mistakes,
) -> None:
    expected = [
        "MAILROOM_CARDDAV_URL: is missing, because MAILROOM_JMAP_SESSION_URL is not Fastmail's"
    ]

    assert mistakes(OWN | BASIC | CARDDAV) == expected
    assert mistakes(OWN | GOOD) == expected
    lookalike = {"MAILROOM_JMAP_SESSION_URL": "https://notfastmail.com/"}
    assert mistakes(lookalike | GOOD) == expected


@pytest.mark.parametrize("backend", ["auto", "jmap", "JMAP"])
def test_a_server_that_may_offer_contacts_over_jmap_needs_no_carddav(
    mistakes: Mistakes, backend: str
) -> None:
    choice = {"MAILROOM_CONTACTS_BACKEND": backend}

    assert mistakes(OWN | BASIC | choice) == []
    assert mistakes({"MAILROOM_JMAP_TOKEN": "token"} | choice) == []


def test_shared_logins_are_not_judged_while_a_url_is_wrong(
    mistakes: Mistakes,
) -> None:
    environ = {**OWN, **BASIC, "MAILROOM_CARDDAV_URL": "nonsense"}

    assert mistakes(environ) == ["MAILROOM_CARDDAV_URL: must be a URL that begins with https://"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("jmpa: {token: x}", "jmpa: unknown; did you mean jmap?"),
        ("jmap: {tokn: x}", "jmap.tokn: unknown; did you mean jmap.token?"),
        ("log_level: info", "log_level: unknown; did you mean log.level?"),
        ("departures: {enabled: true}", "departures: unknown"),
        ("poll: 300", "poll: must be a mapping"),
        ("poll: [300]", "poll: must be a mapping"),
        ("poll: {interval: often}", "poll.interval: must be a number"),
        ("poll: {interval: []}", "poll.interval: must be a valid number"),
        ("jmap: {account: 12}", "jmap.account: must be a text (put it in quotation marks)"),
        (
            "categories: Feed",
            f"categories: {NO_LIST}",
        ),
        ("categories: {Feed: {}}", "categories: must be a list of categories"),
        ("categories: [{nam: x}]", "categories[0].name: is missing"),
        ("1: x", "(hidden key): unknown"),
        ("poll: {1: x}", "poll.(hidden key): unknown"),
        ("just a text", "must be a YAML mapping"),
        ("[1, 2]", "must be a YAML mapping"),
        ("a: b: c", "is not valid YAML in line 1, column 5 (are quotation marks missing?)"),
        (
            "jmap: {token: @x}",
            "is not valid YAML in line 1, column 15 (are quotation marks missing?)",
        ),
        ("a: !secret x", "is not valid YAML in line 1, column 4 (are quotation marks missing?)"),
        ("a: 2026-99-99", "is not valid YAML (are quotation marks missing?)"),
        ("a: \x00", "is not valid YAML (are quotation marks missing?)"),
        ("a: {{ b }}", "is not valid YAML in line 1, column 5 (are quotation marks missing?)"),
        ("? [a]\n: b", "is not valid YAML in line 1, column 3 (are quotation marks missing?)"),
        ("a: !!bool b", "is not valid YAML (are quotation marks missing?)"),
        ("a: !!timestamp b", "is not valid YAML (are quotation marks missing?)"),
        ('a: !!int ""', "is not valid YAML (are quotation marks missing?)"),
    ],
)
def test_mistakes_in_the_file(
    mistakes: Mistakes, tmp_path: Path, content: str, expected: str
) -> None:
    (tmp_path / "mailroom.yaml").write_text(content)

    first, *_ = mistakes(GOOD)

    assert first == f"mailroom.yaml: {expected}"


def test_a_file_that_is_not_text(mistakes: Mistakes, tmp_path: Path) -> None:
    (tmp_path / "mailroom.yaml").write_bytes(b"jmap: \xff\xfe\xfa")

    assert mistakes(GOOD) == ["mailroom.yaml: is not valid YAML (are quotation marks missing?)"]


def test_a_configured_file_that_does_not_exist(mistakes: Mistakes) -> None:
    environ = {"MAILROOM_CONFIG": "/nowhere/mailroom.yaml"}

    assert mistakes(environ) == ["MAILROOM_CONFIG: there is no such file"]


def test_a_file_that_is_a_folder(mistakes: Mistakes, tmp_path: Path) -> None:
    (tmp_path / "mailroom.yaml").mkdir()

    assert mistakes({}) == ["mailroom.yaml: cannot be read (Is a directory)"]
    assert mistakes({"MAILROOM_CONFIG": "."}) == [
        "MAILROOM_CONFIG: cannot be read (Is a directory)"
    ]


def test_a_mistake_names_the_configured_file(mistakes: Mistakes, tmp_path: Path) -> None:
    (tmp_path / "my.yml").write_text("poll: {interval: 0}")

    assert mistakes(GOOD | {"MAILROOM_CONFIG": "my.yml"}) == [
        "my.yml: poll.interval: must be greater than or equal to 1"
    ]


def test_an_overridden_value_is_not_checked(mistakes: Mistakes, tmp_path: Path) -> None:
    (tmp_path / "mailroom.yaml").write_text("poll: {interval: 0}")

    assert mistakes(GOOD | {"MAILROOM_POLL_INTERVAL": "60"}) == []


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("mailroom_jmap_tokn", b"x", "unknown; did you mean mailroom_jmap_token?"),
        ("mailroom_jmap_token.txt", b"x", "unknown; did you mean mailroom_jmap_token?"),
        ("MAILROOM_JMAP_TOKEN", b"x", "unknown; did you mean mailroom_jmap_token?"),
        ("mailroom_zzz", b"x", "unknown"),
        ("mailroom_jmap_account", b"", "is empty"),
        ("mailroom_jmap_account", b"\n", "is empty"),
        ("mailroom_jmap_account", b"\xff\xfe", "is not UTF-8 text"),
        ("mailroom_poll_interval", b"often", "must be a number"),
    ],
)
def test_mistakes_in_secret_files(
    mistakes: Mistakes, tmp_path: Path, name: str, content: bytes, expected: str
) -> None:
    write_secret(tmp_path, name, content)

    assert mistakes(GOOD) == [f"secret file {name}: {expected}"]


def test_a_secret_file_that_is_a_folder(mistakes: Mistakes, tmp_path: Path) -> None:
    """Container engines make one where the file to mount was not there."""
    (tmp_path / "secrets" / "mailroom_jmap_token").mkdir(parents=True)
    environ = {key: value for key, value in GOOD.items() if "JMAP" not in key}

    assert mistakes(environ) == ["secret file mailroom_jmap_token: cannot be read (Is a directory)"]


def test_a_secret_file_that_is_a_broken_link(mistakes: Mistakes, tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "mailroom_jmap_account").symlink_to("..data/gone")

    assert mistakes(GOOD) == [
        "secret file mailroom_jmap_account: cannot be read (No such file or directory)"
    ]


def test_a_configured_secrets_directory_that_does_not_exist(
    mistakes: Mistakes, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()

    for directory in ("/nowhere", "file"):
        assert mistakes({"MAILROOM_SECRETS_DIR": directory}) == [
            "MAILROOM_SECRETS_DIR: there is no such directory"
        ]


def test_a_secrets_directory_that_cannot_be_read(mistakes: Mistakes, tmp_path: Path) -> None:
    """Not even root can read what is a link to itself."""
    (tmp_path / "mine").symlink_to("mine")

    assert mistakes({**GOOD, "MAILROOM_SECRETS_DIR": "mine"}) == [
        f"MAILROOM_SECRETS_DIR: cannot be read ({os.strerror(errno.ELOOP)})"
    ]


def test_a_default_secrets_directory_that_cannot_be_read_is_ignored(
    load: Load, tmp_path: Path
) -> None:
    (tmp_path / "secrets").symlink_to("secrets")

    assert load(GOOD).jmap.session_url


@pytest.fixture
def unlistable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The default directory, whose files may be read but not listed: mode 0711."""
    folder = tmp_path / "secrets"
    folder.mkdir()
    listing = Path.iterdir

    def iterdir(path: Path) -> Iterator[Path]:
        if path == folder:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return listing(path)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    return folder


def test_a_default_directory_that_may_not_be_listed_is_ignored(
    load: Load, unlistable: Path
) -> None:
    assert unlistable.exists()
    assert load(GOOD).jmap.session_url


def test_files_in_an_unlistable_directory_are_found_by_their_names(
    load: Load, unlistable: Path
) -> None:
    (unlistable / "mailroom_jmap_account").write_text("found")
    (unlistable / "mailroom_jmap_acount").write_text("a typing error that nobody can see")

    assert load(GOOD).jmap.account == "found"


def test_files_of_accounts_in_an_unlistable_directory_are_found(
    load: Load, unlistable: Path, tmp_path: Path
) -> None:
    (tmp_path / "mailroom.yaml").write_text("accounts: {anna: {}}")
    (unlistable / "mailroom_accounts_anna_jmap_token").write_text("annas")

    (anna,) = load({}).accounts
    assert anna.jmap.token.get_secret_value() == "annas"


def test_an_empty_file_in_an_unlistable_directory_is_a_mistake(
    mistakes: Mistakes, unlistable: Path
) -> None:
    (unlistable / "mailroom_jmap_account").write_text("")

    assert mistakes(GOOD) == ["secret file mailroom_jmap_account: is empty"]


def test_a_named_directory_that_may_not_be_listed_is_a_mistake(
    mistakes: Mistakes, unlistable: Path
) -> None:
    assert mistakes({**GOOD, "MAILROOM_SECRETS_DIR": str(unlistable)}) == [
        f"MAILROOM_SECRETS_DIR: cannot be read ({os.strerror(errno.EACCES)})"
    ]


def test_all_mistakes_of_all_sources_at_once(mistakes: Mistakes, tmp_path: Path) -> None:
    (tmp_path / "mailroom.yaml").write_text("log: {levle: info}\npoll: {interval: 0}\npush: 1")
    write_secret(tmp_path, "mailroom_jmap_pasword", b"x")
    environ = {
        "MAILROOM_JMAP_USERNAME": "a:b",
        "MAILROOM_HEALTH_PORT": "-1",
        "MAILROOM_CARDDAV_URL": "http://dav.example.com/",
        "MAILROOM_CATEGORIES": '[{"name": "Feed", "parent": "Feed"}]',
        "MAILROOM_FOO": "",
    }

    assert mistakes(environ) == [
        "MAILROOM_FOO: unknown",
        "secret file mailroom_jmap_pasword: unknown; did you mean mailroom_jmap_password?",
        "mailroom.yaml: log.levle: unknown; did you mean log.level?",
        "mailroom.yaml: push: must be a mapping",
        "MAILROOM_JMAP_USERNAME: must not contain a colon or control characters",
        "mailroom.yaml: poll.interval: must be greater than or equal to 1",
        "MAILROOM_HEALTH_PORT: must be greater than or equal to 0",
        "MAILROOM_CATEGORIES: categories are each other's parents: Feed -> Feed",
        (
            "MAILROOM_CARDDAV_URL: must begin with https://, because credentials are sent to it"
            " (http is for servers on this machine); in a container network of your own,"
            " set MAILROOM_CARDDAV_INSECURE"
        ),
        "MAILROOM_JMAP_PASSWORD: is missing, because MAILROOM_JMAP_USERNAME is set",
    ]


SECRET = "zq-s3cret-fake"
HOSTILE_FILES = [
    "jmap: {token: %s: x}",
    "jmap: {token: @%s}",
    "jmap: {token: *%s}",
    "jmap: {token: !%s }",
    "jmap: {token: &%s}",
    "jmap: {token: '%s}",
    "jmap: {token %s}",
    "jmap: %s",
    "%s",
    "%s:",
    "jmap: {%s: }",
    "jmap: {password: [%s], token: {a: %s}, username: {%s: 1}}",
    "categories: [%s, {%s: 1}, {name: [%s]}]",
    "poll: {interval: %s}\npush: {transport: %s, settle: %s}\nlog: %s",
    "screener: {mailbox: [%s], warn_on_name_mismatch: %s}",
]


def everything_said(environ: Mapping[str, str], cwd: Path) -> str:
    try:
        load_settings(environ, cwd=cwd)
    except SettingsError as error:
        said = [str(error), *traceback.format_exception(error)]
        said += [repr(cause) for cause in (error, error.__cause__, error.__context__)]
        return "\n".join(said)
    return ""


@pytest.mark.parametrize("content", HOSTILE_FILES)
def test_no_value_of_a_broken_file_is_shown(tmp_path: Path, content: str) -> None:
    (tmp_path / "mailroom.yaml").write_text(content.replace("%s", SECRET))

    said = everything_said({}, tmp_path)

    assert said
    assert SECRET not in said


@pytest.mark.parametrize(
    "value",
    [
        f"{SECRET} {SECRET}",
        f"http://{SECRET}",
        f"https://{SECRET}:{SECRET}@example.com/",
        f"https://x:{SECRET}",
        f'["{SECRET}", {{"name": "A", "{SECRET}": 1, "contact_type": "{SECRET}"}}]',
        f"{SECRET}:\x00\n",
    ],
)
def test_no_value_of_a_variable_is_shown(tmp_path: Path, value: str) -> None:
    categories_apart = {name: value for name in VARIABLES if not name.startswith("MAILROOM_SCR")}
    for environ in (categories_apart, {"MAILROOM_JMAP_TOKN": value}):
        said = everything_said(environ, tmp_path)

        assert "MAILROOM_" in said
        assert SECRET not in said


def test_no_value_of_a_secret_file_is_shown(tmp_path: Path) -> None:
    for name in ("mailroom_jmap_token", "mailroom_poll_interval", "mailroom_carddav_url"):
        write_secret(tmp_path, name, f"{SECRET} {SECRET}".encode())

    said = everything_said({"MAILROOM_SECRETS_DIR": "secrets"}, tmp_path)

    assert "secret file mailroom_jmap_token: " in said
    assert SECRET not in said


def test_no_name_of_a_configured_file_is_shown(tmp_path: Path) -> None:
    said = everything_said({"MAILROOM_CONFIG": SECRET, "MAILROOM_SECRETS_DIR": SECRET}, tmp_path)

    assert "MAILROOM_CONFIG" in said
    assert SECRET not in said


@given(
    st.dictionaries(
        st.sampled_from(sorted(VARIABLES)),
        st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)
        | st.sampled_from(["1", "off", "[]", '[{"name": "A"}]', "https://example.com/", "true"]),
        max_size=8,
    )
)
def test_any_values_raise_only_a_settings_error(
    environ: Mapping[str, str],
) -> None:
    try:
        settings = load_settings(environ, cwd=Path("/nowhere"))
    except SettingsError as error:
        mistakes = error.mistakes
    else:
        mistakes = tuple(setting.variable for setting in describe(settings))

    assert mistakes
    assert all(mistake.strip() and "\n" not in mistake for mistake in mistakes)
