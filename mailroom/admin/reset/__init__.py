"""``mailroom reset``: takes back all that Mailroom did to mail and contacts.

For every contact that Mailroom has dealt with, a reset does the same as the label that undoes a
decision, a batch of contacts at a time. Then it removes Mailroom's labels and keywords from the
remaining mail. A pass knows from the label which work is not done yet; a reset knows it from the
contact: from its groups, and from Mailroom's traces on its card.
"""

from mailroom.admin.reset.executor import take_back
from mailroom.admin.reset.scope import Scope
from mailroom.admin.reset.survey import survey
from mailroom.admin.reset.traces import Outcome, Traces

__all__ = ["Outcome", "Scope", "Traces", "survey", "take_back"]
