"""Email/get, Email/changes (RFC 8621 sections 4.2 and 4.3)."""

from mailroom.sandbox import arguments as args
from mailroom.sandbox.methods.seat import Mail
from mailroom.sandbox.plugin import Arguments, MethodFailure
from mailroom.sandbox.properties import reader


def get(mail: Mail, arguments: Arguments) -> Arguments:
    """Email/get. The properties have to be named, for the default ones include bodies."""
    args.known_only(arguments, "ids", "properties")
    names = args.id_list(arguments, "properties")
    readers = {name: reader(name) for name in names or ()}
    wrong = [
        f"properties[{place}:{name}]" for place, name in enumerate(readers) if not readers[name]
    ]
    if wrong:
        raise args.invalid(*wrong)
    ids = args.id_list(arguments, "ids")
    if ids is None:
        raise MethodFailure("requestTooLarge", description="ids must be specified")
    if mail.seat.quirks.querying.renames_raw:
        readers = {name.replace(":asRaw", ""): read for name, read in readers.items()}
    emails = mail.store.emails
    if names is None and not emails.keys().isdisjoint(ids):
        raise args.invalid("properties")
    return {
        "state": str(mail.store.state()),
        "list": [
            {"id": each} | {name: read(emails[each]) for name, read in readers.items() if read}
            for each in ids
            if each in emails
        ],
        "notFound": [each for each in ids if each not in emails],
    }


def changes(mail: Mail, arguments: Arguments) -> Arguments:
    """Email/changes."""
    return args.changes(arguments, mail.store.email_history, mail.store.state())
