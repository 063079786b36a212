"""Checks that the objects of rendered manifests fit together, such as a Service and its pods.

    rendered.py FILE...

Each file is one rendering. Kinds that are not Kubernetes's own, such as ServiceMonitor, are checked
against the schemas in others.yaml.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import jsonschema
import yaml

Doc = dict[str, Any]
_OTHERS: Final = yaml.safe_load(Path(__file__).with_name("others.yaml").read_text("utf-8"))
_WORKLOADS: Final = {"Deployment", "StatefulSet"}
_WITHOUT_NAMESPACE: Final = {"Namespace"}


def main() -> None:
    """Print all mistakes, and exit 1 if there are any."""
    wrong = [f"{file}: {mistake}" for file in sys.argv[1:] for mistake in _mistakes(Path(file))]
    if wrong:
        sys.exit("\n".join(wrong))


def _mistakes(file: Path) -> Iterator[str]:
    docs: list[Doc] = [doc for doc in yaml.safe_load_all(file.read_text("utf-8")) if doc]
    (workload,) = [doc for doc in docs if doc["kind"] in _WORKLOADS]
    checks: tuple[Callable[[list[Doc], Doc], Iterator[str]], ...] = (
        _check_other_kinds,
        _check_namespace,
        _check_names,
        _check_selectors,
        _check_service,
        _check_shard,
    )
    for check in checks:
        yield from check(docs, workload)


def _names(docs: list[Doc], kind: str) -> set[str]:
    return {doc["metadata"]["name"] for doc in docs if doc["kind"] == kind}


def _check_other_kinds(docs: list[Doc], _workload: Doc) -> Iterator[str]:
    """Check that objects of other kinds than Kubernetes's own follow their schemas."""
    for doc in docs:
        if schema := _OTHERS.get(f"{doc['apiVersion']} {doc['kind']}"):
            validator = jsonschema.Draft202012Validator(schema)
            for error in validator.iter_errors(doc["spec"]):
                yield f"{doc['kind']}: {error.json_path}: {error.message}"
        elif "." in doc["apiVersion"].partition("/")[0].removesuffix(".k8s.io"):
            yield f"{doc['kind']}: others.yaml has no schema for {doc['apiVersion']}"


def _check_namespace(docs: list[Doc], _workload: Doc) -> Iterator[str]:
    """Check that all objects are in the namespace, if there is one."""
    for namespace in _names(docs, "Namespace"):
        for doc in docs:
            if doc["kind"] not in _WITHOUT_NAMESPACE:
                own_namespace = doc["metadata"].get("namespace")
                if own_namespace != namespace:
                    yield f"{doc['kind']} is in the namespace {own_namespace}, not in {namespace}"


def _check_names(docs: list[Doc], workload: Doc) -> Iterator[str]:
    """Check that the objects exist that the pod names, and that it names each external secret."""
    pod = workload["spec"]["template"]["spec"]
    named = [("ServiceAccount", pod["serviceAccountName"])]
    named += [("ConfigMap", volume["configMap"]["name"]) for volume in _volumes(pod, "configMap")]
    if workload["kind"] == "StatefulSet":
        named.append(("Service", workload["spec"]["serviceName"]))
    yield from (
        f"the pod names {kind} {name}, which does not exist"
        for kind, name in named
        if name not in _names(docs, kind)
    )
    secrets = {volume["secret"]["secretName"] for volume in _volumes(pod, "secret")}
    created = {doc["spec"]["target"]["name"] for doc in docs if doc["kind"] == "ExternalSecret"}
    if not created <= secrets:
        yield f"the pod names the secrets {secrets}, but ExternalSecret creates {created}"


def _volumes(pod: Doc, kind: str) -> list[Doc]:
    return [volume for volume in pod["volumes"] if kind in volume]


def _check_selectors(docs: list[Doc], workload: Doc) -> Iterator[str]:
    """Check that each selector of pods selects Mailroom's, and each port is a port of theirs."""
    template = workload["spec"]["template"]
    labels = template["metadata"]["labels"].items()
    ports = {
        port["name"] for container in template["spec"]["containers"] for port in container["ports"]
    }
    for doc in docs:
        match doc:
            case {"kind": "Service", "spec": {"selector": wanted}}:
                used = {port["targetPort"] for port in doc["spec"]["ports"]}
            case {"kind": "NetworkPolicy", "spec": {"podSelector": {"matchLabels": wanted}}}:
                used = {port["port"] for rule in doc["spec"]["ingress"] for port in rule["ports"]}
            case {"kind": "Deployment" | "StatefulSet", "spec": {"selector": selector}}:
                wanted, used = selector["matchLabels"], set()
            case _:
                continue
        if not wanted.items() <= labels:
            yield f"{doc['kind']} selects pods with {wanted}"
        if not used <= ports:
            yield f"{doc['kind']} names the ports {used}, but the pods have {ports}"


def _check_service(docs: list[Doc], workload: Doc) -> Iterator[str]:
    """Check that a ServiceMonitor and an Ingress select the Service, and a port of it."""
    (service,) = [doc for doc in docs if doc["kind"] == "Service"]
    ports = {port["name"] for port in service["spec"]["ports"]}
    for doc in docs:
        if doc["kind"] == "ServiceMonitor":
            wanted = doc["spec"]["selector"]["matchLabels"]
            if not wanted.items() <= service["metadata"]["labels"].items():
                yield f"{doc['kind']} selects a Service with {wanted}"
            if not {endpoint["port"] for endpoint in doc["spec"]["endpoints"]} <= ports:
                yield f"{doc['kind']} names another port than {ports}"
        elif doc["kind"] == "Ingress":
            yield from _check_ingress(doc, service, workload)


def _check_ingress(ingress: Doc, service: Doc, workload: Doc) -> Iterator[str]:
    """Check that an Ingress leads to a port of the Service, and is for the page's host."""
    (rule,) = ingress["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    backend = path["backend"]["service"]
    ports = {port["name"] for port in service["spec"]["ports"]}
    if backend["name"] != service["metadata"]["name"] or backend["port"]["name"] not in ports:
        yield f"Ingress leads to {backend}"
    if [rule["host"]] != ingress["spec"]["tls"][0]["hosts"]:
        yield f"Ingress has no certificate for {rule['host']}"
    (container,) = workload["spec"]["template"]["spec"]["containers"]
    urls = [env["value"] for env in container["env"] if env["name"] == "MAILROOM_WEB_URL"]
    if urls != [f"https://{rule['host']}"]:
        yield f"Ingress is for {rule['host']}, the page for {urls}"


def _check_shard(_docs: list[Doc], workload: Doc) -> Iterator[str]:
    """Check that each of several pods has the shard ``INDEX/NUMBER``, and a single pod has none."""
    (container,) = workload["spec"]["template"]["spec"]["containers"]
    values = {variable["name"]: variable.get("value") for variable in container["env"]}
    several = workload["kind"] == "StatefulSet"
    wanted = f"$(POD_INDEX)/{workload['spec']['replicas']}" if several else None
    if values.get("MAILROOM_SHARD") != wanted:
        yield f"the shard is {values.get('MAILROOM_SHARD')}, not {wanted}"
    names = list(values)
    if several and names.index("POD_INDEX") > names.index("MAILROOM_SHARD"):
        yield "MAILROOM_SHARD stands before POD_INDEX, which it uses"


if __name__ == "__main__":
    main()
