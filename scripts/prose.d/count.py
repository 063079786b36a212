"""Count words that make docstrings hard to read, print the figures, and fail above a limit.

Usage: count.py FOLDER... counts in all docstrings of the Python files in these folders together.
"""

import ast
import re
import sys
from pathlib import Path

LIMITS = {
    "what": (r"\bwhat\b", 30),
    "who, whoever": (r"\b(who|whoever)\b", 10),
    "tell, tells, told": (r"\b(tell|tells|told)\b", 8),
    "give, gives": (r"\b(give|gives)\b(?! (up|way)\b)", 5),  # in the sense of "return"
}
"""Pattern of each word, and its limit in uses per 10,000 words."""

OPENING = re.compile(r"(what|whether|who|how)\b", re.IGNORECASE)
OPENING_LIMIT = 5
"""In percent of the docstrings."""

paths = [path for folder in sys.argv[1:] for path in sorted(Path(folder).rglob("*.py"))]
docstrings = [
    node.value.value
    for path in paths
    for node in ast.walk(ast.parse(path.read_text()))
    if isinstance(node, ast.Expr)  # a string that is a statement: also the one below an assignment
    and isinstance(node.value, ast.Constant)
    and isinstance(node.value.value, str)
]
prose = "\n".join(docstrings)
words = len(re.findall(r"[a-z][a-z'-]*", prose, re.IGNORECASE))
lines = [f"{len(docstrings)} docstrings, {words} words in {' '.join(sys.argv[1:])}"]

failed = False
for name, (pattern, limit) in LIMITS.items():
    share = 10_000 * len(re.findall(pattern, prose, re.IGNORECASE)) / words
    failed |= share > limit
    lines.append(f"{name:20}{share:6.1f} in 10,000 words (limit {limit})")
share = 100 * sum(map(bool, map(OPENING.match, docstrings))) / len(docstrings)
failed |= share > OPENING_LIMIT
lines.append(f"{'opens with What/...':20}{share:6.1f} % of docstrings (limit {OPENING_LIMIT})")
sys.stdout.write("\n".join(lines) + "\n")
sys.exit(failed)
