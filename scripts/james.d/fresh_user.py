"""Makes a user the only one of the test server: fresh_user.py ADDRESS PASSWORD.

All other users are deleted with their mails. The user gets the mailboxes that James makes at
somebody's first request. Python's standard library only: this runs outside the project's
environment. `scripts/james` sets the environment variables.
"""

import base64
import json
import os
import sys
import urllib.parse
import urllib.request
from typing import Any

WEBADMIN = os.environ["TEST_JAMES_WEBADMIN"]
SESSION = os.environ["TEST_JAMES_HTTP"] + "/jmap/session"
API = os.environ["TEST_JAMES_HTTP"] + "/jmap"


def main(address: str, password: str) -> None:
    """Make the user, and delete all others."""
    for user in ask("GET", f"{WEBADMIN}/users"):
        name = urllib.parse.quote(user["username"], safe="")
        ask("DELETE", f"{WEBADMIN}/users/{name}/mailboxes")
        ask("DELETE", f"{WEBADMIN}/users/{name}")
    url = f"{WEBADMIN}/users/{urllib.parse.quote(address, safe='')}"
    ask("PUT", url, {"password": password})
    make_mailboxes(address, password)


def make_mailboxes(address: str, password: str) -> None:
    """Look at the mailboxes: James makes those with roles at a user's first request."""
    login = base64.b64encode(f"{address}:{password}".encode()).decode()
    headers = {
        "Authorization": f"Basic {login}",
        "Accept": "application/json; jmapVersion=rfc-8621",
    }
    capability = "urn:ietf:params:jmap:mail"
    account = ask("GET", SESSION, **headers)["primaryAccounts"][capability]
    call = ["Mailbox/get", {"accountId": account, "ids": None, "properties": ["role"]}, "0"]
    body = {"using": ["urn:ietf:params:jmap:core", capability], "methodCalls": [call]}
    ((name, answer, _),) = ask("POST", API, body, **headers)["methodResponses"]
    if name != "Mailbox/get" or {mailbox["role"] for mailbox in answer["list"]} < {
        "inbox",
        "archive",
    }:
        sys.exit(f"no mailboxes for {address}: {answer}")


def ask(method: str, url: str, body: object = None, **headers: str) -> Any:
    """Send a request; return the JSON that is answered, if any."""
    request = urllib.request.Request(  # noqa: S310 - our own server's URL
        url,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json", **headers},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # it is on loopback
    with opener.open(request, timeout=30) as response:
        return json.loads(response.read() or "null")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
