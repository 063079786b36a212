"""Where settings come from: the environment, secret files, a YAML file. Each gives a layer.

Layers are read here, and their keys checked; what the values are worth is the model's business. A
value never gets into a mistake, and neither does the text of a parser's error, which quotes values.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, Final

import yaml
from pydantic_settings import EnvSettingsSource, InitSettingsSource, PydanticBaseSettingsSource

from mailroom.settings.mistakes import sayable, unknown
from mailroom.settings.model import PREFIX, Settings
from mailroom.settings.variables import CONFIG, PATHS, SECRETS_DIR, VARIABLES, Path

DEFAULT_CONFIG: Final = "mailroom.yaml"
DEFAULT_SECRETS_DIR: Final = "/run/secrets"

_SERVICE_LINK: Final = re.compile(
    r"\w+_SERVICE_(HOST|PORT(_\w+)?)|\w+_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?", re.ASCII
)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
"""What Python makes of bytes in the environment that are no UTF-8."""


class VariablesSource(EnvSettingsSource):
    """pydantic-settings' way from variables to sections, for variables that were picked already."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        super().__init__(Settings)
        self.env_vars = {name.lower(): value for name, value in variables.items()}


@dataclass(frozen=True, slots=True)
class Layer:
    """What one source gives.

    Attributes:
        source: the values, for pydantic-settings.
        names: what is given (even if it turned out unreadable), and how a person finds it.
        mistakes: what is wrong with keys and files.
        unread: nobody knows what is in it, as it could not be read.
    """

    source: PydanticBaseSettingsSource
    names: Mapping[Path, str] = field(default_factory=dict)
    mistakes: tuple[str, ...] = ()
    unread: bool = False


def read_layers(environ: Mapping[str, str], cwd: FilePath) -> tuple[Layer, ...]:
    """Every source there is, the one that beats the others first."""
    return (
        read_environment(environ),
        read_secrets(environ.get(SECRETS_DIR, ""), cwd),
        read_file(environ.get(CONFIG, ""), cwd),
    )


def is_service_link(name: str, value: str) -> bool:
    """Whether Kubernetes set this variable, as a Service is called ``mailroom`` or like it.

    It does so for each Service of the namespace: ``MAILROOM_SERVICE_HOST``, ``MAILROOM_PORT`` (a
    URL), ``MAILROOM_PORT_8080_TCP_ADDR``; for one called ``mailroom-health`` even
    ``MAILROOM_HEALTH_PORT`` is there, with a URL in it.
    """
    is_url = re.match(r"(tcp|udp|sctp)://", value) is not None
    return bool(_SERVICE_LINK.fullmatch(name)) or (name.endswith("_PORT") and is_url)


def read_environment(environ: Mapping[str, str]) -> Layer:
    """The variables that begin with our prefix. An empty one is as good as none."""
    ours = {
        name: value.rstrip("\r\n")
        for name, value in environ.items()
        if name.upper().startswith(PREFIX)
        and name not in {CONFIG, SECRETS_DIR}
        and not is_service_link(name, value)
    }
    mistakes = [_unknown_variable(name) for name in ours if name not in VARIABLES]
    given = {name: value for name, value in ours.items() if name in VARIABLES and value}
    broken = [name for name, value in given.items() if _SURROGATE.search(value)]
    mistakes += [f"{name}: is no UTF-8 text" for name in broken]
    names = {VARIABLES[name].path: name for name in given}
    usable = {name: value for name, value in given.items() if name not in broken}
    return Layer(VariablesSource(usable), names, tuple(mistakes))


def _unknown_variable(name: str) -> str:
    known = [each.removeprefix(PREFIX) for each in (*VARIABLES, CONFIG, SECRETS_DIR)]
    return unknown(name, known, prefix=PREFIX)


