"""Parameters of tests that run once for each variant, and the worlds that they stand for."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.variants.worlds import ROWS, OnCyrus, OnJames, OnSandbox, Variant, World

REAL: Final = tuple(variant for variant in ROWS if variant.server != "sandbox")
"""The variants with real servers."""
_MARKS: Final = {"cyrus": [pytest.mark.cyrus], "james": [pytest.mark.james], "sandbox": []}


def params(variants: Iterable[Variant]) -> list[Any]:
    """Parameters of a fixture or a test."""
    return [
        pytest.param(variant, id=str(variant), marks=_MARKS[variant.server]) for variant in variants
    ]


def world_of(variant: Variant, tmp_path: Path, request: pytest.FixtureRequest) -> World:
    """Return the world of a variant; it does not run yet."""
    if variant.server == "cyrus":
        return OnCyrus(request.getfixturevalue("cyrus"), tmp_path)
    if variant.server == "james":
        return OnJames(variant, request.getfixturevalue("james"), tmp_path)
    return OnSandbox(variant, tmp_path)
