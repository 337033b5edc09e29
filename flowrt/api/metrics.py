"""Metrics: figures of this process in Prometheus' text format, read when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from flowrt.api import schemas
from flowrt.api.context import Context
from flowrt.api.operation import Operation
from flowrt.core.instance import CANCELLED, COMPLETED, FAULTED

if TYPE_CHECKING:
    from prometheus_client import Metric


async def metrics(context: Context, _request: Request) -> Response:
    """All figures."""
    from prometheus_client import exposition
    from prometheus_client.registry import CollectorRegistry

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Figures(context))
    return Response(exposition.generate_latest(registry), media_type="text/plain; version=0.0.4; charset=utf-8")


class Figures:
    """Collects from what the runtime counts anyway."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def collect(self) -> Iterator[Metric]:
        """Every metric with its present value."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, SummaryMetricFamily

        host, worker = self._context.host, self._context.host.worker
        committer = worker.committer
        yield CounterMetricFamily("flowrt_instances_started", "Instances started here.", worker.begun)
        ended = CounterMetricFamily("flowrt_instances_ended", "Instances that ended here.", labels=["status"])
        for status in (COMPLETED, FAULTED, CANCELLED):
            ended.add_metric([status], self._context.ended[status])
        yield ended
        yield CounterMetricFamily("flowrt_checkpoints", "Checkpoints written.", committer.checkpoints)
        yield SummaryMetricFamily("flowrt_flush_seconds", "Flushes to the store.", committer.flushes, committer.flush_s)
        gauges = (
            ("flowrt_instances_in_memory", "Instances in memory.", worker.active),
            ("flowrt_instances_listening", "Instances that wait for events.", len(worker.index)),
            ("flowrt_instances_sleeping", "Instances that wait for a deadline.", len(worker.timers)),
            ("flowrt_instances_aside", "Instances set aside as broken.", len(worker.aside)),
            ("flowrt_effects_in_flight", "Calls, processes and the like in flight.", worker.effects),
            ("flowrt_store_up", "Whether the store takes commits.", committer.reason is None),
            ("flowrt_owner", "Whether this process owns the instances.", host.blocked is None),
            ("flowrt_restoring", "Whether the restore is not done yet.", host.restoring),
            ("flowrt_instances_restored", "Instances found at the start that had not ended.", host.restored),
        )
        for name, what, value in gauges:
            yield GaugeMetricFamily(name, what, float(value))


OPERATIONS = tuple(
    Operation(
        "GET",
        path,
        metrics,
        "Health",
        "Figures for Prometheus",
        {200: ("All figures", {schemas.TEXT: {"type": "string"}})},
        works=False,
    )
    for path in ("/metrics", "/q/metrics")
)
