"""What a metric is: its name, its labels with the values they may have, and when its series exist.

A series that can be known beforehand exists from the start (0, not absent), so that `rate()` and `absent()`
work. A label whose values nobody knows beforehand (`code`) has none here, and its series come with the first event.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics_core import Metric

#: The label of everything that belongs to one organization.
ORGANIZATION = "organization"
Instrument = TypeVar("Instrument", Counter, Gauge, Histogram)


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One metric as its readers know it; *labels* map each label to its values, none where they aren't known.

    *in_files*: whether a run of one command can know its value. What only a process that stays can know would
    be a 0 that lies, and a counter that begins anew with each run says nothing.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    meaning: str
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    in_files: bool = False

    @property
    def family(self) -> str:
        """Return the name under which a registry collects it."""
        return self.name.removesuffix("_total") if self.kind == "counter" else self.name


class Catalogue:
    """Makes metrics on *registry*, remembers what they are, and begins and ends the series of an organization.

    Without *from_start* a series exists only once it has a value.
    """

    def __init__(self, registry: CollectorRegistry, *, from_start: bool = True) -> None:
        self._registry = registry
        self._from_start = from_start
        self._made: list[tuple[Definition, Counter | Gauge | Histogram]] = []

    @property
    def definitions(self) -> tuple[Definition, ...]:
        """Return all that was made."""
        return tuple(definition for definition, _ in self._made)

    def counter(self, name: str, meaning: str, **labels: Sequence[str]) -> Counter:
        """Make the counter *name* (`..._total`)."""
        made = Counter(name, meaning, list(labels), registry=self._registry)
        return self._add(made, Definition(name=name, kind="counter", meaning=meaning, labels=_frozen(labels)))

    def gauge(self, name: str, meaning: str, *, in_files: bool = True, **labels: Sequence[str]) -> Gauge:
        """Make the gauge *name*."""
        made = Gauge(name, meaning, list(labels), registry=self._registry)
        if not labels and not self._from_start:
            made.set(math.nan)
        known = _frozen(labels)
        definition = Definition(name=name, kind="gauge", meaning=meaning, labels=known, in_files=in_files)
        return self._add(made, definition)

    def histogram(self, name: str, meaning: str, *, buckets: Sequence[float], **labels: Sequence[str]) -> Histogram:
        """Make the histogram *name* with these upper limits."""
        made = Histogram(name, meaning, list(labels), buckets=buckets, registry=self._registry)
        return self._add(made, Definition(name=name, kind="histogram", meaning=meaning, labels=_frozen(labels)))

    def begin(self, organization: str) -> None:
        """Let the series of *organization* exist, as far as their labels are known."""
        for definition, instrument in self._of_organizations():
            self._start(instrument, {**definition.labels, ORGANIZATION: (organization,)})

    def end(self, organization: str) -> None:
        """Let the series of *organization* be gone."""
        for _, instrument in self._of_organizations():
            instrument.remove_by_labels({ORGANIZATION: organization})

    def known_to_one_run(self) -> Iterator[Metric]:
        """Yield, of what the registry holds, what a run of one command knows."""
        wanted = {definition.family for definition in self.definitions if definition.in_files}
        for metric in self._registry.collect():
            metric.samples = [sample for sample in metric.samples if not math.isnan(sample.value)]
            if metric.name in wanted and metric.samples:
                yield metric

    def _of_organizations(self) -> Iterator[tuple[Definition, Counter | Gauge | Histogram]]:
        return (made for made in self._made if ORGANIZATION in made[0].labels)

    def _add(self, instrument: Instrument, definition: Definition) -> Instrument:
        self._made.append((definition, instrument))
        if definition.labels and ORGANIZATION not in definition.labels:
            self._start(instrument, definition.labels)
        return instrument

    def _start(self, instrument: Counter | Gauge | Histogram, labels: Mapping[str, tuple[str, ...]]) -> None:
        if self._from_start:
            for values in itertools.product(*labels.values()):
                instrument.labels(*values)


def _frozen(labels: Mapping[str, Sequence[str]]) -> Mapping[str, tuple[str, ...]]:
    return {label: tuple(values) for label, values in labels.items()}
