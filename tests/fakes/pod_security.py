"""Is a manifest within the restricted Pod Security Standard? Each rule of the standard is a function of its own.

The rules are those of the page "Pod Security Standards" of the Kubernetes documentation (baseline and restricted, for
Linux), as of 1.34: host fields of probes and hooks are the youngest. A rule yields what breaks it, as `where: what`.
This stands in for the admission controller, which needs a cluster.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Manifest = Mapping[str, Any]
Rule = Callable[["Pod"], Iterator[str]]

_CONTAINERS = ("initContainers", "containers", "ephemeralContainers")
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_HOOKS = ("postStart", "preStop")
_VOLUME_TYPES = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)
_SAFE_SYSCTLS = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_syncookies",
    }
)
_SELINUX_TYPES = frozenset({"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"})
_APPARMOR_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/"


class Pod:
    """A pod's metadata and specification, wherever in a manifest it stood."""

    def __init__(self, template: Manifest) -> None:
        self.annotations: Manifest = template.get("metadata", {}).get("annotations") or {}
        self.spec: Manifest = template["spec"]
        self.security: Manifest = self.spec.get("securityContext") or {}

    def containers(self) -> Iterator[tuple[str, Manifest]]:
        """Yield every container with its name, those of init and debugging too."""
        for kind in _CONTAINERS:
            for container in self.spec.get(kind) or ():
                yield str(container.get("name")), container

    def contexts(self) -> Iterator[tuple[str, Manifest]]:
        """Yield the security context of the pod and that of each container."""
        yield "pod", self.security
        for name, container in self.containers():
            yield name, container.get("securityContext") or {}


def pod_of(manifest: Manifest) -> Pod | None:
    """Return the pod that *manifest* is or makes; None where it makes none."""
    match manifest["kind"]:
        case "Pod":
            return Pod(manifest)
        case "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "ReplicationController" | "Job":
            return Pod(manifest["spec"]["template"])
        case "CronJob":
            return Pod(manifest["spec"]["jobTemplate"]["spec"]["template"])
        case _:
            return None


def violations(manifest: Manifest) -> list[str]:
    """Return what the restricted standard refuses in *manifest*, as `rule: where: what`."""
    pod = pod_of(manifest)
    return [] if pod is None else [f"{name}: {found}" for name, rule in RULES.items() for found in rule(pod)]


# --- baseline ---------------------------------------------------------------------------------------------------


def host_process(pod: Pod) -> Iterator[str]:
    """No Windows HostProcess pods."""
    for where, context in pod.contexts():
        if (context.get("windowsOptions") or {}).get("hostProcess"):
            yield f"{where}: hostProcess"


def host_namespaces(pod: Pod) -> Iterator[str]:
    """No namespaces of the node."""
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.spec.get(name):
            yield f"pod: {name}"


def privileged(pod: Pod) -> Iterator[str]:
    """No privileged containers."""
    for where, context in pod.contexts():
        if context.get("privileged"):
            yield f"{where}: privileged"


def host_path(pod: Pod) -> Iterator[str]:
    """No folders of the node."""
    for volume in pod.spec.get("volumes") or ():
        if "hostPath" in volume:
            yield f"volume {volume['name']}: hostPath"


def host_ports(pod: Pod) -> Iterator[str]:
    """No ports of the node."""
    for where, container in pod.containers():
        for port in container.get("ports") or ():
            if port.get("hostPort"):
                yield f"{where}: hostPort {port['hostPort']}"


def host_probes(pod: Pod) -> Iterator[str]:
    """No probe or hook that asks another host: the kubelet would send it (since 1.34)."""
    for where, container in pod.containers():
        lifecycle = container.get("lifecycle") or {}
        handlers = {name: container.get(name) or {} for name in _PROBES}
        handlers |= {name: lifecycle.get(name) or {} for name in _HOOKS}
        for name, handler in handlers.items():
            if any((handler.get(way) or {}).get("host") for way in ("httpGet", "tcpSocket")):
                yield f"{where}: {name}.host"