def read_secrets(directory: str, cwd: FilePath) -> Layer:
    """The files of a directory whose names are ours; all others there are none of our business.

    Args:
        directory: as configured; empty for the default one, which need not exist.
        cwd: what a relative ``directory`` is relative to.
    """
    try:
        entries = sorted((cwd / (directory or DEFAULT_SECRETS_DIR)).iterdir())
    except (FileNotFoundError, NotADirectoryError):
        mistakes = (f"{SECRETS_DIR}: there is no such directory",) if directory else ()
        return Layer(VariablesSource({}), mistakes=mistakes, unread=bool(directory))
    except OSError as error:
        mistakes = (f"{SECRETS_DIR}: cannot be read ({error.strerror})",)
        return Layer(VariablesSource({}), mistakes=mistakes, unread=True)
    return _read_secret_files([each for each in entries if each.name.upper().startswith(PREFIX)])


def _read_secret_files(files: list[FilePath]) -> Layer:
    by_name = {name.lower(): each for name, each in VARIABLES.items()}
    variables: dict[str, str] = {}
    names: dict[Path, str] = {}
    mistakes: list[str] = []
    for file in files:
        shown = f"secret file {file.name}"
        if file.name not in by_name:
            known = [name.removeprefix(PREFIX.lower()) for name in by_name]
            mistakes.append("secret file " + unknown(file.name, known, prefix=PREFIX.lower()))
            continue
        names[by_name[file.name].path] = shown
        try:
            variables[file.name] = _read_secret(file)
        except ValueError as error:
            mistakes.append(f"{shown}: {error}")
    return Layer(VariablesSource(variables), names, tuple(mistakes))


def _read_secret(file: FilePath) -> str:
    """The text of a file, without the newline at its end.

    Raises:
        ValueError: there is no such text; it says why.
    """
    try:
        text = file.read_text(encoding="utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise ValueError("is no UTF-8 text") from None
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from None
    if not text:
        raise ValueError("is empty")
    return text


def read_file(config: str, cwd: FilePath) -> Layer:
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
        return Layer(from_mapping({}), mistakes=mistakes, unread=bool(config))
    except OSError as error:
        mistakes = (f"{CONFIG if config else DEFAULT_CONFIG}: cannot be read ({error.strerror})",)
        return Layer(from_mapping({}), mistakes=mistakes, unread=True)
    except ValueError as error:
        return Layer(from_mapping({}), mistakes=(f"{file.name}: {error}",), unread=True)
    wrong = [f"{file.name}: {each}" for each in _wrong_keys(content)]
    values = dict(_known_settings(content))
    names = {path: f"{file.name}: {'.'.join(path)}" for path in values}
    return Layer(from_mapping(values), names, tuple(wrong))


def _parse_yaml(data: bytes) -> Mapping[Any, Any]:
    """The mapping that a file holds; an empty file holds an empty one.

    Raises:
        ValueError: there is none; it says why, and quotes nothing.
    """
    try:
        content = yaml.safe_load(data)
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


def _known_settings(content: Mapping[Any, Any]) -> Iterator[tuple[Path, Any]]:
    """What the file sets; a key without a value, or with an empty one, sets nothing."""
    for path in PATHS:
        *sections, key = path
        place = content
        for section in sections:
            inner = place.get(section)
            place = inner if isinstance(inner, Mapping) else {}
        value = place.get(key)
        if value is not None and value != "":
            yield path, value


def _wrong_keys(content: Mapping[Any, Any]) -> Iterator[str]:
    dotted = [".".join(path) for path in PATHS]
    sections = {path[0] for path in PATHS if len(path) > 1}
    for key, value in content.items():
        if (key,) in PATHS or (key in sections and value is None):
            continue
        if key not in sections:
            yield unknown(sayable(key), [*sections, *dotted])
        elif not isinstance(value, Mapping):
            yield f"{key}: must be a mapping"
        else:
            for inner in value:
                if (key, inner) not in PATHS:
                    yield unknown(f"{key}.{sayable(inner)}", dotted)


def from_mapping(values: Mapping[Path, Any]) -> InitSettingsSource:
    """Values by path, as a source for pydantic-settings."""
    nested: dict[str, Any] = {}
    for path, value in values.items():
        *sections, key = path
        place = nested
        for section in sections:
            place = place.setdefault(section, {})
        place[key] = value
    return InitSettingsSource(Settings, nested)
