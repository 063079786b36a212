"""The dashboard and the alert rules ask for nothing that the service does not tell."""

import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families as parse

from mailroom.jmap.push import PushState, PushStatus
from mailroom.metrics import DEFINITIONS, AccountMetrics, Metrics
from mailroom.screener.model.categories import DEFAULTS

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "k8s" / "components" / "monitoring"
DASHBOARD: dict[str, Any] = json.loads((MONITORING / "dashboard.json").read_text("utf-8"))
ALERTS: dict[str, Any] = yaml.safe_load((MONITORING / "prometheus-rule.yaml").read_text("utf-8"))
RULES: list[dict[str, Any]] = [rule for each in ALERTS["spec"]["groups"] for rule in each["rules"]]
TRIED: dict[str, Any] = yaml.safe_load(
    (ROOT / "scripts/manifests.d/alerts.yaml").read_text("utf-8")
)
OF_THE_SCRAPE = {"instance", "job", "namespace", "pod"}
"""Labels that Prometheus adds itself."""
COLUMNS = 24


def exposed() -> dict[str, list[dict[str, str]]]:
    """Name -> labels of every sample that the service tells, whatever push is."""
    found: dict[str, list[dict[str, str]]] = {}
    for transport in ("websocket", "eventsource", "off"):
        metrics = Metrics()
        account = AccountMetrics(metrics, categories=[each.name for each in DEFAULTS])
        account.service_started(partial(PushStatus, transport, PushState.CONNECTED))
        for family in parse(metrics.exposition().decode()):
            for each in family.samples:
                found.setdefault(each.name, []).append(each.labels)
    return found


EXPOSED = exposed()


def strings(of: Any, key: str) -> Iterator[str]:
    """Every string under a key, however deep."""
    if isinstance(of, dict):
        for name, value in of.items():
            if name == key and isinstance(value, str):
                yield value
            yield from strings(value, key)
    elif isinstance(of, list):
        for each in of:
            yield from strings(each, key)


ON_THE_DASHBOARD = [*strings(DASHBOARD, "expr")]
ASKED = [
    *ON_THE_DASHBOARD,
    *strings(DASHBOARD["templating"], "definition"),
    *strings(ALERTS, "expr"),
]


CHOSEN = {each["name"] for each in DASHBOARD["templating"]["list"]}
"""The variables of the dashboard."""


def names(expr: str) -> set[str]:
    """The metrics in an expression; ours, and those of the process."""
    return set(re.findall(r"\b(?:mailroom|process)_\w+", expr))


def selectors(expr: str) -> Iterator[tuple[str, str, str, str]]:
    """Metric, label, operator, value of each matcher."""
    for metric, matchers in re.findall(r"(\w+)\{(.*?)\}", expr):
        for label, operator, value in re.findall(r'(\w+)\s*(=~|!~|!=|=)\s*"(.*?)"', matchers):
            yield metric, label, operator, value


@pytest.mark.parametrize("expr", ASKED)
def test_only_metrics_that_exist_are_asked_for(expr: str) -> None:
    assert names(expr)
    assert names(expr) <= EXPOSED.keys()


@pytest.mark.parametrize("expr", ASKED)
def test_only_labels_and_values_that_exist_are_asked_for(expr: str) -> None:
    for metric, label, _, value in selectors(expr):
        if label in OF_THE_SCRAPE:
            continue
        known = {labels.get(label) for labels in EXPOSED[metric]}
        if value == f"${label}":
            assert label in CHOSEN
            assert None not in known, (metric, label)
        else:
            assert set(value.split("|")) <= known, (metric, label)
    grouped = re.findall(r"\b(?:by|without|on) \(([\w, ]+)\)", expr)
    labels = {label.strip() for group in grouped for label in group.split(",")}
    available = {label for name in names(expr) for each in EXPOSED[name] for label in each}
    assert labels <= available | OF_THE_SCRAPE


@pytest.mark.parametrize("expr", ASKED)
def test_counters_are_asked_for_as_increases(expr: str) -> None:
    for name in names(expr):
        if re.search(r"_(total|bucket)$", name):
            assert re.search(rf"\b(increase|rate)\({name}\b", expr), name
    assert expr.count("(") == expr.count(")")


def test_all_metrics_are_on_the_dashboard() -> None:
    shown = {re.sub(r"_bucket$", "", name) for expr in ON_THE_DASHBOARD for name in names(expr)}
    assert {each.name for each in DEFINITIONS} <= shown


def test_legends_name_labels_that_the_expression_keeps() -> None:
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            (metric, *_) = names(target["expr"])
            for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
                by = re.search(r"\bby \((\w+)\)", target["expr"])
                kept = {by[1]} if by else OF_THE_SCRAPE.union(*EXPOSED[metric])
                assert label in kept, (panel["title"], label)


def test_panels_have_a_place_of_their_own_and_the_data_source_that_is_chosen() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= COLUMNS
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    assert set(strings(DASHBOARD["panels"], "uid")) == {"${datasource}"}


def test_accounts_are_told_apart_wherever_they_may_be() -> None:
    for expr in ON_THE_DASHBOARD:
        for name in names(expr):
            if any("account" in labels for labels in EXPOSED[name]):
                assert re.search(rf'{name}\{{[^}}]*account=~"\$account"', expr), expr


def test_alerts_are_tried_on_what_the_service_tells() -> None:
    for series in strings(TRIED, "series"):
        if not series.startswith("up{"):
            metric, _, labels = series.partition("{")
            given = set(re.findall(r"(\w+)=", labels)) - OF_THE_SCRAPE
            assert any(given <= known.keys() for known in EXPOSED[metric]), series


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alert_is_tried(rule: dict[str, Any]) -> None:
    tried = [each for group in TRIED["tests"] for each in group["alert_rule_test"]]
    of_this = [each for each in tried if each["alertname"] == rule["alert"]]
    assert {bool(each.get("exp_alerts")) for each in of_this} == {True, False}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_alerts_say_how_bad_it_is_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert set(rule["annotations"]) == {"summary", "description"}
    assert re.fullmatch(r"\d+[mh]", rule.get("for", "0m"))
