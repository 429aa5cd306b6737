"""The checker of the restricted Pod Security Standard: one good pod, and one bad one for each thing it refuses."""

import copy
from typing import Any

import pytest

from tests.fakes.pod_security import RULES, pod_of, violations

GOOD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "good"},
    "spec": {
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
        "initContainers": [{"name": "first"}],
        "containers": [{"name": "main"}],
        "volumes": [{"name": "tmp", "emptyDir": {}}, {"name": "config", "configMap": {"name": "a"}}],
    },
}
for _containers in ("initContainers", "containers"):
    GOOD["spec"][_containers][0]["securityContext"] = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }

CONTEXT = "spec.containers.0.securityContext"
INIT = "spec.initContainers.0.securityContext"
ANNOTATION = {"container.apparmor.security.beta.kubernetes.io/main": "unconfined"}
#: Where, what stands there, and the rules that refuse it. REMOVED: nothing stands there any more.
REMOVED = object()
BAD = [
    ("spec.securityContext.windowsOptions", {"hostProcess": True}, {"host_process"}),
    (f"{CONTEXT}.windowsOptions", {"hostProcess": True}, {"host_process"}),
    ("spec.hostNetwork", True, {"host_namespaces"}),
    ("spec.hostPID", True, {"host_namespaces"}),
    ("spec.hostIPC", True, {"host_namespaces"}),
    (f"{CONTEXT}.privileged", True, {"privileged"}),
    (f"{INIT}.privileged", True, {"privileged"}),
    ("spec.volumes.0", {"name": "tmp", "hostPath": {"path": "/"}}, {"host_path", "volume_types"}),
    ("spec.containers.0.ports", [{"containerPort": 9780, "hostPort": 9780}], {"host_ports"}),
    ("spec.containers.0.livenessProbe", {"httpGet": {"port": 80, "host": "169.254.169.254"}}, {"host_probes"}),
    ("spec.containers.0.startupProbe", {"tcpSocket": {"port": 80, "host": "10.0.0.1"}}, {"host_probes"}),
    ("spec.containers.0.lifecycle", {"preStop": {"httpGet": {"port": 80, "host": "db"}}}, {"host_probes"}),
    (f"{CONTEXT}.appArmorProfile", {"type": "Unconfined"}, {"app_armor"}),
    ("spec.securityContext.appArmorProfile", {"type": "Unconfined"}, {"app_armor"}),
    ("metadata.annotations", ANNOTATION, {"app_armor"}),
    ("spec.securityContext.seLinuxOptions", {"type": "spc_t"}, {"se_linux"}),
    (f"{CONTEXT}.seLinuxOptions", {"user": "root"}, {"se_linux"}),
    (f"{CONTEXT}.seLinuxOptions", {"role": "sysadm_r"}, {"se_linux"}),
    (f"{CONTEXT}.procMount", "Unmasked", {"proc_mount"}),
    ("spec.securityContext.sysctls", [{"name": "kernel.msgmax", "value": "1"}], {"sysctls"}),
    ("spec.volumes.0", {"name": "tmp", "nfs": {"server": "a", "path": "/"}}, {"volume_types"}),
    ("spec.volumes.0", {"name": "tmp", "gitRepo": {"repository": "a"}}, {"volume_types"}),
    ("spec.volumes.0", {"name": "tmp", "awsElasticBlockStore": {"volumeID": "a"}}, {"volume_types"}),
    (f"{CONTEXT}.allowPrivilegeEscalation", True, {"privilege_escalation"}),
    (f"{CONTEXT}.allowPrivilegeEscalation", REMOVED, {"privilege_escalation"}),
    (f"{INIT}.allowPrivilegeEscalation", REMOVED, {"privilege_escalation"}),
    ("spec.securityContext.runAsNonRoot", REMOVED, {"run_as_non_root"}),
    ("spec.securityContext.runAsNonRoot", False, {"run_as_non_root"}),
    (f"{CONTEXT}.runAsNonRoot", False, {"run_as_non_root"}),
    ("spec.securityContext.runAsUser", 0, {"run_as_user"}),
    (f"{INIT}.runAsUser", 0, {"run_as_user"}),
    ("spec.securityContext.seccompProfile", REMOVED, {"seccomp"}),
    ("spec.securityContext.seccompProfile", {"type": "Unconfined"}, {"seccomp"}),
    (f"{CONTEXT}.seccompProfile", {"type": "Unconfined"}, {"seccomp"}),
    (f"{CONTEXT}.capabilities", REMOVED, {"capabilities"}),
    (f"{CONTEXT}.capabilities.drop", ["NET_RAW"], {"capabilities"}),
    (f"{CONTEXT}.capabilities.add", ["SYS_ADMIN"], {"capabilities"}),
    (f"{INIT}.capabilities.drop", [], {"capabilities"}),
    ("spec.containers.0.securityContext", REMOVED, {"privilege_escalation", "capabilities"}),
    ("spec.ephemeralContainers", [{"name": "debugger"}], {"privilege_escalation", "capabilities"}),
]
#: What looks suspicious and is allowed.
FINE = [
    (f"{CONTEXT}.capabilities.add", ["NET_BIND_SERVICE"]),
    (f"{CONTEXT}.seccompProfile", {"type": "Localhost", "localhostProfile": "mine.json"}),
    (f"{CONTEXT}.appArmorProfile", {"type": "RuntimeDefault"}),
    (f"{CONTEXT}.procMount", "Default"),
    (f"{CONTEXT}.privileged", False),
    ("spec.securityContext.seLinuxOptions", {"type": "container_t", "level": "s0:c1"}),
    ("spec.securityContext.sysctls", [{"name": "net.ipv4.tcp_syncookies", "value": "1"}]),
    ("spec.containers.0.ports", [{"containerPort": 9780, "hostPort": 0}]),
    ("spec.containers.0.livenessProbe", {"httpGet": {"port": 80, "path": "/livez"}}),
    ("spec.volumes.0", {"name": "tmp"}),
    ("spec.hostNetwork", False),
]


