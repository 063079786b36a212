"""HTTP for one account: credentials, time-outs, retries. Knows neither JMAP nor CardDAV."""

from mailroom.http.client import HttpClient
from mailroom.http.credentials import Credentials, may_carry_credentials
from mailroom.http.errors import (
    BrokenAnswerError,
    CredentialsRefusedError,
    HttpError,
    InsecureUrlError,
    RedirectError,
    ServerFailureError,
    UnexpectedStatusError,
    UnreachableError,
    shown,
)
from mailroom.http.messages import AnswerReader, HttpRequest, Response, raise_for_status

__all__ = [
    "AnswerReader",
    "BrokenAnswerError",
    "Credentials",
    "CredentialsRefusedError",
    "HttpClient",
    "HttpError",
    "HttpRequest",
    "InsecureUrlError",
    "RedirectError",
    "Response",
    "ServerFailureError",
    "UnexpectedStatusError",
    "UnreachableError",
    "may_carry_credentials",
    "raise_for_status",
    "shown",
]
