"""Delays after wrong passwords."""

from mailroom.web.throttle import Throttle


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        return self.seconds


def test_delays_grow_up_to_five_minutes() -> None:
    clock = Clock()
    throttle = Throttle(clock.now)
    delays = list[float]()
    for number in range(1, 16):
        assert throttle.failed("192.0.2.1", "") == number
        delays.append(throttle.remaining_delay("192.0.2.1", ""))
        clock.seconds += delays[-1]
        assert throttle.remaining_delay("192.0.2.1", "") == 0
    assert delays == [0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300]
    for _ in range(2000):
        throttle.failed("192.0.2.1", "")
    assert throttle.remaining_delay("192.0.2.1", "") == 300


def test_a_right_password_ends_the_delay() -> None:
    throttle = Throttle(Clock().now)
    for _ in range(5):
        throttle.failed("192.0.2.1", "anna")
    throttle.succeeded("192.0.2.1", "ben")
    throttle.succeeded("192.0.2.2", "anna")
    assert throttle.remaining_delay("192.0.2.1", "anna")
    throttle.succeeded("192.0.2.1", "anna")
    assert throttle.remaining_delay("192.0.2.1", "anna") == 0


def test_few_addresses_are_remembered() -> None:
    throttle = Throttle(Clock().now)
    for _ in range(3):
        throttle.failed("192.0.2.1", "")
        throttle.failed("192.0.2.2", "")
    for number in range(4095):
        throttle.failed(f"198.51.{number >> 8}.{number & 255}", "")
    assert throttle.remaining_delay("192.0.2.1", "") == 0
    assert throttle.remaining_delay("192.0.2.2", "") > 0
    assert len(throttle._failures) == 4096


def test_addresses_that_are_none() -> None:
    throttle = Throttle(Clock().now)
    for _ in range(3):
        throttle.failed("nonsense%x", "")
    assert throttle.remaining_delay("nonsense%x", "")
    assert throttle.remaining_delay("", "") == 0
