"""A YAML parser for settings: strict about repeated keys, and silent about values."""

from collections.abc import Mapping
from typing import Any, Final

import yaml

_MERGE: Final = "tag:yaml.org,2002:merge"
_TEXT: Final = "tag:yaml.org,2002:str"
_NUMBERS: Final = frozenset({"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"})


class _DuplicateKeyError(yaml.MarkedYAMLError):
    """A mapping has a key twice. PyYAML would use the last one, and so lose an account."""

    def __init__(self, mark: yaml.Mark) -> None:
        super().__init__(problem_mark=mark)
        self.line = mark.line + 1


class _StrictLoader(yaml.SafeLoader):
    """Loads YAML, but no mapping that has a key twice (YAML 1.2 section 3.2.1.3).

    A time of day such as ``8:30`` is a text, as in YAML 1.2. In YAML 1.1 it is 510, a number to the
    base 60.
    """

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
        """Return the tag of a node that has no tag of its own."""
        tag = str(super().resolve(kind, value, implicit))  # type: ignore[no-untyped-call]
        return _TEXT if tag in _NUMBERS and ":" in value else tag

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - the library's
        """Return the mapping; a key may repeat one that ``<<`` merges in, and so override it."""
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                # As in `token: {{ token }}`, a template that nobody has filled in.
                raise yaml.MarkedYAMLError(problem_mark=key.start_mark)
            if key.value in seen and key.tag != _MERGE:
                raise _DuplicateKeyError(key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep=deep)


def parse(data: bytes) -> Mapping[Any, Any]:
    """Return the mapping that a YAML document holds; it is empty for an empty document.

    Raises:
        ValueError: the document holds no mapping; the text says why, and quotes nothing.
    """
    try:
        content = yaml.load(data, _StrictLoader)  # noqa: S506 - it is a SafeLoader
    except _DuplicateKeyError as error:
        raise ValueError(f"line {error.line}: the key occurs twice") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ValueError(f"is not valid YAML{where} (are quotation marks missing?)") from None
    except (yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        # PyYAML raises any of these if a value does not fit its tag (`!!bool maybe`).
        raise ValueError("is not valid YAML (are quotation marks missing?)") from None
    if content is None:
        return {}
    if not isinstance(content, Mapping):
        raise ValueError("must be a YAML mapping")  # noqa: TRY004 - one kind for all mistakes
    return content
