"""Thread/get, Thread/changes (RFC 8621 section 3)."""

from mailroom.sandbox import arguments as args
from mailroom.sandbox.methods.seat import Mail
from mailroom.sandbox.plugin import Arguments, MethodFailure


def get(mail: Mail, arguments: Arguments) -> Arguments:
    """Thread/get."""
    args.known_only(arguments, "ids", "properties")
    wanted = args.property_list(arguments, ("id", "emailIds"))
    ids = args.id_list(arguments, "ids")
    if ids is None:
        raise MethodFailure("requestTooLarge", description="ids must be specified")
    found = {each: mail.store.thread(each) for each in ids}
    threads = [
        {"id": each, "emailIds": [email.id for email in emails]}
        for each, emails in found.items()
        if emails
    ]
    kept = {"id", *(wanted or ("emailIds",))}
    return {
        "state": str(mail.store.state()),
        "list": [{name: each[name] for name in each if name in kept} for each in threads],
        "notFound": [each for each, emails in found.items() if not emails],
    }


def changes(mail: Mail, arguments: Arguments) -> Arguments:
    """Thread/changes."""
    return args.changes(arguments, mail.store.thread_history, mail.store.state())
