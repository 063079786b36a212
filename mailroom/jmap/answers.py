"""Strict readers for the results of method calls (RFC 8620 section 5).

A result that does not have the promised shape raises an error, and is never taken for empty.
"""

from collections.abc import Mapping
from typing import Any

from mailroom.http import BrokenAnswerError, Response
from mailroom.jmap.errors import MethodError
from mailroom.jmap.request import Call


def checked(value: Any, kind: type, call: Call) -> Any:
    """Return a part of a call's result if it is of the type ``kind``.

    Raises:
        MethodError: the part is of another type.
    """
    if not isinstance(value, kind):
        raise MethodError(call.method, "serverFail", "the answer does not have the promised shape")
    return value


def parsed(parse: Any, call: Call, value: Any) -> Any:
    """Return the result of ``parse`` for a part of a call's result.

    Raises:
        MethodError: ``parse`` cannot read the part.
    """
    try:
        return parse(value)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise MethodError(
            call.method, "serverFail", "the answer does not have the promised shape"
        ) from None


def string(value: Any) -> str:
    """Return the value if it is a string.

    Raises:
        TypeError: the value is something else.
    """
    if not isinstance(value, str):
        raise TypeError
    return value


def blob_id(response: Response) -> str:
    """Return the blob id in the answer to an upload.

    Raises:
        BrokenAnswerError: the body has no blob id.
    """
    body = response.json()
    blob_id = body.get("blobId") if isinstance(body, dict) else None
    if not isinstance(blob_id, str):
        raise BrokenAnswerError(response.url, "this is not an answer to an upload")
    return blob_id


def response_object(response: Response) -> Mapping[str, Any]:
    """Return the Response object (RFC 8620 section 3.4) in an answer.

    Raises:
        BrokenAnswerError: the body is not a Response object.
    """
    body = response.json()
    if not isinstance(body, dict) or not isinstance(body.get("methodResponses"), list):
        raise BrokenAnswerError(response.url, "this is not a JMAP response")
    return body