def app_armor(pod: Pod) -> Iterator[str]:
    """AppArmor is left on: by the field, or by the annotation of old."""
    for where, context in pod.contexts():
        kind = (context.get("appArmorProfile") or {}).get("type")
        if kind not in (None, "RuntimeDefault", "Localhost"):
            yield f"{where}: appArmorProfile {kind}"
    for name, value in pod.annotations.items():
        if name.startswith(_APPARMOR_ANNOTATION) and value != "runtime/default" and not value.startswith("localhost/"):
            yield f"annotation {name}: {value}"


def se_linux(pod: Pod) -> Iterator[str]:
    """SELinux keeps a container's type, and neither user nor role."""
    for where, context in pod.contexts():
        options = context.get("seLinuxOptions") or {}
        if options.get("type", "") not in _SELINUX_TYPES:
            yield f"{where}: seLinuxOptions.type {options['type']}"
        for name in ("user", "role"):
            if options.get(name):
                yield f"{where}: seLinuxOptions.{name}"


def proc_mount(pod: Pod) -> Iterator[str]:
    """/proc stays masked."""
    for where, context in pod.contexts():
        if context.get("procMount", "Default") != "Default":
            yield f"{where}: procMount {context['procMount']}"


def sysctls(pod: Pod) -> Iterator[str]:
    """Only what concerns nobody else on the node."""
    for sysctl in pod.security.get("sysctls") or ():
        if sysctl["name"] not in _SAFE_SYSCTLS:
            yield f"pod: sysctl {sysctl['name']}"


# --- restricted -------------------------------------------------------------------------------------------------


def volume_types(pod: Pod) -> Iterator[str]:
    """Only volumes that are no more than files of this pod. One without a type is an emptyDir."""
    for volume in pod.spec.get("volumes") or ():
        for kind in sorted(set(volume) - {"name"} - _VOLUME_TYPES):
            yield f"volume {volume['name']}: {kind}"


def privilege_escalation(pod: Pod) -> Iterator[str]:
    """Every container says that it gains no privileges: the default is that it may."""
    for where, container in pod.containers():
        if (container.get("securityContext") or {}).get("allowPrivilegeEscalation") is not False:
            yield f"{where}: allowPrivilegeEscalation is not false"


def run_as_non_root(pod: Pod) -> Iterator[str]:
    """Every container is told not to be root, by itself or by its pod."""
    wanted = pod.security.get("runAsNonRoot")
    for where, container in pod.containers():
        said = (container.get("securityContext") or {}).get("runAsNonRoot", wanted)
        if said is not True:
            yield f"{where}: runAsNonRoot is not true"


def run_as_user(pod: Pod) -> Iterator[str]:
    """Nobody is user 0."""
    for where, context in pod.contexts():
        if context.get("runAsUser") == 0:
            yield f"{where}: runAsUser 0"


def seccomp(pod: Pod) -> Iterator[str]:
    """Every container has a seccomp profile, its own or its pod's: without one it has none. Never Unconfined."""
    allowed = ("RuntimeDefault", "Localhost")
    of_pod = (pod.security.get("seccompProfile") or {}).get("type")
    if of_pod is not None and of_pod not in allowed:
        yield f"pod: seccompProfile {of_pod}"
    for where, container in pod.containers():
        kind = ((container.get("securityContext") or {}).get("seccompProfile") or {}).get("type", of_pod)
        if kind not in allowed:
            yield f"{where}: seccompProfile {kind}"


def capabilities(pod: Pod) -> Iterator[str]:
    """Every container gives up all capabilities, and takes back at most NET_BIND_SERVICE."""
    for where, container in pod.containers():
        named = (container.get("securityContext") or {}).get("capabilities") or {}
        if "ALL" not in (named.get("drop") or ()):
            yield f"{where}: capabilities.drop has no ALL"
        for name in sorted(set(named.get("add") or ()) - {"NET_BIND_SERVICE"}):
            yield f"{where}: capabilities.add {name}"


RULES: Mapping[str, Rule] = {
    rule.__name__: rule
    for rule in (
        host_process,
        host_namespaces,
        privileged,
        host_path,
        host_ports,
        host_probes,
        app_armor,
        se_linux,
        proc_mount,
        sysctls,
        volume_types,
        privilege_escalation,
        run_as_non_root,
        run_as_user,
        seccomp,
        capabilities,
    )
}
