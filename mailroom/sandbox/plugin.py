"""The seam through which a further data type (contacts) joins the sandbox's accounts.

A plug-in is made once per account by a :data:`PluginFactory`, which gets a :class:`Seat`: all it
may know of the account. In return it offers a capability, methods and HTTP routes. The core does
the rest: authentication, ``using``, back-references, ``accountId``, and the limits on the number
of objects (``maxObjectsInGet``, ``maxObjectsInSet``) of every ``/get`` and ``/set``.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from aiohttp import web

from mailroom.sandbox.quirks import Quirks
from mailroom.sandbox.states import States

Arguments = dict[str, Any]
"""A method's arguments or its result, as decoded from JSON."""

Method = Callable[[Arguments], Arguments]
"""Carries out one call. Back-references are resolved and ``accountId`` is checked and taken out of
the arguments; it need not be in the result either. Must not await: a request is carried out whole.

Raises:
    MethodFailure: the call is refused.
"""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class MethodFailure(Exception):  # noqa: N818 - JMAP calls it an error, Python code raises it
    """A method-level error (RFC 8620 section 3.6.2): ``["error", {"type": ..., facts}, id]``."""

    def __init__(self, type: str, **facts: Any) -> None:  # noqa: A002 - JMAP's own word
        super().__init__(type)
        self.type = type
        self.facts = facts


@dataclass(frozen=True, slots=True)
class Seat:
    """The account as a plug-in sees it.

    Attributes:
        account_id: JMAP's account id, which is the user's name as well (as on Cyrus).
        states: the account's states. A plug-in that has changed something calls
            ``states.changed("ContactCard", "AddressBook")`` and takes the number for its own change
            log; that is all it takes for push. ``str(states.of("ContactCard"))`` is the state.
        quirks: how this server misbehaves.
        created_ids: creation id -> id of what the present request has created so far
            (RFC 8620 section 3.3). The core adds the ``created`` of every ``/set``, and resolves
            ``#a`` in ``ids`` of ``/get``; what else may hold a creation id, the method resolves.
        throttle: ask it before each write to an object in a ``/set``; gives a SetError
            (``{"type": "rateLimit"}``) where the server refuses this one, else None.
    """

    account_id: str
    states: States
    quirks: Quirks
    throttle: Callable[[], Arguments | None]
    created_ids: dict[str, str] = field(default_factory=dict)


class Plugin(Protocol):
    """A further data type, for one account."""

    @property
    def capability(self) -> str:
        """The capability's URI, e.g. ``urn:ietf:params:jmap:contacts``."""
        ...

    @property
    def session_facts(self) -> Mapping[str, Any]:
        """The value under ``capabilities`` in the session."""
        ...

    @property
    def account_facts(self) -> Mapping[str, Any]:
        """The value under the account's ``accountCapabilities`` in the session."""
        ...

    @property
    def methods(self) -> Mapping[str, Method]:
        """Method's name (``ContactCard/get``) -> what carries it out."""
        ...

    @property
    def routes(self) -> Mapping[str, Handler]:
        """Path pattern of aiohttp (``/dav/{tail:.*}``) -> handler of all HTTP methods there.

        The same patterns for every account. The handler gets only authenticated requests of its
        own account's user.
        """
        ...


PluginFactory = Callable[[Seat], Plugin]
