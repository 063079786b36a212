"""Image, manifests, compose file and systemd unit agree with the program.

The files are only read here: ``scripts/image`` tests the image, ``scripts/manifests`` the
manifests.
"""

import configparser
import json
import re
import shlex
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from mailroom import __version__
from mailroom.cli.commands import COMMANDS
from mailroom.exits import Exit
from mailroom.settings.health import HealthSettings
from mailroom.settings.load import load_settings
from mailroom.settings.raw import CONFIG, DEFAULT_CONFIG, DEFAULT_SECRETS_DIR, SECRETS_DIR
from mailroom.settings.sources import read_secrets
from mailroom.settings.variables import VARIABLES
from mailroom.settings.web import WebSettings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "scripts" / "deploy"
K8S = ROOT / "k8s"
PORT = HealthSettings().port
WEB_PORT = WebSettings().port
USER = 10001
SIGNED_IN = {"MAILROOM_JMAP_TOKEN": "token"}
SHARD = "MAILROOM_SHARD"
STOPS_WITHIN = 5


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def manifest(path: str) -> Any:
    return yaml.safe_load(read(K8S / path))


# The image


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions, each with its arguments."""
    lines = re.sub(r"(?m)^#.*\n", "", read(ROOT / "Dockerfile")).replace("\\\n", " ").splitlines()
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines) if name]


def last_stage() -> dict[str, str]:
    """The instructions of the image itself; of those that stand there more than once, the last."""
    every = instructions()
    begin = max(number for number, (name, _) in enumerate(every) if name == "FROM")
    return dict(every[begin:])


def test_the_image_runs_the_program_by_itself() -> None:
    stage = last_stage()
    assert json.loads(stage["ENTRYPOINT"]) == ["mailroom"]
    assert json.loads(stage["CMD"]) == ["run"]
    assert {"run", "health"} <= COMMANDS.keys()


def test_the_health_check_of_the_image_is_mailroom_health() -> None:
    check = last_stage()["HEALTHCHECK"]
    assert json.loads(check.partition(" CMD ")[2]) == ["mailroom", "health"]


def test_the_image_exposes_the_default_ports() -> None:
    assert last_stage()["EXPOSE"] == f"{PORT} {WEB_PORT}"


def test_the_user_of_the_image_is_a_number() -> None:
    assert last_stage()["USER"] == f"{USER}:{USER}"


def test_the_python_of_the_image_is_supported() -> None:
    (base,) = [rest for name, rest in instructions() if name == "ARG" and rest.startswith("BASE=")]
    version = re.fullmatch(r"BASE=python:(3\.\d+)-slim", base)
    assert version
    assert f"Python :: {version[1]}" in read(ROOT / "pyproject.toml")


def copied() -> set[str]:
    """Return the paths of this folder that are copied into the builder."""
    copies = (rest.split() for name, rest in instructions() if name == "COPY")
    return {path for *sources, _ in copies if "--from=builder" not in sources for path in sources}


def test_dockerignore_admits_the_copied_files_only() -> None:
    rules = re.findall(r"(?m)^[^#\n].*", read(ROOT / ".dockerignore"))
    assert rules[0] == "*"
    assert {rule[1:] for rule in rules if rule.startswith("!")} == copied()
    assert [path for path in copied() if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("lock", ["requirements.txt", "scripts/deploy/build.txt"])
def test_everything_in_the_image_is_pinned_by_hash(lock: str) -> None:
    entries = re.split(r"(?m)^(?=\w)", read(ROOT / lock).replace("\\\n", ""))[1:]
    assert len(entries) > 5
    assert [entry for entry in entries if "==" not in entry or "--hash=sha256:" not in entry] == []


def test_no_index_is_named() -> None:
    scripts = [ROOT / "scripts" / name for name in ("image", "manifests", "tools")]
    files = [*K8S.rglob("*.yaml"), *DEPLOY.iterdir(), ROOT / "Dockerfile", *scripts]
    assert len(files) > 15
    assert [file for file in files if re.search(r"(?i)index-url\s*=?\s*http", read(file))] == []


# Kubernetes


def pod() -> Any:
    return manifest("base/deployment.yaml")["spec"]["template"]["spec"]


def container() -> Any:
    (only,) = pod()["containers"]
    return only


def mounts() -> dict[str, str]:
    """Return the path of each volume."""
    return {mount["name"]: mount["mountPath"] for mount in container()["volumeMounts"]}


def variables() -> dict[str, str]:
    return {variable["name"]: variable["value"] for variable in container()["env"]}


def test_one_pod_at_a_time() -> None:
    spec = manifest("base/deployment.yaml")["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_the_pod_and_the_service_use_the_default_port() -> None:
    (port,) = container()["ports"]
    assert port["containerPort"] == PORT
    (offered,) = manifest("base/service.yaml")["spec"]["ports"]
    assert (offered["port"], offered["targetPort"]) == (PORT, port["name"])


def test_only_readiness_depends_on_the_mail_server() -> None:
    (port,) = container()["ports"]
    probes = ("startupProbe", "livenessProbe", "readinessProbe")
    gets = [container()[probe]["httpGet"] for probe in probes]
    assert [get["path"] for get in gets] == ["/livez", "/livez", "/readyz"]
    assert {get["port"] for get in gets} == {port["name"]}


def test_the_pod_has_no_more_rights_than_it_needs() -> None:
    assert pod()["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "fsGroup": USER,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container()["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    account = manifest("base/service-account.yaml")
    assert pod()["serviceAccountName"] == account["metadata"]["name"]
    assert pod()["automountServiceAccountToken"] is False
    assert account["automountServiceAccountToken"] is False


def test_the_pod_has_time_to_stop() -> None:
    assert pod()["terminationGracePeriodSeconds"] > STOPS_WITHIN


def test_the_pod_finds_its_settings_and_secrets() -> None:
    assert set(variables()) == {SECRETS_DIR, CONFIG}
    assert variables()[SECRETS_DIR] == mounts()["secrets"]
    (file,) = manifest("base/kustomization.yaml")["configMapGenerator"][0]["files"]
    assert variables()[CONFIG] == f"{mounts()['config']}/{file}"
    (names,) = [volume["secret"] for volume in pod()["volumes"] if "secret" in volume]
    assert names["secretName"] == manifest("secret.example.yaml")["metadata"]["name"]
    assert names["defaultMode"] == stat.S_IRUSR | stat.S_IRGRP


KUSTOMIZATIONS = sorted(K8S.rglob("kustomization.yaml"))
EXAMPLE = "secret.example.yaml"
"""Not applied as it is."""


@pytest.mark.parametrize("file", KUSTOMIZATIONS, ids=lambda file: str(file.parent.relative_to(K8S)))
def test_every_file_of_a_kustomization_exists_and_no_other(file: Path) -> None:
    content = yaml.safe_load(read(file))
    made = [name for maps in content.get("configMapGenerator", []) for name in maps["files"]]
    patches = [patch["path"] for patch in content.get("patches", [])]
    others = [*content.get("resources", []), *content.get("components", [])]
    named = {*others, *patches, *(name.rpartition("=")[2] for name in made)}
    assert [name for name in named if not (file.parent / name).exists()] == []
    there = {path.name for path in file.parent.iterdir() if path.is_file()}
    assert there - {file.name, EXAMPLE} == {name for name in named if "/" not in name}


def test_every_component_is_named_by_an_overlay() -> None:
    overlays = "".join(read(file) for file in KUSTOMIZATIONS if "overlays" in file.parts)
    named = set(re.findall(r"\.\./\.\./components/([\w-]+)", overlays))
    assert named == {folder.name for folder in (K8S / "components").iterdir()}


def test_the_settings_in_the_config_map_can_be_loaded() -> None:
    assert load_settings(SIGNED_IN, cwd=K8S / "base").log.format == "json"


@pytest.mark.parametrize("overlay", ["example", "shards"])
def test_the_overlays_run_this_version(overlay: str) -> None:
    (image,) = manifest(f"overlays/{overlay}/kustomization.yaml")["images"]
    assert image["name"] == container()["image"] == compose()["image"]
    assert image["newTag"] == __version__
    versions = re.findall(rf"{image['newName']}:(\S+)", read(K8S / "README.md"))
    assert set(versions) == {__version__}


def test_the_monitor_uses_the_path_of_the_metrics() -> None:
    (endpoint,) = manifest("components/monitoring/service-monitor.yaml")["spec"]["endpoints"]
    (port,) = manifest("base/service.yaml")["spec"]["ports"]
    assert endpoint["port"] == port["name"]
    assert f'"{endpoint["path"]}": metrics.page' in read(
        ROOT / "mailroom" / "runtime" / "process.py"
    )


# The page on Kubernetes


def added_for_page(part: str) -> list[Any]:
    """The values that the component of the page adds to a part of the base."""
    return [change["value"] for change in manifest(f"components/page/{part}.yaml")]


def test_the_page_has_its_port_from_the_pod_to_the_ingress() -> None:
    port, url = added_for_page("deployment")
    assert port["containerPort"] == WEB_PORT
    assert url["name"] in VARIABLES
    (offered,) = added_for_page("service")
    assert (offered["port"], offered["targetPort"]) == (WEB_PORT, port["name"])
    (rule,) = added_for_page("network-policy")
    assert rule["ports"] == [{"port": port["name"]}]
    assert WebSettings(url=url["value"]).url == url["value"]


# Several accounts on several pods


def shards() -> Any:
    return manifest("overlays/shards/kustomization.yaml")


def pods() -> int:
    (replicas,) = shards()["replicas"]
    return int(replicas["count"])


def test_each_account_of_the_example_is_served_by_one_pod(tmp_path: Path) -> None:
    for name, value in manifest(f"overlays/shards/{EXAMPLE}")["stringData"].items():
        (tmp_path / name).write_text(value)
    served = []
    for index in range(pods()):
        settings = load_settings(
            {SECRETS_DIR: str(tmp_path), SHARD: f"{index}/{pods()}"}, cwd=K8S / "overlays/shards"
        )
        served += [account.name for account in settings.served]
    assert (
        sorted(served) == sorted(account.name for account in settings.accounts) == ["anna", "ben"]
    )


def test_each_of_several_pods_has_its_number() -> None:
    patch = manifest("components/shards/stateful-set.yaml")
    added = [change["value"] for change in patch if change["path"].endswith("/env/-")]
    assert [variable["name"] for variable in added] == ["POD_INDEX", SHARD]
    assert added[1]["value"].startswith("$(POD_INDEX)/")
    assert SHARD in VARIABLES


def test_the_network_policy_admits_the_port_of_the_pod() -> None:
    policy = manifest("components/network-policy/network-policy.yaml")["spec"]
    (labels,) = manifest("base/kustomization.yaml")["labels"]
    assert policy["podSelector"]["matchLabels"] == labels["pairs"]
    assert policy["ingress"][0]["ports"] == [{"port": container()["ports"][0]["name"]}]


# Secrets, in all of them


def compose() -> Any:
    (service,) = yaml.safe_load(read(DEPLOY / "compose.yaml"))["services"].values()
    return service


def unit() -> configparser.SectionProxy:
    """The section of the service; of keys that stand there more than once, the last."""
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]  # as the documentation has it
    parser.read_string(read(DEPLOY / "mailroom.service"))
    return parser["Service"]


def credential() -> tuple[str, str]:
    """Return the prefix of the credentials' names, and the folder that holds them."""
    name, _, folder = unit()["LoadCredential"].partition(":")
    return name, folder


