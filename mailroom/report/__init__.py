"""Reports of a pass, planned or done: text for a person, data for a program, and log lines.

A report holds no subject line and no text of a mail: it names mail by its id, and people by their
addresses. A dry run and a real one print the same lines, so the lines are in the present tense.
"""

from mailroom.report.common import printable
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
    "printable",
    "summary",
]
