"""The domains that nobody decides on as a whole, because many owners have addresses there. Pure."""

from collections.abc import Collection, Iterable
from functools import cache
from importlib.resources import files
from typing import Final

from mailroom.contacts.address import key_of
from mailroom.http.domains import registrable_domain

_PROVIDERS: Final = "mail_providers.txt"
"""A file beside this module, renewed by ``scripts/mail-providers``. Each line is a domain."""
_OF_TENANTS: Final = frozenset(
    {"mail.onmicrosoft.com", "onmicrosoft.com", "onmicrosoft.us", "partner.onmschina.cn"}
)
"""Domains whose subdomains have one owner each, as below a public suffix.

The Public Suffix List does not have these domains.
"""
_INSTEAD: Final = "decide on single addresses there"


def objection_to_domain(domain: str, own: Collection[str]) -> str:
    """Return the reason not to decide on everybody at a domain at once; "" if there is none.

    The reason is a text for a person. It contains the domain, in ASCII. The domain is not to be
    trusted: a stranger may have written it into From.

    Args:
        domain: of addresses, in any spelling. Its subdomains are not meant.
        own: the domains of the user's own addresses and of the user's mail server. These domains
            and their registrable domains are refused: for ``mail.corp.example``, also
            ``corp.example``. The user may decide on ``shop.corp.example``.
    """
    name = _in_ascii(domain)
    if name in _OF_TENANTS or registrable_domain(name, under_any_suffix=True) is None:
        return f"anybody can get a domain below {name}; {_INSTEAD}"
    labels = name.split(".")
    above = (".".join(labels[start:]) for start in range(len(labels)))
    if provider := next((domain for domain in above if domain in _providers()), ""):
        below = "" if name == provider else f", which {name} belongs to,"
        return f"{provider}{below} is a public mail provider or relay; {_INSTEAD}"
    own_names = {_in_ascii(domain) for domain in own}
    registrable = {registrable_domain(domain, under_any_suffix=True) for domain in own_names}
    if name in own_names | registrable:
        return f"{name} is a domain of your own addresses or of your mail server; {_INSTEAD}"
    return ""


def own_domains(addresses: Iterable[str], server: str) -> frozenset[str]:
    """Return the domains of the user's own addresses, and the host of the user's mail server."""
    return frozenset((*(key_of(address).rpartition("@")[2] for address in addresses), server))


def _in_ascii(domain: str) -> str:
    return key_of(f"a@{domain}").rpartition("@")[2]


@cache
def _providers() -> frozenset[str]:
    """Return the public mail providers and relays. Only the first call reads the file."""
    return frozenset(files(__package__).joinpath(_PROVIDERS).read_text("ascii").split())