def offered(path: Path) -> Any:
    """A file with what it has in comments, to be chosen, as well."""
    return yaml.safe_load(re.sub(r"(?mi)^( +)# (?=- |mailroom_|  )", r"\1", read(path)))


def secrets_of_systemd() -> list[str]:
    """Return the names, as Mailroom sees them, of the files in the head of the unit."""
    head = read(DEPLOY / "mailroom.service").partition("[Unit]")[0]
    files = re.findall(r"(?<!mailroom_)\b(?:jmap|carddav|web)_\w+", head)
    return [f"{credential()[0]}_{name}" for name in files]


EXAMPLES = [K8S / EXAMPLE, K8S / "overlays" / "shards" / EXAMPLE]
EXTERNAL_SECRET = K8S / "components" / "external-secrets" / "external-secret.yaml"
COMPOSE = DEPLOY / "compose.yaml"
SECRETS = {
    "example": list(offered(EXAMPLES[0])["stringData"]),
    "example of several accounts": list(offered(EXAMPLES[1])["stringData"]),
    "external secrets": [entry["secretKey"] for entry in offered(EXTERNAL_SECRET)["spec"]["data"]],
    "compose": list(offered(COMPOSE)["secrets"]),
    "systemd": secrets_of_systemd(),
}


@pytest.mark.parametrize("names", SECRETS.values(), ids=SECRETS)
def test_every_secret_file_is_read(names: list[str], tmp_path: Path) -> None:
    for name in names:
        (tmp_path / name).write_text("x")
    given = read_secrets(str(tmp_path), tmp_path)
    assert given.mistakes == ()
    layers = [given.common, *given.accounts.values()]
    assert sum(len(layer.places) for layer in layers) == len(names) >= 3


