"""What `kubectl kustomize` makes of deploy/kubernetes: every overlay with every set of components.

There is no API server here, so nothing is applied. Kubernetes' own objects are validated strictly against the published
schemas (kubernetes-validate). Those of the Prometheus operator have none in there: for them stands a small schema in
this file, of no more than the fields we use.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # carries no types
import kubernetes_validate  # type: ignore[import-untyped]  # carries no types
import pytest
from kubernetes_validate.utils import all_versions, major_minor  # type: ignore[import-untyped]  # carries no types

from tests.fakes.manifests import FOLDER, documents, house_violations, may_enter, may_leave, one, pods
from tests.fakes.pod_security import violations

#: The first version in which ReadWriteOncePod is stable, and the last that kubernetes-validate knows (README.md).
OLDEST, NEWEST = "1.29", "1.37"
#: kustomize 5 is in kubectl since 1.27.
KUSTOMIZE = 5
OVERLAYS = ("sqlite", "cronjob")
#: In the order in which they are to be listed.
COMPONENTS = ("servicemonitor", "prometheusrule", "networkpolicy", "eks-pod-identity")
SETS = tuple(chain.from_iterable(combinations(COMPONENTS, n) for n in range(len(COMPONENTS) + 1)))
SHARED = {("ServiceAccount", "syncd"), ("PersistentVolumeClaim", "syncd-state")}
MAKES: Mapping[str, set[tuple[str, str]]] = {
    "sqlite": {*SHARED, ("Deployment", "syncd"), ("Service", "syncd")},
    "cronjob": {*SHARED, ("CronJob", "syncd")},
    "servicemonitor": {("ServiceMonitor", "syncd")},
    "prometheusrule": {("PrometheusRule", "syncd")},
    "networkpolicy": {("NetworkPolicy", "syncd"), ("NetworkPolicy", "syncd-default-deny")},
    "eks-pod-identity": set(),
}
AGENT, IMDS = "169.254.170.23", "169.254.169.254"

TEXT = {"type": "string", "minLength": 1}
TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
DURATION = {"type": "string", "pattern": r"^([0-9]+(ms|s|m|h|d|w|y))+$"}


def strictly(required: list[str], **properties: object) -> dict[str, object]:
    return {"type": "object", "required": required, "additionalProperties": False, "properties": properties}


def custom(kind: str, spec: object) -> dict[str, object]:
    metadata = strictly(["name"], name=TEXT, namespace=TEXT, labels=TEXTS)
    version = {"const": "monitoring.coreos.com/v1"}
    return strictly(
        ["apiVersion", "kind", "metadata", "spec"],
        apiVersion=version,
        kind={"const": kind},
        metadata=metadata,
        spec=spec,
    )


ENDPOINT = strictly(["port"], port=TEXT, path=TEXT, interval=DURATION, scrapeTimeout=DURATION)
ALERT = strictly(["alert", "expr"], alert=TEXT, expr=TEXT, labels=TEXTS, annotations=TEXTS, **{"for": DURATION})
RECORD = strictly(["record", "expr"], record=TEXT, expr=TEXT, labels=TEXTS)
RULES = {"type": "array", "minItems": 1, "items": {"oneOf": [ALERT, RECORD]}}
GROUP = strictly(["name", "rules"], name=TEXT, interval=DURATION, rules=RULES)
CUSTOM = {
    "ServiceMonitor": custom(
        "ServiceMonitor",
        strictly(
            ["selector", "endpoints"],
            selector=strictly(["matchLabels"], matchLabels=TEXTS),
            endpoints={"type": "array", "minItems": 1, "items": ENDPOINT},
        ),
    ),
    "PrometheusRule": custom(
        "PrometheusRule", strictly(["groups"], groups={"type": "array", "minItems": 1, "items": GROUP})
    ),
}


def kustomize(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `kubectl kustomize`, which asks nobody."""
    return subprocess.run(["kubectl", "kustomize", str(folder)], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module", autouse=True)
def kubectl() -> None:
    """Skip without a kubectl that can do it; Debian has none."""
    how = f"needs kubectl 1.27 or newer, which has kustomize {KUSTOMIZE}; that of Debian 12 (1.20) knows no components"
    if not shutil.which("kubectl"):
        pytest.skip(how)
    asked = ["kubectl", "version", "--client", "--output=json"]
    said = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    version = str(json.loads(said or "{}").get("kustomizeVersion", "v0"))
    if int(version.removeprefix("v").split(".")[0]) < KUSTOMIZE:
        pytest.skip(f"{how}; this one has {version}")


@dataclass(frozen=True, slots=True)
class Bench:
    """A copy of deploy/kubernetes in which tests add kustomizations of their own."""

    folder: Path

    def render(self, *lines: str, name: str = "mine") -> str:
        """Return what becomes of a kustomization that says *lines*."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        head = ["apiVersion: kustomize.config.k8s.io/v1beta1", "kind: Kustomization"]
        (folder / "kustomization.yaml").write_text("\n".join([*head, *lines, ""]), encoding="utf-8")
        done = kustomize(folder)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return done.stdout

    def combine(self, overlay: str, components: tuple[str, ...], *more: str) -> str:
        """Return an overlay with components, in the namespace syncd."""
        listed = ", ".join(f"../components/{each}" for each in components)
        lines = ["namespace: syncd", f"resources: [../overlays/{overlay}]", f"components: [{listed}]", *more]
        return self.render(*lines, name="-".join(["with", overlay, *components]))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    shutil.copytree(FOLDER, tmp_path / "kubernetes")
    return Bench(tmp_path / "kubernetes")


@pytest.fixture(scope="module")
def renders(tmp_path_factory: pytest.TempPathFactory) -> Mapping[tuple[str, tuple[str, ...]], list[Any]]:
    """Every overlay with every set of components."""
    copied = Bench(tmp_path_factory.mktemp("all") / "kubernetes")
    shutil.copytree(FOLDER, copied.folder)
    keys = [(overlay, components) for overlay in OVERLAYS for components in SETS]
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(keys, pool.map(lambda key: documents(copied.combine(*key)), keys), strict=True))


@pytest.fixture(scope="module")
def example() -> list[Any]:
    """The example as it lies there."""
    done = kustomize(FOLDER / "example")
    assert done.returncode == 0, done.stderr
    return documents(done.stdout)


@pytest.fixture(scope="module")
def distinct(renders: Mapping[object, list[Any]], example: list[Any]) -> list[Any]:
    """Every manifest that any render has, once."""
    everything = chain(example, *renders.values())
    return list({json.dumps(each, sort_keys=True): each for each in everything}.values())


def test_every_combination_makes_what_it_should(renders: Mapping[tuple[str, tuple[str, ...]], list[Any]]) -> None:
    """Each overlay and component adds its own objects, nothing else, all in the namespace."""
    assert len(renders) == 32
    for (overlay, components), manifests in renders.items():
        made = {(each["kind"], each["metadata"]["name"]) for each in manifests if each["kind"] != "ConfigMap"}
        assert made == set().union(*(MAKES[name] for name in (overlay, *components)))
        assert [each["kind"] for each in manifests].count("ConfigMap") == 1
        assert {each["metadata"]["namespace"] for each in manifests} == {"syncd"}


def test_every_combination_is_restricted(renders: Mapping[object, list[Any]], example: list[Any]) -> None:
    """No pod of any combination breaks the restricted standard, or what we ask beyond it."""
    for manifests in (*renders.values(), example):
        assert [found for each in manifests for found in violations(each)] == []
        assert house_violations(manifests) == []
        assert len(list(pods(manifests))) == 1


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_every_object_is_valid(version: str, distinct: list[Any]) -> None:
    """Every object of Kubernetes' own is as its schema wants it, with no field that the schema doesn't know."""
    own = [each for each in distinct if each["kind"] not in CUSTOM]

    assert {each["kind"] for each in own} == {
        *(kind for made in MAKES.values() for kind, _ in made if kind not in CUSTOM),
        "ConfigMap",
        "Namespace",
    }
    for manifest in own:
        assert kubernetes_validate.validate(manifest, version, strict=True) == version


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize(
    "change",
    [{"livenessProbes": {}}, {"image": 5}, {"securityContext": {"readOnlyRootFileSystem": True}}],
)
def test_what_is_misspelt_is_invalid(version: str, change: Mapping[str, object], distinct: list[Any]) -> None:
    """The schemas of both versions refuse an unknown field and a wrong type, so that passing means something."""
    deployment = json.loads(json.dumps(next(each for each in distinct if each["kind"] == "Deployment")))
    deployment["spec"]["template"]["spec"]["containers"][0] |= change

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, version, strict=True)


def test_the_newest_version_is_the_newest() -> None:
    """kubernetes-validate knows the versions that the README names, and none that is newer."""
    known = [major_minor(version) for version in all_versions()]

    assert OLDEST in known
    assert known[-1] == NEWEST
    assert f"1.29 to {NEWEST}" in (FOLDER / "README.md").read_text(encoding="utf-8")


def test_the_objects_of_the_operator_are_well_formed(distinct: list[Any]) -> None:
    """ServiceMonitor and PrometheusRule have the fields that we know of their schema, and no other."""
    found = {each["kind"]: each for each in distinct if each["kind"] in CUSTOM}

    assert set(found) == set(CUSTOM)
    for kind, manifest in found.items():
        jsonschema.validate(manifest, CUSTOM[kind])
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**manifest, "spec": {**manifest["spec"], "namespaces": []}}, CUSTOM[kind])


def test_the_monitor_finds_the_service(renders: Mapping[tuple[str, tuple[str, ...]], list[Any]]) -> None:
    """Labels and port of the ServiceMonitor are those of the daemon's Service."""
    manifests = renders["sqlite", COMPONENTS]
    monitor, service = one(manifests, "ServiceMonitor"), one(manifests, "Service")
    [endpoint] = monitor["spec"]["endpoints"]

    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    assert endpoint["path"] == "/metrics"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_network_lets_by_what_is_needed(
    overlay: str, renders: Mapping[tuple[str, tuple[str, ...]], list[Any]]
) -> None:
    """LDAPS and HTTPS go out, never to the metadata service; Prometheus comes in from its own namespace only."""
    closed = renders[overlay, ("networkpolicy",)]
    opened = renders[overlay, ("networkpolicy", "eks-pod-identity")]
    monitoring, others = ({"kubernetes.io/metadata.name": name} for name in ("monitoring", "default"))

    for manifests in (closed, opened):
        assert [may_leave(manifests, "10.1.2.3", port) for port in (636, 443)] == [True, True]
        assert may_leave(manifests, "2001:db8::1", 443)
        assert not any(may_leave(manifests, "10.1.2.3", port) for port in (389, 80, 5432, 22, 9780))
        assert not any(may_leave(manifests, IMDS, port) for port in (80, 443))
        assert not any(may_leave(manifests, "fd00:ec2::254", port) for port in (80, 443))
        assert not may_leave(manifests, AGENT, 443)
        assert may_enter(manifests, monitoring, 9780)
        assert not may_enter(manifests, others, 9780)
        assert not may_enter(manifests, monitoring, 8080)
    assert [may_leave(manifests, AGENT, 80) for manifests in (closed, opened)] == [False, True]
    assert [may_leave(manifests, "fd00:ec2::23", 80) for manifests in (closed, opened)] == [False, True]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_names_are_asked_of_the_cluster_only(
    overlay: str, renders: Mapping[tuple[str, tuple[str, ...]], list[Any]]
) -> None:
    """DNS goes to the cluster's own servers, over UDP and TCP, and to nobody else."""
    policy = one(renders[overlay, ("networkpolicy",)], "NetworkPolicy")
    [dns] = [rule for rule in policy["spec"]["egress"] if any(port["port"] == 53 for port in rule["ports"])]

    assert {port["protocol"] for port in dns["ports"]} == {"UDP", "TCP"}
    assert [set(peer) for peer in dns["to"]] == [{"namespaceSelector", "podSelector"}]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_policy_is_about_the_pod(overlay: str, renders: Mapping[tuple[str, tuple[str, ...]], list[Any]]) -> None:
    """Both policies select the pod of the overlay, and name both directions, so that what they don't say is denied."""
    manifests = renders[overlay, ("networkpolicy",)]
    maker = one(manifests, "Deployment" if overlay == "sqlite" else "CronJob")
    spec = maker["spec"] if overlay == "sqlite" else maker["spec"]["jobTemplate"]["spec"]
    labels = spec["template"]["metadata"]["labels"]

    for name in ("syncd", "syncd-default-deny"):
        policy = one(manifests, "NetworkPolicy", name)["spec"]
        assert policy["podSelector"]["matchLabels"].items() <= labels.items()
        assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert set(one(manifests, "NetworkPolicy", "syncd-default-deny")["spec"]) == {"podSelector", "policyTypes"}


def test_the_wrong_order_opens_nothing(bench: Bench) -> None:
    """Pod Identity listed before the policy it changes: the agent can't be reached, and nothing else is open either."""
    manifests = documents(bench.combine("sqlite", ("eks-pod-identity", "networkpolicy")))

    assert not may_leave(manifests, AGENT, 80)
    assert may_leave(manifests, "10.1.2.3", 443)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_another_configuration_is_another_pod(overlay: str, bench: Bench) -> None:
    """A changed syncd.yaml gives the ConfigMap another name, and the pod names it: so the change is rolled out."""
    names = []
    for level in ("info", "debug"):
        (bench.folder / f"with-{overlay}").mkdir(exist_ok=True)
        config = bench.folder / f"with-{overlay}" / "syncd.yaml"
        config.write_text(f"log: {{level: {level}}}\n", encoding="utf-8")
        more = "configMapGenerator: [{name: syncd-config, behavior: replace, files: [syncd.yaml]}]"
        manifests = documents(bench.combine(overlay, (), more))
        [config_map] = [each for each in manifests if each["kind"] == "ConfigMap"]
        [(_, pod)] = pods(manifests)
        assert config_map["data"] == {"syncd.yaml": f"log: {{level: {level}}}\n"}
        assert pod.spec["volumes"][[v["name"] for v in pod.spec["volumes"]].index("config")] == {
            "name": "config",
            "configMap": {"name": config_map["metadata"]["name"]},
        }
        names.append(config_map["metadata"]["name"])

    assert len(set(names)) == 2


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_image_can_be_another(overlay: str, bench: Bench) -> None:
    """One `images:` entry of a kustomization on top names registry and version of whatever runs."""
    image = "images: [{name: syncd, newName: registry.corp.example/syncd, newTag: '0.2.0'}]"
    [(_, pod)] = pods(documents(bench.combine(overlay, (), image)))
    [(_, plain)] = pods(documents(bench.combine(overlay, ())))

    assert [each["image"] for _, each in pod.containers()] == ["registry.corp.example/syncd:0.2.0"]
    assert [each["image"] for _, each in plain.containers()] == ["syncd:0.1.0"]


def test_the_example_enforces_the_standard(example: list[Any]) -> None:
    """Its namespace refuses pods that aren't restricted, and everything else is within it."""
    namespace = one(example, "Namespace")
    labels = namespace["metadata"]["labels"]

    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert {each["metadata"].get("namespace") for each in example if each is not namespace} == {"syncd"}


def test_the_configuration_of_every_render_is_right(distinct: list[Any], tmp_path: Path) -> None:
    """What lies in each ConfigMap passes `syncd check`, with the Secret's file beside it."""
    (tmp_path / "ldap-password").write_text("a secret\n", encoding="utf-8")
    config_maps = [each for each in distinct if each["kind"] == "ConfigMap"]

    assert len(config_maps) == 2
    for config_map in config_maps:
        text = config_map["data"]["syncd.yaml"].replace("/run/secrets/syncd", str(tmp_path))
        (tmp_path / "syncd.yaml").write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", "syncd", "check", "--config", str(tmp_path / "syncd.yaml")]
        done = subprocess.run(command, cwd=FOLDER.parents[1], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")


def readme_snippets() -> Iterator[str]:
    """The pieces of YAML that the READMEs tell to put into a kustomization."""
    for folder in (FOLDER, FOLDER.parent / "iam"):
        text = (folder / "README.md").read_text(encoding="utf-8")
        for block in text.split("```yaml\n")[1:]:
            yield block.split("```")[0]


def test_what_the_readme_tells_to_write_works(bench: Bench) -> None:
    """Each snippet of the READMEs, put into a kustomization, changes something and keeps to every rule."""
    networked = ("components:", "  - ../components/networkpolicy")
    snippets = list(readme_snippets())
    assert len(snippets) > 5

    for number, snippet in enumerate(snippets):
        changed = []
        for overlay in OVERLAYS:
            lines = ("resources:", f"  - ../overlays/{overlay}", *networked)
            plain, mine = bench.folder / f"plain-{number}-{overlay}", bench.folder / f"mine-{number}-{overlay}"
            mine.mkdir()
            (mine / "ca.pem").write_text("a certificate\n", encoding="utf-8")
            (mine / "syncd.yaml").write_text("store: a\n", encoding="utf-8")
            manifests = documents(bench.render(*lines, snippet, name=mine.name))
            assert [found for each in manifests for found in violations(each)] == []
            assert house_violations(manifests) == []
            changed.append(manifests != documents(bench.render(*lines, name=plain.name)))
        assert any(changed), snippet
