"""What a test sees of a service's log while it is being written."""

from pathlib import Path
from unittest.mock import Mock

from tests.support.service.process import Running


def test_a_line_that_is_only_half_written_is_left_for_later(tmp_path: Path) -> None:
    log = tmp_path / "log"
    service = Running(Mock(), 0, log)
    log.write_text('{"event": "one"}\n{"event": "tw')
    assert service.log() == [{"event": "one"}]
    log.write_text('{"event": "one"}\n{"event": "two"}\n')
    assert [each["event"] for each in service.log()] == ["one", "two"]
