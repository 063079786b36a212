"""Checks that rendered manifests fit together, and the kinds that Kubernetes does not know.

    rendered.py FILE...

Each file is one rendering: a name in one object must be that of another object in it.
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
_OF_NO_NAMESPACE: Final = {"Namespace"}


def main() -> None:
    """Print all mistakes, and exit 1 if there are any."""
    wrong = [f"{file}: {mistake}" for file in sys.argv[1:] for mistake in _mistakes(Path(file))]
    if wrong:
        sys.exit("\n".join(wrong))


def _mistakes(file: Path) -> Iterator[str]:
    docs: list[Doc] = [doc for doc in yaml.safe_load_all(file.read_text("utf-8")) if doc]
    (workload,) = [doc for doc in docs if doc["kind"] in _WORKLOADS]
    checks: tuple[Callable[[list[Doc], Doc], Iterator[str]], ...] = (
        _bad_others,
        _strangers_to_the_namespace,
        _missing_names,
        _missed_pods,
        _missed_services,
        _bad_shards,
    )
    for check in checks:
        yield from check(docs, workload)


def _names(docs: list[Doc], kind: str) -> set[str]:
    return {doc["metadata"]["name"] for doc in docs if doc["kind"] == kind}


def _bad_others(docs: list[Doc], _workload: Doc) -> Iterator[str]:
    for doc in docs:
        if schema := _OTHERS.get(f"{doc['apiVersion']} {doc['kind']}"):
            validator = jsonschema.Draft202012Validator(schema)
            for error in validator.iter_errors(doc["spec"]):
                yield f"{doc['kind']}: {error.json_path}: {error.message}"
        elif "." in doc["apiVersion"].partition("/")[0].removesuffix(".k8s.io"):
            yield f"{doc['kind']}: nothing here knows {doc['apiVersion']}"


def _strangers_to_the_namespace(docs: list[Doc], _workload: Doc) -> Iterator[str]:
    """Check that all objects are in the namespace, if there is one."""
    for namespace in _names(docs, "Namespace"):
        for doc in docs:
            if doc["kind"] not in _OF_NO_NAMESPACE:
                where = doc["metadata"].get("namespace")
                if where != namespace:
                    yield f"{doc['kind']} is in the namespace {where}"


def _missing_names(docs: list[Doc], workload: Doc) -> Iterator[str]:
    """Check that the objects exist that the pod names; the Secret only if it is rendered, too."""
    pod = workload["spec"]["template"]["spec"]
    taken = [("ServiceAccount", pod["serviceAccountName"])]
    taken += [("ConfigMap", volume["configMap"]["name"]) for volume in _volumes(pod, "configMap")]
    if workload["kind"] == "StatefulSet":
        taken.append(("Service", workload["spec"]["serviceName"]))
    yield from (f"no {kind} {name}" for kind, name in taken if name not in _names(docs, kind))
    secrets = {volume["secret"]["secretName"] for volume in _volumes(pod, "secret")}
    made = {doc["spec"]["target"]["name"] for doc in docs if doc["kind"] == "ExternalSecret"}
    if not made <= secrets:
        yield f"the pod takes {secrets}, but {made} is made"


def _volumes(pod: Doc, kind: str) -> list[Doc]:
    return [volume for volume in pod["volumes"] if kind in volume]


def _missed_pods(docs: list[Doc], workload: Doc) -> Iterator[str]:
    """Whatever picks pods picks ours, and ports that they have."""
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
            yield f"{doc['kind']} picks {wanted}"
        if not used <= ports:
            yield f"{doc['kind']} goes to {used}"


def _missed_services(docs: list[Doc], workload: Doc) -> Iterator[str]:
    """A monitor and an Ingress pick the Service, and a port that it has."""
    (service,) = [doc for doc in docs if doc["kind"] == "Service"]
    ports = {port["name"] for port in service["spec"]["ports"]}
    for doc in docs:
        if doc["kind"] == "ServiceMonitor":
            wanted = doc["spec"]["selector"]["matchLabels"]
            if not wanted.items() <= service["metadata"]["labels"].items():
                yield f"{doc['kind']} picks {wanted}"
            if not {end["port"] for end in doc["spec"]["endpoints"]} <= ports:
                yield f"{doc['kind']} goes to another port than {ports}"
        elif doc["kind"] == "Ingress":
            yield from _bad_ways(doc, service, workload)


def _bad_ways(ingress: Doc, service: Doc, workload: Doc) -> Iterator[str]:
    """An Ingress goes to a port of the Service, by the host that the page answers to."""
    (rule,) = ingress["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    backend = path["backend"]["service"]
    ports = {port["name"] for port in service["spec"]["ports"]}
    if backend["name"] != service["metadata"]["name"] or backend["port"]["name"] not in ports:
        yield f"Ingress goes to {backend}"
    if [rule["host"]] != ingress["spec"]["tls"][0]["hosts"]:
        yield f"Ingress has another certificate than for {rule['host']}"
    (container,) = workload["spec"]["template"]["spec"]["containers"]
    urls = [env["value"] for env in container["env"] if env["name"] == "MAILROOM_WEB_URL"]
    if urls != [f"https://{rule['host']}"]:
        yield f"Ingress is for {rule['host']}, the page for {urls}"


def _bad_shards(_docs: list[Doc], workload: Doc) -> Iterator[str]:
    """Each pod of several knows which one it is, and of how many."""
    (container,) = workload["spec"]["template"]["spec"]["containers"]
    values = {variable["name"]: variable.get("value") for variable in container["env"]}
    several = workload["kind"] == "StatefulSet"
    wanted = f"$(POD_INDEX)/{workload['spec']['replicas']}" if several else None
    if values.get("MAILROOM_SHARD") != wanted:
        yield f"{workload['spec']['replicas']} pods, and the shard {values.get('MAILROOM_SHARD')}"
    names = list(values)
    if several and names.index("POD_INDEX") > names.index("MAILROOM_SHARD"):
        yield "only a variable that stands further up can be put into one"


if __name__ == "__main__":
    main()
