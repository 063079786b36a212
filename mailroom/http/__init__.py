"""HTTP for one account: credentials, time-outs, retries. Knows neither JMAP nor CardDAV."""

from mailroom.http.client import CONNECT_TIMEOUT, HttpClient
from mailroom.http.credentials import (
    THIS_MACHINE,
    AllowedHosts,
    Credentials,
    is_this_machine,
    may_carry_credentials,
)
from mailroom.http.errors import (
    AnswerTooLargeError,
    BrokenAnswerError,
    CredentialsRefusedError,
    ForeignHostError,
    HttpError,
    InsecureUrlError,
    IntermediaryError,
    RedirectError,
    ServerFailureError,
    UnexpectedStatusError,
    UnreachableError,
    shown,
)
from mailroom.http.identity import USER_AGENT
from mailroom.http.messages import (
    MAX_OCTETS,
    AnswerReader,
    HttpRequest,
    Response,
    is_same_origin,
    with_origin,
)
from mailroom.http.proxies import NO_PROXIES, Proxies
from mailroom.http.refusals import raise_for_status, refusal
from mailroom.http.sessions import open_session, tls_for
from mailroom.http.slots import Slots
from mailroom.http.streams import Streams
from mailroom.http.tls import tls_context

__all__ = [
    "CONNECT_TIMEOUT",
    "MAX_OCTETS",
    "NO_PROXIES",
    "THIS_MACHINE",
    "USER_AGENT",
    "AllowedHosts",
    "AnswerReader",
    "AnswerTooLargeError",
    "BrokenAnswerError",
    "Credentials",
    "CredentialsRefusedError",
    "ForeignHostError",
    "HttpClient",
    "HttpError",
    "HttpRequest",
    "InsecureUrlError",
    "IntermediaryError",
    "Proxies",
    "RedirectError",
    "Response",
    "ServerFailureError",
    "Slots",
    "Streams",
    "UnexpectedStatusError",
    "UnreachableError",
    "is_same_origin",
    "is_this_machine",
    "may_carry_credentials",
    "open_session",
    "raise_for_status",
    "refusal",
    "shown",
    "tls_context",
    "tls_for",
    "with_origin",
]
