"""What waited for what: the exchanges that a proxy saw, laid out as steps."""

from collections.abc import Iterable

from tests.support.proxy.proxy import Exchange


def longest_chain(exchanges: Iterable[Exchange]) -> int:
    """How many exchanges came one after another: each began when the one before it had ended."""
    depths: list[tuple[float, int]] = []
    for each in sorted(exchanges, key=lambda each: each.began):
        depth = 1 + max((d for ended, d in depths if ended <= each.began), default=0)
        depths.append((_end(each), depth))
    return max((depth for _, depth in depths), default=0)


def peak(exchanges: Iterable[Exchange]) -> int:
    """How many exchanges were under way at once, at most."""
    exchanges = list(exchanges)
    return max(
        sum(other.began <= each.began < _end(other) for other in exchanges) for each in exchanges
    )


def stages(exchanges: Iterable[Exchange]) -> list[list[Exchange]]:
    """Exchanges of one kind that follow one another with nothing else in between.

    Those that are held to a state are by themselves, for they wait for the one before.
    """
    found: list[list[Exchange]] = []
    ordered = sorted(exchanges, key=lambda each: each.began)
    for each in ordered:
        for stage in found:
            end = max(map(_end, stage))
            if _is_alike(stage[0], each) and not any(
                end <= other.began and _end(other) <= each.began for other in ordered
            ):
                stage.append(each)
                break
        else:
            found.append([each])
    return found


def _is_alike(one: Exchange, other: Exchange) -> bool:
    return one.kind == other.kind and "ifInState" not in one.kind


def dependent_steps(exchanges: Iterable[Exchange], *, at_once: int) -> int:
    """How many steps waited for one another.

    A stage of more exchanges than the client has under way ``at_once`` is one step: what keeps the
    last of them waiting is the want of a free connection, not an answer.
    """
    depths: list[tuple[list[Exchange], int]] = []
    for stage in stages(exchanges):
        began = min(each.began for each in stage)
        before = [depth for other, depth in depths if max(map(_end, other)) <= began]
        own = longest_chain(stage) if len(stage) <= at_once else 1
        depths.append((stage, own + max(before, default=0)))
    return max((depth for _, depth in depths), default=0)


def _end(exchange: Exchange) -> float:
    return float("inf") if exchange.ended is None else exchange.ended
