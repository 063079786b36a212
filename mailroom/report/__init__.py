"""What a pass is going to do or has done, for a person, a program, and the log.

Never a subject or a body: mail is named by its id, people by their addresses. A dry run and a real
one print the same lines, so they speak of what happens, not of what has happened.
"""

from mailroom.report.common import shown
from mailroom.report.data import outcome_data, plan_data
from mailroom.report.log import left_undone, log_report
from mailroom.report.text import outcome_text, plan_text, summary

__all__ = [
    "left_undone",
    "log_report",
    "outcome_data",
    "outcome_text",
    "plan_data",
    "plan_text",
    "shown",
    "summary",
]
