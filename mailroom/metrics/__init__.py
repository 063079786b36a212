"""What Prometheus is told: which metrics there are, and who counts them."""

from mailroom.metrics.meter import Metrics, PassEnded
from mailroom.metrics.names import DEFINITIONS, metrics_table

__all__ = ["DEFINITIONS", "Metrics", "PassEnded", "metrics_table"]