def test_the_secrets_of_the_example_are_sufficient(tmp_path: Path) -> None:
    (name,) = manifest(EXAMPLE)["stringData"]
    (tmp_path / name).write_text("x")
    settings = load_settings({SECRETS_DIR: str(tmp_path)}, cwd=tmp_path)
    assert settings.jmap.token is not None
    for name in offered(K8S / EXAMPLE)["stringData"]:
        if "carddav" in name:
            (tmp_path / name).write_text("x")
    assert settings.carddav_lacks != ()
    assert load_settings({SECRETS_DIR: str(tmp_path)}, cwd=tmp_path).carddav_lacks == ()


# Compose


def test_compose_mounts_all_secrets_and_drops_all_rights() -> None:
    for whole in (yaml.safe_load(read(COMPOSE)), offered(COMPOSE)):
        (service,) = whole["services"].values()
        files = {name: {"file": f"secrets/{name}"} for name in service["secrets"]}
        assert whole["secrets"] == files
    assert DEFAULT_SECRETS_DIR == "/run/secrets"  # which is where compose puts them
    assert compose()["read_only"] is True
    assert compose()["cap_drop"] == ["ALL"]
    assert compose()["security_opt"] == ["no-new-privileges:true"]


def test_compose_sets_known_variables_and_opens_ports_to_this_machine() -> None:
    (service,) = offered(COMPOSE)["services"].values()
    assert {"MAILROOM_WEB_URL"} < set(service["environment"]) <= set(VARIABLES)
    assert service["ports"] == [f"127.0.0.1:{port}:{port}" for port in (PORT, WEB_PORT)]
    assert int(compose()["stop_grace_period"].removesuffix("s")) > STOPS_WITHIN


