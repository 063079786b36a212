"""The authentication schemes that a server names (RFC 9110 section 11.6.1). Pure."""

import re
from typing import Final

from multidict import CIMultiDictProxy

_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def schemes(headers: CIMultiDictProxy[str]) -> tuple[str, ...]:
    """Return the schemes of all ``WWW-Authenticate`` challenges, in order, each once.

    Challenges and their parameters are separated by the same comma. A scheme is the token that
    begins an element of the list, unless a ``=`` follows: then the token names a parameter.
    """
    names: dict[str, None] = {}
    for header in headers.getall("WWW-Authenticate", ()):
        for element in _QUOTED.sub('""', header).split(","):
            token = _TOKEN.match(element.strip())
            if token and not element.strip()[token.end() :].lstrip().startswith("="):
                names[token[0]] = None
    return tuple(names)
