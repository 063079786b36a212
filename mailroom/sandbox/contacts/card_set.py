"""ContactCard/set (RFC 9610 section 3.5)."""

from mailroom.sandbox import arguments as args
from mailroom.sandbox.arguments import SetAnswer
from mailroom.sandbox.contacts.store import CardStore
from mailroom.sandbox.plugin import Arguments


def set_(store: CardStore, arguments: Arguments) -> Arguments:
    """ContactCard/set. Creation ids are not resolved in ``update`` and ``destroy``, as on Cyrus."""
    args.known_only(arguments, "ifInState", "create", "update", "destroy")
    create, update = args.objects(arguments, "create"), args.objects(arguments, "update")
    destroy = args.id_list(arguments, "destroy") or []
    args.require_state(arguments, store.state())
    answer = SetAnswer(store.state())
    for creation_id, facts in create.items():
        with answer.noting(answer.not_created, creation_id):
            answer.created[creation_id] = store.create_card(facts)
    for card_id, patch in update.items():
        with answer.noting(answer.not_updated, card_id):
            answer.updated[card_id] = store.change_card(card_id, patch)
    for card_id in destroy:
        with answer.noting(answer.not_destroyed, card_id):
            store.destroy_card(card_id)
            answer.destroyed.append(card_id)
    return answer.to_json(store.state())
