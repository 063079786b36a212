"""The documents agree with the program and with each other.

Every table, link, path, command, option, variable and example in README.md, docs/ and k8s/README.md
is held to the code. ``.venv/bin/python -m tests.unit.test_documents`` writes the tables that come
from the code again.
"""

import configparser
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from mailroom.cli.commands import COMMANDS
from mailroom.contacts.model import ContactType
from mailroom.exits import Exit
from mailroom.http.not_now import not_now_table
from mailroom.metrics import metrics_table
from mailroom.screener.model.categories import DEFAULTS, Category
from mailroom.settings.load import load_settings
from mailroom.settings.raw import CONFIG, SECRETS_DIR
from mailroom.settings.show import settings_table
from mailroom.settings.sources import read_environment
from tests.support.limits import limits_table

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
README = ROOT / "README.md"
DOCUMENTS = (README, *sorted(DOCS.glob("*.md")), ROOT / "k8s" / "README.md")
TEXTS = {document: document.read_text(encoding="utf-8") for document in DOCUMENTS}
EVERYTHING = "\n".join(TEXTS.values())
TABLES = {
    "settings": (DOCS / "settings.md", settings_table),
    "metrics": (DOCS / "metrics.md", metrics_table),
    "not now": (DOCS / "servers.md", not_now_table),
    "limits": (DOCS / "resilience.md", limits_table),
}
REGENERATE = ".venv/bin/python -m tests.unit.test_documents"

BLOCKS = re.findall(r"(?ms)^ *```(\w*)\n(.*?)^ *```", EVERYTHING)
CODE = [line for _, block in BLOCKS for line in block.splitlines()]
CODE += re.findall(r"(?<!`)`([^`\n]+)`(?!`)", EVERYTHING)
CALLS = [re.sub(r" +#.*", "", code).strip().removeprefix("$ ") for code in CODE]

of_each_document = pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT))
)


def with_table(text: str, name: str, table: Callable[[], str]) -> str:
    """Return a document with an up-to-date table."""
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
    assert text.count(begin) == text.count(end) == 1
    before, _, rest = text.partition(begin)
    return before + begin + table() + end + rest.partition(end)[2]


@pytest.mark.parametrize("name", TABLES)
def test_the_tables_are_up_to_date(name: str) -> None:
    document, table = TABLES[name]
    text = TEXTS[document]
    assert with_table(text, name, table) == text, f"to write the table again: {REGENERATE}"


def test_the_tables_of_the_benchmark_are_those_of_its_results(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    document.write_text(TEXTS[DOCS / "performance.md"], encoding="utf-8")
    command = (sys.executable, ROOT / "scripts/bench.d", "--document", document)
    subprocess.run(command, check=True, env={"PYTHONPATH": str(ROOT)})  # noqa: S603 - our own
    assert document.read_text(encoding="utf-8") == TEXTS[DOCS / "performance.md"]


def anchors(text: str) -> set[str]:
    """Return the anchors that Markdown viewers make of the headings of a document."""
    headings = re.findall(r"(?m)^#+ (.*)", re.sub(r"(?ms)^ *```.*?^ *```", "", text))
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@of_each_document
def test_every_link_leads_to_a_file_and_a_heading(document: Path) -> None:
    for path, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", TEXTS[document]):
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), path
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), (path, anchor)


def test_the_readme_lists_every_document() -> None:
    linked = set(re.findall(r"\]\(docs/([^)#/]*\.md)", TEXTS[README]))
    assert linked == {document.name for document in DOCS.glob("*.md")}


def test_the_readme_is_short() -> None:
    assert 120 <= len(TEXTS[README].splitlines()) <= 155


def test_the_glossary_has_each_word_once_and_in_order() -> None:
    parts = TEXTS[DOCS / "glossary.md"].split("## ")[1:]
    tables = [re.findall(r"(?m)^\| ([^|]+?) \|", part)[2:] for part in parts]
    assert [sorted(words, key=str.lower) for words in tables] == tables
    assert len({word for words in tables for word in words}) == sum(map(len, tables)) > 50


def test_every_word_of_the_glossary_is_used() -> None:
    code = [file.read_text(encoding="utf-8") for file in (ROOT / "mailroom").rglob("*.py")]
    others = [text for document, text in TEXTS.items() if document.name != "glossary.md"]
    used = re.sub(r"[\s_]+", " ", "\n".join([*code, *others]).lower())
    words = re.findall(r"(?m)^\| ([^|(]+?) (?:\(.*\) )?\|", TEXTS[DOCS / "glossary.md"])
    assert [word for word in words if word.lower() not in used and word != "---"] == []


def test_every_variable_is_known() -> None:
    names = set(re.findall(r"MAILROOM_[A-Z_]+[A-Z]", EVERYTHING)) - {CONFIG, SECRETS_DIR}
    layer = read_environment(dict.fromkeys(names, "x"))
    assert layer.mistakes == ()
    assert len(names) > 20


def test_every_command_exists_with_its_options() -> None:
    command = re.compile(r"(?:^|.* )mailroom (\w+)((?: --[a-z-]+| [A-Z]+)*)")
    matches = [match for match in map(command.fullmatch, CALLS) if match]
    assert {match[1] for match in matches} == COMMANDS.keys()
    for match in matches:
        known = {option.name for option in COMMANDS[match[1]].options}
        assert known.issuperset(re.findall(r"--[a-z-]+", match[2])), match[0]


