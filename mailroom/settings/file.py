"""The YAML file: what it sets, for all accounts and for each, and what is wrong with its keys."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any, Final

import yaml

from mailroom.settings.layers import Given, Layer, from_mapping, nothing
from mailroom.settings.mistakes import sayable, sayable_name, unknown
from mailroom.settings.model import PROCESS_WIDE
from mailroom.settings.variables import (
    ACCOUNT_PATHS,
    ACCOUNTS,
    CONFIG,
    PATHS,
    Path,
    is_account_name,
)

DEFAULT_CONFIG: Final = "mailroom.yaml"
_MERGE: Final = "tag:yaml.org,2002:merge"


def read_file(config: str, cwd: FilePath) -> Given:
    """The YAML file.

    Args:
        config: its name as configured; empty for the default one, which need not exist.
        cwd: what a relative name is relative to.
    """
    file = cwd / (config or DEFAULT_CONFIG)
    try:
        content = _parse_yaml(file.read_bytes())
    except FileNotFoundError:
        mistakes = (f"{CONFIG}: there is no such file",) if config else ()
        return nothing(*mistakes, unread=bool(config))
    except OSError as error:
        shown = CONFIG if config else DEFAULT_CONFIG
        return nothing(f"{shown}: cannot be read ({error.strerror})", unread=True)
    except ValueError as error:
        return nothing(f"{file.name}: {error}", unread=True)
    return _given(content, file.name)


def _given(content: Mapping[Any, Any], file: str) -> Given:
    common = {key: value for key, value in content.items() if key != ACCOUNTS}
    wrong = list(_wrong_keys(common, PATHS, also=[ACCOUNTS]))
    accounts = content.get(ACCOUNTS)
    if not isinstance(accounts, Mapping | None):
        wrong.append(f"{ACCOUNTS}: must be a mapping from names to settings")
        accounts = None
    usable: dict[str, Mapping[Any, Any]] = {}
    for name, own in (accounts or {}).items():
        mistakes = list(_wrong_account(name, own))
        wrong += mistakes
        if is_account_name(name):
            usable[name] = own if isinstance(own, Mapping) else {}
    return Given(
        _layer(common, PATHS, f"{file}: "),
        {
            name: _layer(own, ACCOUNT_PATHS, f"{file}: {ACCOUNTS}.{name}.")
            for name, own in usable.items()
        },
        tuple(f"{file}: {each}" for each in wrong),
        unread=len(usable) < len(accounts or ()) or bool(content.get(ACCOUNTS) and not accounts),
    )


def _layer(content: Mapping[Any, Any], paths: Collection[Path], where: str) -> Layer:
    values = dict(_known_settings(content, paths))
    return Layer(from_mapping(values), {path: where + ".".join(path) for path in values})


def _wrong_account(name: object, own: object) -> Iterator[str]:
    if not is_account_name(name):
        where = f"{ACCOUNTS}.{sayable_name(name)}"
        yield f"{where}: must be called by lower-case letters, digits and hyphens (63 at most)"
        return
    if own is None:
        return
    if not isinstance(own, Mapping):
        yield f"{ACCOUNTS}.{name}: must be a mapping"
        return
    for key in own:
        if key in PROCESS_WIDE:
            yield f"{ACCOUNTS}.{name}.{key}: is for all accounts, so it belongs outside {ACCOUNTS}"
    own = {key: value for key, value in own.items() if key not in PROCESS_WIDE}
    yield from (f"{ACCOUNTS}.{name}.{each}" for each in _wrong_keys(own, ACCOUNT_PATHS))


class _TwiceError(yaml.MarkedYAMLError):
    """A mapping has a key twice; YAML's parser would let the last win, and lose an account."""

    def __init__(self, mark: yaml.Mark) -> None:
        super().__init__(problem_mark=mark)
        self.line = mark.line + 1


class _OnceLoader(yaml.SafeLoader):
    """Reads YAML in which no key is in a mapping twice (YAML 1.2 section 3.2.1.3)."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - the library's
        """As the library does it, but strictly; what ``<<`` merges in may be overridden."""
        seen = set()
        for key, _ in node.value:
            if key.value in seen and key.tag != _MERGE and isinstance(key, yaml.ScalarNode):
                raise _TwiceError(key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep=deep)


def _parse_yaml(data: bytes) -> Mapping[Any, Any]:
    """The mapping that a file holds; an empty file holds an empty one.

    Raises:
        ValueError: there is none; it says why, and quotes nothing.
    """
    try:
        content = yaml.load(data, _OnceLoader)  # noqa: S506 - it is a SafeLoader
    except _TwiceError as error:
        raise ValueError(f"line {error.line}: this key is there twice") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ValueError(f"is no YAML{where} (are quotation marks missing?)") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise ValueError("is no YAML (are quotation marks missing?)") from None
    if content is None:
        return {}
    if not isinstance(content, Mapping):
        raise ValueError("is no YAML mapping")  # noqa: TRY004 - one kind for all that is wrong
    return content


def _known_settings(
    content: Mapping[Any, Any], paths: Collection[Path]
) -> Iterator[tuple[Path, Any]]:
    """What the file sets; a key without a value, or with an empty one, sets nothing."""
    for path in paths:
        *sections, key = path
        place = content
        for section in sections:
            inner = place.get(section)
            place = inner if isinstance(inner, Mapping) else {}
        value = place.get(key)
        if value is not None and value != "":
            yield path, value


def _wrong_keys(
    content: Mapping[Any, Any], paths: Collection[Path], *, also: Collection[str] = ()
) -> Iterator[str]:
    dotted = [".".join(path) for path in paths]
    sections = {path[0] for path in paths if len(path) > 1}
    for key, value in content.items():
        if (key,) in paths or (key in sections and value is None):
            continue
        if key not in sections:
            yield unknown(sayable(key), [*sections, *dotted, *also])
        elif not isinstance(value, Mapping):
            yield f"{key}: must be a mapping"
        else:
            for inner in value:
                if (key, inner) not in paths:
                    yield unknown(f"{key}.{sayable(inner)}", dotted)