def changed(path: str, value: object) -> dict[str, Any]:
    """The good pod, but with *value* at *path*."""
    pod = copy.deepcopy(GOOD)
    here: Any = pod
    *folders, last = (int(part) if part.isdigit() else part for part in path.split("."))
    for part in folders:
        here = here[part]
    if value is REMOVED:
        del here[last]
    else:
        here[last] = value
    return pod


def test_a_good_pod_passes() -> None:
    """What keeps to every rule is refused by none."""
    assert violations(GOOD) == []


@pytest.mark.parametrize(("path", "value", "rules"), BAD, ids=[f"{path}-{n}" for n, (path, _, _) in enumerate(BAD)])
def test_a_bad_pod_is_refused_for_the_right_reason(path: str, value: object, rules: set[str]) -> None:
    """Each deviation is found by the rules that are about it, and by no other."""
    assert {found.split(":")[0] for found in violations(changed(path, value))} == rules


@pytest.mark.parametrize(("path", "value"), FINE, ids=[path for path, _ in FINE])
def test_what_is_allowed_passes(path: str, value: object) -> None:
    """The rules refuse no more than the standard does."""
    assert violations(changed(path, value)) == []


def test_every_rule_has_a_pod_that_it_refuses() -> None:
    """No rule is without a case: one that never speaks would not be missed."""
    assert {rule for _, _, rules in BAD for rule in rules} == set(RULES)


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("Deployment", {"template": {"spec": {"hostPID": True}}}),
        ("StatefulSet", {"template": {"spec": {"hostPID": True}}}),
        ("DaemonSet", {"template": {"spec": {"hostPID": True}}}),
        ("Job", {"template": {"spec": {"hostPID": True}}}),
        ("CronJob", {"jobTemplate": {"spec": {"template": {"spec": {"hostPID": True}}}}}),
        ("Pod", {"hostPID": True}),
    ],
)
def test_a_pod_is_found_wherever_it_is_made(kind: str, spec: object) -> None:
    """A bad pod can't hide in what makes it."""
    assert violations({"kind": kind, "spec": spec}) == ["host_namespaces: pod: hostPID"]


def test_what_makes_no_pod_has_nothing_to_refuse() -> None:
    """A ConfigMap is neither good nor bad."""
    assert pod_of({"kind": "ConfigMap"}) is None
    assert violations({"kind": "ConfigMap"}) == []
