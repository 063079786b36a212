"""Makes empty users of the test server: fresh_user.py PASSWORD NAME...

An existing user of the name is deleted. Each user gets the mailboxes that a real provider creates
for everybody, with their roles, and an address book. Python's standard library only: this runs
outside the project's environment. `scripts/cyrus` sets the environment variables.
"""

import base64
import imaplib
import os
import sys
import urllib.request

MAILBOXES = {
    "Archive": "Archive",
    "Drafts": "Drafts",
    "Sent": "Sent",
    "Spam": "Junk",
    "Trash": "Trash",
}


def main(password: str, names: list[str]) -> None:
    """Make empty users of these names."""
    host, port = os.environ["TEST_CYRUS_IMAP"].split(":")
    with imaplib.IMAP4(host, int(port)) as imap:
        imap.login("admin", os.environ["TEST_CYRUS_ADMIN_PASSWORD"])
        for name in names:
            wipe(imap, name)
            make_mailboxes(imap, name)
    for name in names:
        make_address_book(name, password)


def wipe(imap: imaplib.IMAP4, name: str) -> None:
    """Delete a user's mailboxes, if there are any."""
    # The admin needs this right to delete the mailboxes. Without such a user, this fails silently.
    imap.setacl(f"user/{name}", "admin", "lrswipkxtecda")
    status, answer = imap.delete(f"user/{name}")
    if status != "OK" and b"does not exist" not in answer[0]:
        sys.exit(f"cannot wipe {name}: {answer}")


def make_mailboxes(imap: imaplib.IMAP4, name: str) -> None:
    """Make the Inbox and the mailboxes that have roles."""
    create(imap, f"user/{name}")
    for mailbox, role in MAILBOXES.items():
        create(imap, f"user/{name}/{mailbox}", f"(USE (\\{role}))")


def create(imap: imaplib.IMAP4, *arguments: str) -> None:
    """Make a mailbox."""
    status, answer = imap.xatom("CREATE", *arguments)  # create() takes no roles
    if status != "OK":
        sys.exit(f"cannot create {arguments}: {answer}")


def make_address_book(name: str, password: str) -> None:
    """Have Cyrus make the address book, as it does at a user's first request."""
    request = urllib.request.Request(  # noqa: S310 - our own server's URL
        f"{os.environ['TEST_CYRUS_HTTP']}/dav/addressbooks/user/{name}/Default/",
        method="PROPFIND",
        headers={
            "Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode(),
            "Depth": "0",
        },
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # it is on loopback
    with opener.open(request, timeout=30) as response:
        response.read()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
