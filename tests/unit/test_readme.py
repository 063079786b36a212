"""What README.md and docs/ say is so: settings, commands, paths, labels, the example.

``.venv/bin/python -m tests.unit.test_readme`` writes the tables that come from the code anew.
"""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import typer.main
import yaml

from mailroom.cli import app
from mailroom.http.not_now import not_now_table
from mailroom.metrics import metrics_table
from mailroom.screener.model.categories import DEFAULTS, Category
from mailroom.settings import load_settings, settings_table
from mailroom.settings.sources import read_environment

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
TEXT = README.read_text(encoding="utf-8")
SERVERS = ROOT / "docs" / "servers.md"
TABLES = {
    "settings": (README, settings_table),
    "metrics": (README, metrics_table),
    "not now": (SERVERS, not_now_table),
}
REGENERATE = ".venv/bin/python -m tests.unit.test_readme"

BLOCKS = re.findall(r"(?ms)^ *```(\w*)\n(.*?)^ *```", TEXT)
CODE = [code for _, block in BLOCKS for code in block.splitlines()]
CODE += re.findall(r"(?<!`)`([^`\n]+)`(?!`)", TEXT)


def with_table(text: str, name: str, table: Callable[[], str]) -> str:
    """A document with a table as it should be."""
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
    assert text.count(begin) == text.count(end) == 1
    before, _, rest = text.partition(begin)
    return before + begin + table() + end + rest.partition(end)[2]


@pytest.mark.parametrize("name", TABLES)
def test_the_tables_are_up_to_date(name: str) -> None:
    document, table = TABLES[name]
    text = document.read_text(encoding="utf-8")
    assert with_table(text, name, table) == text, f"to write it anew: {REGENERATE}"


def test_every_document_that_is_linked_exists() -> None:
    for document in (README, SERVERS):
        links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8"))
        assert [link for link in links if not (document.parent / link).exists()] == []


def test_every_variable_is_known() -> None:
    names = set(re.findall(r"MAILROOM_[A-Z_]+", TEXT)) - {"MAILROOM_CONFIG", "MAILROOM_SECRETS_DIR"}
    layer = read_environment(dict.fromkeys(names, "x"))
    assert layer.mistakes == ()
    assert len(names) > 20


def commands() -> set[tuple[str, ...]]:
    """Every way in which ``mailroom`` is called, prompts and comments left out."""
    stripped = (re.sub(r" +#.*", "", code).strip() for code in CODE)
    calls = (re.match(r"(?:\$ )?mailroom((?: [a-z]+)?(?: --[a-z-]+)*)$", each) for each in stripped)
    return {tuple(call[1].split()) for call in calls if call}


def test_every_command_exists_with_its_options() -> None:
    group = typer.main.get_command(app)
    named = {call[0] for call in commands() if call}
    assert named == {"run", "check", "demo", "health", "reset", "setup", "triage"}
    for name, *options in filter(None, commands()):
        known = {option for each in group.commands[name].params for option in each.opts}  # type: ignore[attr-defined]  # Typer's stubs hide click's
        assert known.issuperset(options), (name, options)


def paths() -> set[str]:
    """Every path below this folder that is named outside of the tree of the house."""
    words = {word for code in CODE for word in code.split()}
    found = {word.removeprefix("./") for word in words if re.match(r"(\./|\.ci/|scripts/)", word)}
    return found | {word for word in words if word.endswith(".txt")}


def test_every_path_exists() -> None:
    assert {"scripts/demo", "scripts/test", ".ci/run", "requirements.txt"} <= paths()
    assert [path for path in paths() if not (ROOT / path).exists()] == []


@pytest.mark.parametrize(
    ("script", "option"), [("scripts/test", "--unit"), ("scripts/cyrus", "-h")]
)
def test_every_option_of_a_script_exists(script: str, option: str) -> None:
    used = {
        tuple(re.sub(r" +#.*", "", code).removeprefix("$ ").removeprefix("./").split())
        for code in CODE
    }
    assert (script, option) in used
    assert option in (ROOT / script).read_text(encoding="utf-8")


def house() -> list[str]:
    """The paths in the tree of the house."""
    (tree,) = [block for _, block in BLOCKS if block.startswith("mailroom/\n")]
    found, folder = [], ""
    for line in tree.splitlines():
        names = re.match(r" *((?:\S+(?:/|\.py) *)+)", line)
        assert names, line
        if not line.startswith(" "):
            folder = names[1].strip()
        found += [folder if name == folder else folder + name for name in names[1].split()]
    return found


def test_every_room_of_the_house_exists() -> None:
    assert "mailroom/contacts/" in house()
    assert [path for path in house() if not (ROOT / path).exists()] == []


def row(category: Category) -> str:
    """What the table of labels has to say of a category."""
    chain = DEFAULTS.chain(category)
    groups = ", ".join(each.group for each in chain)
    destinations = " and ".join(each.destination for each in chain)
    inbox = ", and the Inbox if it waited in the Screener" if category.add_to_inbox else ""
    return f"| `{category.label}` | {groups} | {destinations}{inbox} |"


@pytest.mark.parametrize("category", list(DEFAULTS), ids=lambda category: category.name)
def test_the_table_of_labels_tells_what_they_do(category: Category) -> None:
    assert row(category) in TEXT.splitlines()


def test_the_example_of_categories_is_sound(tmp_path: Path) -> None:
    example, _ = [block for language, block in BLOCKS if language == "yaml"]
    (tmp_path / "mailroom.yaml").write_text(example, encoding="utf-8")
    secrets = {
        "MAILROOM_JMAP_TOKEN": "token",
        "MAILROOM_CARDDAV_USERNAME": "you@fastmail.example",
        "MAILROOM_CARDDAV_PASSWORD": "password",
    }
    settings = load_settings(secrets, cwd=tmp_path)
    names = [each["name"] for each in yaml.safe_load(example)["categories"]]
    assert [each.name for each in settings.categories] == names


def test_the_example_of_several_accounts_is_sound(tmp_path: Path) -> None:
    _, example = [block for language, block in BLOCKS if language == "yaml"]
    (tmp_path / "mailroom.yaml").write_text(example, encoding="utf-8")
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
