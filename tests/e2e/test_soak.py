"""A busy mailbox for about 40 seconds; ``scripts/soak`` does the same for any time."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.soak.run import soaking

SECONDS = 40.0


@pytest.mark.slow
async def test_a_busy_mailbox_with_restarts(
    tmp_path: Path, measured: Callable[[str], None]
) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - shown if it fails
    async with soaking(tmp_path, seed) as soak:
        outcome = await soak.run(SECONDS, print)
    measured("\n    ".join(["soak:", *outcome.figures]))
    assert outcome.wrong == [], f"seed {seed}"
