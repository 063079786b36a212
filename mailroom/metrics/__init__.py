"""Metrics for Prometheus: their definitions, and the counting of passes."""

from mailroom.metrics.families import Metrics
from mailroom.metrics.meter import AccountMetrics, PassEnded
from mailroom.metrics.names import DEFINITIONS, metrics_table

__all__ = ["DEFINITIONS", "AccountMetrics", "Metrics", "PassEnded", "metrics_table"]
