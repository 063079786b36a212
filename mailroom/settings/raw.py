"""Settings as they are written: variables, files, and the texts in them.

This module knows no model and imports neither pydantic nor, unless there is a YAML file, a parser:
``mailroom health`` runs every minute or two, and needs two settings.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

PREFIX: Final = "MAILROOM_"
CONFIG: Final = PREFIX + "CONFIG"
SECRETS_DIR: Final = PREFIX + "SECRETS_DIR"
DEFAULT_CONFIG: Final = "mailroom.yaml"
DEFAULT_SECRETS_DIR: Final = "/run/secrets"
DEFAULT_HEALTH_HOST: Final = "::"
DEFAULT_HEALTH_PORT: Final = 8080

_SERVICE_LINK: Final = re.compile(
    r"\w+_SERVICE_(HOST|PORT(_\w+)?)|\w+_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?", re.ASCII
)


def is_service_link(name: str, value: str) -> bool:
    """Return True if Kubernetes set this variable, for a Service whose name begins ``mailroom``.

    Kubernetes sets some for each Service of the namespace: ``MAILROOM_SERVICE_HOST``,
    ``MAILROOM_PORT`` (a URL), ``MAILROOM_PORT_8080_TCP_ADDR``. For a Service with the name
    ``mailroom-health`` it sets even ``MAILROOM_HEALTH_PORT``, to a URL.
    """
    is_url = re.match(r"(tcp|udp|sctp)://", value) is not None
    return bool(_SERVICE_LINK.fullmatch(name)) or (name.endswith("_PORT") and is_url)


def read_secret(file: Path) -> str:
    """Return the text of a file, without the newline at its end and without a byte order mark.

    Raises:
        ValueError: the file is empty or cannot be read; the text says why.
    """
    try:
        text = file.read_text(encoding="utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text") from None
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from None
    if not text:
        raise ValueError("is empty")
    return text


def read_yaml(file: Path) -> Mapping[Any, Any]:
    """Return the mapping that a file holds; it is empty for an empty file.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file holds no mapping; the text says why, and quotes nothing.
    """
    data = file.read_bytes()
    # Most services have no such file, and the parser takes a megabyte.
    from mailroom.settings.strict_yaml import parse  # noqa: PLC0415

    return parse(data)


def find_written(environ: Mapping[str, str], cwd: Path, section: str, key: str) -> object:
    """Return the value of one setting as it is written, or None if it is not set.

    The variable comes before the secret file, and the secret file before the YAML file, as when all
    settings are loaded. A source that cannot be read is skipped.

    Args:
        environ: the environment variables.
        cwd: the folder of relative file names.
        section: the section of the setting; a section like ``health``, which accounts cannot set.
        key: its key in the section.
    """
    name = f"{PREFIX}{section}_{key}".upper()
    value = environ.get(name, "").rstrip("\r\n")
    if value and not is_service_link(name, value):
        return value
    secrets = cwd / (environ.get(SECRETS_DIR) or DEFAULT_SECRETS_DIR)
    try:
        return read_secret(secrets / name.lower())
    except ValueError:
        pass  # most often, there is no such file
    try:
        content = read_yaml(cwd / (environ.get(CONFIG) or DEFAULT_CONFIG)).get(section)
    except (OSError, ValueError):
        return None
    written: object = content.get(key) if isinstance(content, Mapping) else None
    return None if written == "" else written
