"""Read the YAML file: its settings for all accounts and for each, and mistakes in its keys."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from mailroom.settings.layers import Layer, SourceContent, empty_source, from_mapping
from mailroom.settings.mistakes import shown_key, shown_name, unknown
from mailroom.settings.model import is_process_wide
from mailroom.settings.raw import CONFIG, DEFAULT_CONFIG, read_yaml
from mailroom.settings.variables import (
    ACCOUNT_PATHS,
    ACCOUNTS,
    PATHS,
    SettingPath,
    is_account_name,
)


def read_file(config: str, cwd: Path) -> SourceContent:
    """Read the YAML file.

    Args:
        config: the configured name; empty for the default file, which need not exist.
        cwd: the folder of a relative name.
    """
    file = cwd / (config or DEFAULT_CONFIG)
    try:
        content = read_yaml(file)
    except FileNotFoundError:
        mistakes = (f"{CONFIG}: there is no such file",) if config else ()
        return empty_source(*mistakes, unread=bool(config))
    except OSError as error:
        shown = CONFIG if config else DEFAULT_CONFIG
        return empty_source(f"{shown}: cannot be read ({error.strerror})", unread=True)
    except ValueError as error:
        return empty_source(f"{file.name}: {error}", unread=True)
    return _divide(content, file.name)


def _divide(content: Mapping[Any, Any], file: str) -> SourceContent:
    """Divide the content of a file into the settings for all accounts and for each account."""
    common = {key: value for key, value in content.items() if key != ACCOUNTS}
    mistakes = list(_find_wrong_keys(common, PATHS, also=[ACCOUNTS]))
    accounts = content.get(ACCOUNTS)
    if not isinstance(accounts, Mapping | None):
        mistakes.append(f"{ACCOUNTS}: must be a mapping from names to settings")
        accounts = None
    layers: dict[str, Layer] = {}
    for name, settings in (accounts or {}).items():
        mistakes += _find_mistakes_in_account(name, settings)
        if is_account_name(name):
            usable = settings if isinstance(settings, Mapping) else {}
            layers[name] = _layer(usable, ACCOUNT_PATHS, f"{file}: {ACCOUNTS}.{name}.")
    return SourceContent(
        _layer(common, PATHS, f"{file}: "),
        layers,
        tuple(f"{file}: {mistake}" for mistake in mistakes),
        unread=len(layers) < len(accounts or ()) or bool(content.get(ACCOUNTS) and not accounts),
    )


def _layer(content: Mapping[Any, Any], paths: Collection[SettingPath], where: str) -> Layer:
    """Return the settings among ``paths``; a key without a value or with an empty one is not set.

    ``where`` is the beginning of each setting's place, for a person.
    """
    values: dict[SettingPath, Any] = {}
    for path in paths:
        *sections, key = path
        place = content
        for section in sections:
            inner = place.get(section)
            place = inner if isinstance(inner, Mapping) else {}
        value = place.get(key)
        if value is not None and value != "":
            values[path] = value
    return Layer(from_mapping(values), {path: where + ".".join(path) for path in values})


def _find_mistakes_in_account(name: object, settings: object) -> Iterator[str]:
    """Find the mistakes in the name of an account and in the keys of its own settings."""
    if not is_account_name(name):
        yield (
            f"{ACCOUNTS}.{shown_name(name)}: a name must consist of lower-case letters, digits and"
            " hyphens (63 at most)"
        )
    elif isinstance(settings, Mapping):
        misplaced = list[SettingPath]()  # settings and sections that only a process has
        for key, value in settings.items():
            if is_process_wide((key,)):
                misplaced.append((key,))
            elif isinstance(value, Mapping):
                misplaced += [(key, inner) for inner in value if is_process_wide((key, inner))]
        for path in misplaced:
            where = ".".join(path)
            yield f"{ACCOUNTS}.{name}.{where}: is for all accounts; move it out of {ACCOUNTS}"
        rest = {
            key: {inner: kept for inner, kept in value.items() if (key, inner) not in misplaced}
            if isinstance(value, Mapping)
            else value
            for key, value in settings.items()
            if (key,) not in misplaced
        }
        for mistake in _find_wrong_keys(rest, ACCOUNT_PATHS):
            yield f"{ACCOUNTS}.{name}.{mistake}"
    elif settings is not None:
        yield f"{ACCOUNTS}.{name}: must be a mapping"


def _find_wrong_keys(
    content: Mapping[Any, Any], paths: Collection[SettingPath], *, also: Collection[str] = ()
) -> Iterator[str]:
    """Find unknown keys, and sections that are no mapping; ``also`` are further known keys."""
    dotted = [".".join(path) for path in paths]
    sections = {path[0] for path in paths if len(path) > 1}
    for key, value in content.items():
        if (key,) in paths or (key in sections and value is None):
            continue
        if key not in sections:
            yield unknown(shown_key(key), [*sections, *dotted, *also])
        elif not isinstance(value, Mapping):
            yield f"{key}: must be a mapping"
        else:
            for inner in value:
                if (key, inner) not in paths:
                    yield unknown(f"{key}.{shown_key(inner)}", dotted)
