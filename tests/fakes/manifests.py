"""Kubernetes manifests as tests see them: reading them, what the house asks of them, and what a NetworkPolicy lets by.

The restricted standard is `pod_security.py`; here is what goes beyond it.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.fakes.pod_security import Manifest, Pod, pod_of

Manifests = Sequence[Manifest]
HouseRule = Callable[[Manifests], Iterator[str]]

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "kubernetes"
USER = 65532
#: At SIGTERM syncd ends within this time.
_STOPS_WITHIN_S = 30
_HASHED = re.compile(r"syncd-config-[a-z0-9]{10}")
#: What would let syncd talk to the Kubernetes API, and what it must not bring along.
_UNWANTED = frozenset(
    {
        "ClusterRole",
        "ClusterRoleBinding",
        "HorizontalPodAutoscaler",
        "PodDisruptionBudget",
        "Role",
        "RoleBinding",
        "Secret",
    }
)


def documents(text: str) -> list[Any]:
    """Return the documents of a YAML file or of a render."""
    return [document for document in yaml.safe_load_all(text) if document is not None]


def read(name: str) -> list[Any]:
    """Return the documents of a file of deploy/kubernetes."""
    return documents((FOLDER / name).read_text(encoding="utf-8"))


def one(manifests: Manifests, kind: str, name: str = "syncd") -> Any:  # noqa: ANN401 - a manifest is what YAML says
    """Return the only manifest of *kind* and *name*."""
    [found] = [each for each in manifests if each["kind"] == kind and each["metadata"]["name"] == name]
    return found


def pods(manifests: Manifests) -> Iterator[tuple[str, Pod]]:
    """Yield every pod that is made, named after what makes it."""
    for manifest in manifests:
        pod = pod_of(manifest)
        if pod is not None:
            yield f"{manifest['kind']}/{manifest['metadata']['name']}", pod


def house_violations(manifests: Manifests) -> list[str]:
    """Return what we ask beyond the standard and don't find, as `rule: where: what`."""
    return [f"{rule.__name__}: {found}" for rule in HOUSE_RULES for found in rule(manifests)]


# --- the rules ----------------------------------------------------------------------------------------------------


def no_api_access(manifests: Manifests) -> Iterator[str]:
    """Nothing of RBAC, no token in the pod nor for its account, and no secret's content."""
    for manifest in manifests:
        if manifest["kind"] in _UNWANTED:
            yield f"{manifest['kind']}/{manifest['metadata']['name']}: not wanted"
        if manifest["kind"] == "ServiceAccount" and manifest.get("automountServiceAccountToken") is not False:
            yield f"ServiceAccount/{manifest['metadata']['name']}: automountServiceAccountToken"
    for where, pod in pods(manifests):
        if pod.spec.get("automountServiceAccountToken") is not False:
            yield f"{where}: automountServiceAccountToken"
        for volume in pod.spec.get("volumes", ()):
            for source in volume.get("projected", {}).get("sources", ()):
                if "serviceAccountToken" in source:
                    yield f"{where}: volume {volume['name']} is a token"


def one_identity(manifests: Manifests) -> Iterator[str]:
    """The pod is user and group 65532, who owns its volumes, on a read-only root."""
    for where, pod in pods(manifests):
        for name in ("runAsUser", "runAsGroup", "fsGroup"):
            if pod.security.get(name) != USER:
                yield f"{where}: {name} {pod.security.get(name)}"
        for name, container in pod.containers():
            context = container.get("securityContext") or {}
            if context.get("readOnlyRootFilesystem") is not True:
                yield f"{where}: {name}: readOnlyRootFilesystem"
            if {"runAsUser", "runAsGroup"} & set(context):
                yield f"{where}: {name}: another user than the pod's"


def ends_in_time(manifests: Manifests) -> Iterator[str]:
    """A pod is given more time to end than syncd takes."""
    for where, pod in pods(manifests):
        if pod.spec.get("terminationGracePeriodSeconds", 30) <= _STOPS_WITHIN_S:
            yield f"{where}: terminationGracePeriodSeconds"


def never_two(manifests: Manifests) -> Iterator[str]:
    """With a volume for SQLite there is one pod at a time, also while it is exchanged."""
    for manifest in manifests:
        where, spec = f"{manifest['kind']}/{manifest['metadata']['name']}", manifest.get("spec") or {}
        match manifest["kind"]:
            case "Deployment":
                if spec.get("replicas", 1) != 1:
                    yield f"{where}: replicas {spec['replicas']}"
                if _claims(manifest) and spec.get("strategy", {}).get("type") != "Recreate":
                    yield f"{where}: strategy"
            case "CronJob":
                job = spec["jobTemplate"]["spec"]
                side_by_side = {job.get("parallelism", 1), job.get("completions", 1)} != {1}
                if spec.get("concurrencyPolicy") != "Forbid" or side_by_side:
                    yield f"{where}: more than one job or pod at a time"
            case "PersistentVolumeClaim":
                if spec["accessModes"] != ["ReadWriteOncePod"]:
                    yield f"{where}: {spec['accessModes']}"
            case _:
                pass


