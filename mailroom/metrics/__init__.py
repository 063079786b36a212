"""What Prometheus is told: which metrics there are, and who counts them."""

from mailroom.metrics.families import Metrics
from mailroom.metrics.meter import AccountMetrics, PassEnded
from mailroom.metrics.names import DEFINITIONS, metrics_table

__all__ = ["DEFINITIONS", "AccountMetrics", "Metrics", "PassEnded", "metrics_table"]
