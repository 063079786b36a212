"""Registrable domains, by the Public Suffix List (publicsuffix.org)."""

from functools import cache

from publicsuffixlist import PublicSuffixList


def registrable_domain(host: str, *, under_any_suffix: bool) -> str | None:
    """Return the part of a host name that somebody has registered; None if there is none.

    ``mail.corp.co.uk`` -> ``corp.co.uk``. The hosts of one registrable domain have one owner.

    Args:
        host: in ASCII (RFC 5890), without a dot at its end.
        under_any_suffix: True if a suffix that is not on the list (``.local``, ``.internal``)
            counts as a public suffix. Nobody registers names under such a suffix, so the hosts of
            one domain may have several owners.
    """
    domain = _suffixes().privatesuffix(host, accept_unknown=under_any_suffix)
    return domain if isinstance(domain, str) else None


@cache
def _suffixes() -> PublicSuffixList:
    """Return the list. Reading it takes a tenth of a second and 2 MB, so it is read late, once."""
    return PublicSuffixList()
