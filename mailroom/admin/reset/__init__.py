"""``mailroom reset``: takes back all that Mailroom did to mail and contacts.

For every contact that Mailroom has dealt with it does what the label that undoes would do, some
contacts at a time; then it takes Mailroom's marks off the mail that is left with any. In a pass it
is the label that says what is not done yet. Here it is the contact, by its groups and by what
Mailroom wrote on its card.
"""

from mailroom.admin.reset.executor import take_back
from mailroom.admin.reset.scope import Scope, ShowProgress
from mailroom.admin.reset.survey import survey
from mailroom.admin.reset.traces import Outcome, Traces

__all__ = ["Outcome", "Scope", "ShowProgress", "Traces", "survey", "take_back"]