def paths() -> Iterator[str]:
    """Yield every path in this tree that a document names."""
    for word in (word for call in CALLS for word in call.split()):
        path = word.removeprefix("./").strip("(").rstrip(");,.")
        if re.match(r"(mailroom|tests|scripts|k8s|\.ci)/|[\w-]+\.(txt|toml)$", path):
            yield path


def test_every_path_exists() -> None:
    named = set(paths()) - {"k8s/overlays/mine"}  # the reader's own
    assert {"scripts/demo", "scripts/test", ".ci/run", "requirements.txt"} <= named
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


PARSED_IN = {
    "scripts/demo": "mailroom/cli/commands.py",
    "scripts/soak": "tests/support/soak/run.py",
}
"""Scripts whose options are read by another file."""


def test_the_drawing_of_the_layers_is_the_import_contract() -> None:
    contracts = configparser.ConfigParser()
    contracts.read(ROOT / ".importlinter", encoding="utf-8")
    layers = (
        contracts["importlinter:contract:layers"]["layers"].replace("mailroom.", "").split("\n")
    )
    drawing = re.search(r"(?ms)^```text\n(.*?)^```", TEXTS[DOCS / "architecture.md"])
    assert drawing
    drawn = [re.split(r"  +", line)[0] for line in drawing[1].splitlines() if line[0] != " "]
    assert drawn == [layer for layer in layers if layer not in {"", "__main__"}]


def test_every_option_of_a_script_exists() -> None:
    scripts = [call.removeprefix("./") for call in CALLS if re.match(r"(\./)?scripts/\w", call)]
    assert {"scripts/demo", "scripts/test"} <= set(scripts)
    for script, *words in map(str.split, scripts):
        files = [ROOT / PARSED_IN.get(script, script), *(ROOT / f"{script}.d").glob("*.py")]
        text = "".join(file.read_text(encoding="utf-8") for file in files if file.is_file())
        options = [word.lstrip("-") for word in words if word.startswith("--")]
        assert [option for option in options if option not in text] == [], script


def row(category: Category) -> str:
    """Return the line of the table of labels for a category."""
    chain = DEFAULTS.chain(category)
    groups = ", ".join(link.group for link in chain)
    destinations = " and ".join(link.destination for link in chain)
    inbox = ", and the Inbox if it waited in the Screener" if category.add_to_inbox else ""
    return f"| `{category.label}` | {groups} | {destinations}{inbox} |"


@pytest.mark.parametrize("category", list(DEFAULTS), ids=lambda category: category.name)
def test_the_table_of_labels_says_what_they_do(category: Category) -> None:
    assert row(category) in TEXTS[README].splitlines()


def test_the_table_of_default_categories_says_their_options() -> None:
    for category in DEFAULTS:
        values = {
            "parent": category.parent,
            "contact_type": "person" if category.contact_type is ContactType.PERSON else None,
            "add_to_inbox": "true" if category.add_to_inbox else None,
            "mark_seen": "true" if category.mark_seen else None,
            "denies": "true" if category.denies else None,
        }
        options = ", ".join(f"`{name}: {value}`" for name, value in values.items() if value)
        line = f"| {category.name} | {options} |".replace("|  |", "| |")
        assert line in TEXTS[DOCS / "settings.md"].splitlines()


def test_every_quoted_line_of_the_log_is_logged() -> None:
    code = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "mailroom").rglob("*.py"))
    quoted = re.findall(r"log: `([^`]+)`", TEXTS[DOCS / "resilience.md"])
    assert len(quoted) > 10
    assert [event for event in quoted if f'"{event}"' not in code] == []


def test_every_exit_code_is_explained() -> None:
    codes = re.findall(r"(?m)^\| (\d) \|", TEXTS[DOCS / "deployment.md"])
    assert [int(code) for code in codes] == list(Exit)


CATEGORIES, ACCOUNTS = (
    block for block in re.findall(r"(?ms)^```yaml\n(.*?)^```", TEXTS[DOCS / "settings.md"])
)


def test_the_example_of_categories_can_be_loaded(tmp_path: Path) -> None:
    (tmp_path / "mailroom.yaml").write_text(CATEGORIES, encoding="utf-8")
    settings = load_settings({"MAILROOM_JMAP_TOKEN": "token"}, cwd=tmp_path)
    names = [category["name"] for category in yaml.safe_load(CATEGORIES)["categories"]]
    assert [category.name for category in settings.categories] == names


def test_the_example_of_several_accounts_can_be_loaded(tmp_path: Path) -> None:
    (tmp_path / "mailroom.yaml").write_text(ACCOUNTS, encoding="utf-8")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/mailroom_accounts_anna_jmap_password").write_text("lime")
    environ = {
        "MAILROOM_SECRETS_DIR": "secrets",
        "MAILROOM_ACCOUNTS_BEN_JMAP_PASSWORD": "plum",
        "MAILROOM_SHARD": "0/3",
    }
    settings = load_settings(environ, cwd=tmp_path)
    anna, ben = settings.accounts
    assert (anna.name, ben.name) == ("anna", "ben")
    assert anna.secrets() | ben.secrets() == settings.secrets() >= {"lime", "plum"}
    assert (anna.arrivals.enabled, ben.arrivals.enabled) == (True, False)


if __name__ == "__main__":
    for name, (document, table) in TABLES.items():
        text = document.read_text(encoding="utf-8")
        document.write_text(with_table(text, name, table), encoding="utf-8")
