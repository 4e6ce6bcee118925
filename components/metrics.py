"""Metrics of CloudWatch, and the alarms on them, as data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import pulumi

Dimensions = Mapping[str, pulumi.Input[str]]


class Metric(NamedTuple):
    """A CloudWatch metric with one statistic."""

    namespace: str
    name: str
    stat: str
    dimensions: Dimensions


class Source(NamedTuple):
    """A resource with metrics: their namespace, and the dimensions that select the resource."""

    namespace: str
    dimensions: Dimensions

    def where(self, **dimensions: str) -> "Source":
        """Return the part of the resource that more dimensions select."""
        return Source(self.namespace, {**self.dimensions, **dimensions})

    def of(self, name: str, stat: str = "Sum") -> Metric:
        """Return a metric of the resource."""
        return Metric(self.namespace, name, stat, self.dimensions)


class Formula(NamedTuple):
    """A metric that CloudWatch computes from others, by their names in the expression."""

    expression: str
    metrics: Mapping[str, Metric]


@dataclass(frozen=True)
class Alarm:
    """An alarm on a metric at or above `threshold`, or below it if `below`.

    `section` is the alarm's heading in docs/operations.md. It begins the name, which ends in `of`,
    the part of the stack. The alarm fires after `datapoints` of the last `periods` periods of
    `period_s` seconds. Missing data breaches only a threshold from `below`, since an idle service
    reports no metric. A failure rate is the average of a metric with 1 per failed call and 0 per
    other call.
    """

    section: str
    description: str
    metric: Metric | Formula
    threshold: float
    of: str = ""
    period_s: int = 60
    periods: int = 5
    datapoints: int = 3
    below: bool = False

    @property
    def name(self) -> str:
        """The name without the stack's prefix."""
        return f"{self.section}-{self.of}" if self.of else self.section
