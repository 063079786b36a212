"""The domains that nobody decides on as a whole, and the list of mail providers."""

import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import idna
import pytest

from mailroom.contacts.address import key_of
from mailroom.http.domains import registrable_domain
from mailroom.screener.model.domain_guard import objection_to_domain

MERGE = Path(__file__).parents[2] / "scripts/mail-providers.d/merge.py"
OWN = ("home.example", "mail.corp.co.uk", "GRÜN.example")


def test_an_ordinary_company_may_be_decided_on() -> None:
    assert objection_to_domain("corp.example", OWN) == ""
    assert objection_to_domain("news.corp.example", OWN) == ""
    assert objection_to_domain("bücher.example", OWN) == ""
    assert objection_to_domain("xn--bcher-kva.example", OWN) == ""
    assert objection_to_domain("corp.co.uk", ()) == ""


@pytest.mark.parametrize("domain", ["notgmail.com", "gmail.com.corp.example", "google.com"])
def test_a_domain_that_looks_like_a_provider_may_be_decided_on(domain: str) -> None:
    assert objection_to_domain(domain, OWN) == ""


@pytest.mark.parametrize(
    "domain",
    ["co.uk", "com", "github.io", "公司.cn", "xn--55qx5d.cn", "localhost", "onmicrosoft.com"],
)
def test_a_public_suffix_is_refused(domain: str) -> None:
    name = key_of(f"a@{domain}").removeprefix("a@")
    reason = f"anybody can get a domain below {name}; decide on single addresses there"
    assert objection_to_domain(domain, ()) == reason


@pytest.mark.parametrize("domain", ["tenant.onmicrosoft.com", "ann.github.io"])
def test_a_domain_below_a_private_suffix_may_be_decided_on(domain: str) -> None:
    assert objection_to_domain(domain, OWN) == ""


@pytest.mark.parametrize(
    "domain",
    [
        *("gmail.com", "outlook.com", "hotmail.co.uk", "yahoo.co.jp", "gmx.at", "t-online.de"),
        *("yandex.ru", "qq.com", "sina.com", "naver.com", "proton.me", "fastmail.fm", "zoho.com"),
        *("orange.fr", "libero.it", "uol.com.br", "comcast.net", "seznam.cz", "wp.pl", "ziggo.nl"),
        *("privaterelay.appleid.com", "duck.com", "mozmail.com", "anonaddy.com", "simplelogin.com"),
    ],
)
def test_a_provider_or_relay_is_refused(domain: str) -> None:
    reason = f"{domain} is a public mail provider or relay; decide on single addresses there"
    assert objection_to_domain(domain, ()) == reason


def test_a_subdomain_of_a_provider_is_refused() -> None:
    reason = "gmail.com, which a.sub.gmail.com belongs to, is a public mail provider or relay"
    assert objection_to_domain("a.sub.gmail.com", ()).startswith(reason)
    assert objection_to_domain("appleid.com", ()) == ""


@pytest.mark.parametrize("domain", ["GMail.com", "gmail.com.", "gmail。com", "\uff27mail.com"])
def test_the_spelling_does_not_matter(domain: str) -> None:
    assert objection_to_domain(domain, ()).startswith("gmail.com is a public mail provider")


@pytest.mark.parametrize(
    "domain",
    ["home.example", "Home.Example", "mail.corp.co.uk", "corp.co.uk", "xn--grn-ioa.example"],
)
def test_the_users_own_domains_and_provider_are_refused(domain: str) -> None:
    name = domain.lower()
    reason = f"{name} is a domain of your own addresses or of your mail server"
    assert objection_to_domain(domain, OWN) == f"{reason}; decide on single addresses there"


@pytest.mark.parametrize("domain", ["shop.home.example", "other.corp.co.uk", "a.mail.corp.co.uk"])
def test_another_subdomain_of_an_own_domain_may_be_decided_on(domain: str) -> None:
    assert objection_to_domain(domain, OWN) == ""


def test_own_domains_that_no_name_can_be_registered_in_are_harmless() -> None:
    own = ("127.0.0.1", "localhost", "")
    assert objection_to_domain("corp.example", own) == ""


def test_the_list_of_providers_is_sorted_unique_and_valid() -> None:
    text = files("mailroom.screener.model").joinpath("mail_providers.txt").read_text("ascii")
    domains = text.splitlines()
    assert len(domains) > 300
    assert text.endswith("\n")
    assert domains == sorted(set(domains))
    for domain in domains:
        assert domain == key_of(f"a@{domain}").removeprefix("a@") != ""
        assert idna.decode(idna.encode(domain)) == idna.decode(domain)
        assert registrable_domain(domain, under_any_suffix=False), f"{domain} is a public suffix"
        above = domain.split(".", 1)[1]
        assert above not in domains, f"{domain} is below {above}"


def merge(path: Path, *arguments: str, standard_input: str = "") -> tuple[int, str, str]:
    """Return the exit code of a merge into a list, its output, and its errors."""
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, MERGE, path, *arguments],
        input=standard_input.encode(),
        capture_output=True,
        check=False,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.fixture
def providers(tmp_path: Path) -> Path:
    path = tmp_path / "providers.txt"
    path.write_text("eu.post.example.com\npost.org\n", "ascii")
    return path


def test_domains_are_merged_in_any_order_and_spelling(providers: Path, tmp_path: Path) -> None:
    more = tmp_path / "more.txt"
    more.write_text("# two\nZoll.de.\r\n\nBÜCHER.de  # books\nzoll.de\nPOST.org\n", "utf-8-sig")
    code, output, _ = merge(providers, str(more))
    assert code == 0
    assert output == "+ xn--bcher-kva.de\n+ zoll.de\n4 domains in the list, 2 of them new\n"
    assert providers.read_text("ascii").split() == [
        "eu.post.example.com",
        "post.org",
        "xn--bcher-kva.de",
        "zoll.de",
    ]
    assert {path.name for path in tmp_path.iterdir()} == {"more.txt", "providers.txt"}


def test_a_domain_replaces_those_below_it(providers: Path) -> None:
    code, output, _ = merge(providers, standard_input="post.example.com\na.post.org\n")
    assert code == 0
    assert "- eu.post.example.com (a domain above it is in the list)\n" in output
    assert providers.read_text("ascii") == "post.example.com\npost.org\n"


def test_a_mistake_is_named_and_nothing_changes(providers: Path) -> None:
    before = providers.read_bytes()
    lines = "mail.de\nco.uk\nnonsense\n-a.de\nann@mail.de\nxn--a.de\nmail.nosuchsuffix\n"
    code, output, errors = merge(providers, standard_input=lines)
    assert (code, output) == (1, "")
    assert [line.split(": ")[0] for line in errors.splitlines()] == [
        f"-:{number}" for number in range(2, 8)
    ]
    assert providers.read_bytes() == before


def test_a_missing_file_changes_nothing(providers: Path, tmp_path: Path) -> None:
    before = providers.read_bytes()
    code, output, errors = merge(providers, str(tmp_path / "missing.txt"))
    assert (code, output) == (2, "")
    assert "cannot read" in errors
    assert providers.read_bytes() == before