def has_limits(manifests: Manifests) -> Iterator[str]:
    """Each container says what it needs, and how much memory it may take."""
    for where, pod in pods(manifests):
        for name, container in pod.containers():
            given = container.get("resources", {})
            if set(given.get("requests", ())) != {"cpu", "memory"} or set(given.get("limits", ())) != {"memory"}:
                yield f"{where}: {name}: resources"


def secrets_are_files(manifests: Manifests) -> Iterator[str]:
    """No secret is in the environment, and no mount is a subPath, which never changes."""
    for where, pod in pods(manifests):
        for name, container in pod.containers():
            if container.get("envFrom") or any("valueFrom" in each for each in container.get("env", ())):
                yield f"{where}: {name}: env from elsewhere"
            for mount in container.get("volumeMounts", ()):
                if {"subPath", "subPathExpr"} & set(mount):
                    yield f"{where}: {name}: subPath of {mount['name']}"


def names_meet(manifests: Manifests) -> Iterator[str]:
    """Whatever is named is there: volumes, claims, the hashed configuration, the account, labels and ports."""
    there = {(each["kind"], each["metadata"]["name"]) for each in manifests}
    for where, pod in pods(manifests):
        volumes = {volume["name"]: volume for volume in pod.spec.get("volumes", ())}
        mounted = {mount["name"] for _, each in pod.containers() for mount in each.get("volumeMounts", ())}
        if mounted != set(volumes):
            yield f"{where}: volumes {sorted(volumes)}, mounted {sorted(mounted)}"
        named = [("ServiceAccount", pod.spec.get("serviceAccountName"))]
        for volume in volumes.values():
            if "configMap" in volume:
                named.append(("ConfigMap", volume["configMap"]["name"]))
                if not _HASHED.fullmatch(volume["configMap"]["name"]):
                    yield f"{where}: {volume['configMap']['name']} has no hash"
            if "persistentVolumeClaim" in volume:
                named.append(("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]))
        yield from (f"{where}: there is no {kind} {name}" for kind, name in named if (kind, name) not in there)
    yield from _services_meet(manifests)


def _services_meet(manifests: Manifests) -> Iterator[str]:
    templates = [each["spec"]["template"] for each in manifests if each["kind"] == "Deployment"]
    for service in (each for each in manifests if each["kind"] == "Service"):
        for template in templates:
            labels = template["metadata"]["labels"]
            ports = {port["name"] for _, each in Pod(template).containers() for port in each.get("ports", ())}
            if not service["spec"]["selector"].items() <= labels.items():
                yield f"Service/{service['metadata']['name']}: selects nobody"
            if not {port["targetPort"] for port in service["spec"]["ports"]} <= ports:
                yield f"Service/{service['metadata']['name']}: no such port"


def _claims(manifest: Manifest) -> bool:
    pod = pod_of(manifest)
    return pod is not None and any("persistentVolumeClaim" in volume for volume in pod.spec.get("volumes", ()))


HOUSE_RULES: Sequence[HouseRule] = (
    no_api_access,
    one_identity,
    ends_in_time,
    never_two,
    has_limits,
    secrets_are_files,
    names_meet,
)


# --- network policies -------------------------------------------------------------------------------------------


def may_leave(manifests: Manifests, address: str, port: int, protocol: str = "TCP") -> bool:
    """Return whether the policies let syncd's pods reach *address*, which belongs to no pod that they name."""
    rules = _policy_rules(manifests, "Egress")
    return rules is None or any(
        {"port": port, "protocol": protocol} in rule["ports"] and any(_holds(peer, address) for peer in rule["to"])
        for rule in rules
    )


def may_enter(manifests: Manifests, namespace: Mapping[str, str], port: int) -> bool:
    """Return whether the policies let pods of a namespace with these labels reach *port* of syncd."""
    rules = _policy_rules(manifests, "Ingress")
    return rules is None or any(
        {"port": port, "protocol": "TCP"} in rule["ports"] and any(_admits(peer, namespace) for peer in rule["from"])
        for rule in rules
    )


def _policy_rules(manifests: Manifests, direction: str) -> list[Manifest] | None:
    """Return what is let by in *direction*: policies add up, and where there is none everything is."""
    policies = [each["spec"] for each in manifests if each["kind"] == "NetworkPolicy"]
    about = [policy for policy in policies if direction in policy["policyTypes"]]
    return [rule for policy in about for rule in policy.get(direction.lower(), ())] if about else None


def _admits(peer: Manifest, namespace: Mapping[str, str]) -> bool:
    return set(peer) == {"namespaceSelector"} and (
        peer["namespaceSelector"]["matchLabels"].items() <= namespace.items()
    )


def _holds(peer: Mapping[str, Any], address: str) -> bool:
    block = peer.get("ipBlock")
    if block is None:
        return False
    wanted = ipaddress.ip_address(address)
    return wanted in ipaddress.ip_network(block["cidr"]) and not any(
        wanted in ipaddress.ip_network(each) for each in block.get("except", ())
    )
