"""The order of a proxy's exchanges: which of them waited for others."""

from collections.abc import Iterable

from tests.support.proxy.proxy import Exchange


def longest_chain(exchanges: Iterable[Exchange]) -> int:
    """Return the length of the longest chain of exchanges: each began after the last one ended."""
    depths: list[tuple[float, int]] = []
    for exchange in sorted(exchanges, key=lambda exchange: exchange.began):
        depth = 1 + max((d for ended, d in depths if ended <= exchange.began), default=0)
        depths.append((_end(exchange), depth))
    return max((depth for _, depth in depths), default=0)


def peak(exchanges: Iterable[Exchange]) -> int:
    """Return the highest number of exchanges at the same time."""
    exchanges = list(exchanges)
    return max(
        sum(other.began <= exchange.began < _end(other) for other in exchanges)
        for exchange in exchanges
    )


def stages(exchanges: Iterable[Exchange]) -> list[list[Exchange]]:
    """Return groups of exchanges of one kind with no other exchange between them.

    An exchange with ``ifInState`` is a stage of its own, because it waits for the one before.
    """
    stages_found: list[list[Exchange]] = []
    ordered = sorted(exchanges, key=lambda exchange: exchange.began)
    for exchange in ordered:
        for stage in stages_found:
            end = max(map(_end, stage))
            if _is_alike(stage[0], exchange) and not any(
                end <= other.began and _end(other) <= exchange.began for other in ordered
            ):
                stage.append(exchange)
                break
        else:
            stages_found.append([exchange])
    return stages_found


def _is_alike(exchange: Exchange, other: Exchange) -> bool:
    return exchange.kind == other.kind and "ifInState" not in exchange.kind


def dependent_steps(exchanges: Iterable[Exchange], *, at_once: int) -> int:
    """Return the number of steps that waited for one another.

    A stage of more exchanges than the client sends ``at_once`` is one step: its last exchanges wait
    for a free connection, not for an answer.
    """
    depths: list[tuple[list[Exchange], int]] = []
    for stage in stages(exchanges):
        began = min(exchange.began for exchange in stage)
        before = [depth for other, depth in depths if max(map(_end, other)) <= began]
        own = longest_chain(stage) if len(stage) <= at_once else 1
        depths.append((stage, own + max(before, default=0)))
    return max((depth for _, depth in depths), default=0)


def _end(exchange: Exchange) -> float:
    return float("inf") if exchange.ended is None else exchange.ended