# systemd


def test_systemd_does_not_restart_after_codes_for_people() -> None:
    assert unit()["Restart"] == "on-failure"
    for_people = {Exit.CONFIGURATION, Exit.INCOMPLETE}
    assert {Exit(int(code)) for code in unit()["RestartPreventExitStatus"].split()} == for_people


def test_systemd_runs_the_program_with_known_variables() -> None:
    assert unit()["ExecStart"].split()[1:] == ["run"]
    given = dict(variable.split("=", 1) for variable in shlex.split(unit()["Environment"]))
    assert set(given) <= {*VARIABLES, SECRETS_DIR}
    assert given[SECRETS_DIR] == "%d"
    assert int(unit()["TimeoutStopSec"]) > STOPS_WITHIN


def test_systemd_starts_the_program_in_the_folder_of_its_file() -> None:
    where = f"{unit()['WorkingDirectory']}/{DEFAULT_CONFIG}"
    assert where == "/etc/mailroom/mailroom.yaml"
    assert last_stage()["WORKDIR"] == unit()["WorkingDirectory"]
    assert where in read(DEPLOY / "mailroom.service").partition("[Unit]")[0]


# Proxies in front of the page


@pytest.mark.parametrize("name", ["Caddyfile", "nginx.conf"])
def test_the_page_fits_the_proxy(name: str, tmp_path: Path) -> None:
    """The settings in the head of the file are for the host and port in its body."""
    text = read(DEPLOY / name)
    values = dict(
        re.findall(r"(?m)^#   web\.(host|url|proxy_header|trusted_networks): (\S+)$", text)
    )
    body = re.sub(r"(?m)^ *#.*\n", "", text)
    (tmp_path / "mailroom.yaml").write_text(yaml.safe_dump({"web": values}))
    web = load_settings(SIGNED_IN, cwd=tmp_path).web
    assert {web.host} == set(re.findall(rf"(\S+):{WEB_PORT}\b", body.replace("http://", "")))
    assert web.url.removeprefix("https://") in body
    assert f"proxy_set_header {web.proxy_header} " in body or name == "Caddyfile"


# k8s/README.md

GUIDE = read(K8S / "README.md")
CODE = [*re.findall(r"`([^`\n]+)`", GUIDE), *re.findall(r"(?m)^ *\$ (.*)", GUIDE)]


def test_every_alert_is_documented() -> None:
    rule = manifest("components/monitoring/prometheus-rule.yaml")
    alerts = [alert["alert"] for group in rule["spec"]["groups"] for alert in group["rules"]]
    assert re.findall(r"`(Mailroom\w+)`", GUIDE) == alerts


def test_every_object_in_the_documents_exists() -> None:
    named = {
        (kind, name)
        for code in CODE
        for kind, name in re.findall(r"(deployment|service)/(\w+)", code)
    }
    kinds = ("deployment", "service")
    assert named == {(kind, manifest(f"base/{kind}.yaml")["metadata"]["name"]) for kind in kinds}
    namespaces = {name for code in CODE for name in re.findall(r"--namespace (\S+)", code)}
    assert namespaces == {manifest("overlays/example/kustomization.yaml")["namespace"]}
