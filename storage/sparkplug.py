"""Edge nodes and devices of Sparkplug as rows: whether they are online, and what their last births defined.

In the database, so that a collector that was restarted, and every other collector, understands aliases.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from storage.database import Connection
from storage.query import load_queries

_QUERIES: Final = load_queries("sparkplug")


class MetricDefinition(NamedTuple):
    """What a birth said of one metric.

    Attributes:
        name: None where no sensor can have it.
        alias: of 64 bits, without a sign.
        datatype: number of Sparkplug's enumeration.
    """

    name: str | None
    alias: int | None
    datatype: int | None


class SourceKey(NamedTuple):
    """An edge node, or one of its devices; `device_id` is empty for the node itself."""

    group_id: str
    node_id: str
    device_id: str


@dataclass(frozen=True, slots=True)
class SparkplugSource:
    """What is known of an edge node or device.

    Attributes:
        since: since when it has been online, or offline, by the arrival of its birth or death. UTC.
        bd_seq: of the node's last birth or death, which belong together by it; None where it is not known, and for
            devices.
        valid_from: data that arrived before may be of another session, and its aliases mean nothing. UTC.
        metrics: of its last birth; None where they were not asked for.
    """

    key: SourceKey
    is_online: bool
    since: datetime
    bd_seq: int | None
    valid_from: datetime
    metrics: tuple[MetricDefinition, ...] | None


def lock_sparkplug_sources(
    connection: Connection, *, nodes: Collection[tuple[str, str]], with_metrics: Collection[SourceKey]
) -> list[SparkplugSource]:
    """These edge nodes, known or not, with all their devices, kept from other collectors until this transaction ends.

    Args:
        connection: of the caller's transaction.
        nodes: (group, node).
        with_metrics: those of which the definitions are needed as well.
    """
    ordered = list(nodes)
    values = {
        "groups": [group for group, _ in ordered],
        "nodes": [node for _, node in ordered],
        "metric_groups": [key.group_id for key in with_metrics],
        "metric_nodes": [key.node_id for key in with_metrics],
        "metric_devices": [key.device_id for key in with_metrics],
    }
    connection.execute(_QUERIES["lock_nodes"], values)
    with connection.cursor(row_factory=dict_row) as cursor:
        return [_source(row) for row in cursor.execute(_QUERIES["list_sources_of_nodes"], values)]


def find_known_groups(connection: Connection, *, groups: Collection[str]) -> set[str]:
    """Those of these groups that are projects."""
    return {row[0] for row in connection.execute(_QUERIES["find_known_groups"], {"groups": list(groups)})}


def put_sparkplug_sources(connection: Connection, *, sources: Sequence[SparkplugSource]) -> None:
    """Keep these; where `metrics` is None, those that are there stay. Groups that are no project are left out."""
    values = [
        {
            "group_id": each.key.group_id,
            "node_id": each.key.node_id,
            "device_id": each.key.device_id,
            "is_online": each.is_online,
            "since": each.since,
            "bd_seq": each.bd_seq,
            "valid_from": each.valid_from,
            "metrics": None if each.metrics is None else Jsonb([list(metric) for metric in each.metrics]),
        }
        for each in sorted(sources, key=lambda source: source.key)
    ]
    if values:
        with connection.cursor() as cursor:
            cursor.executemany(_QUERIES["put_source"], values)


def list_sparkplug_sources(connection: Connection, *, project_id: str) -> list[SparkplugSource]:
    """The edge nodes and devices of a project with their definitions, in the order of their names."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return [_source(row) for row in cursor.execute(_QUERIES["list_sources"], {"group_id": project_id})]


def _source(row: dict[str, Any]) -> SparkplugSource:
    metrics = row.pop("metrics")
    key = SourceKey(row.pop("group_id"), row.pop("node_id"), row.pop("device_id"))
    return SparkplugSource(
        **row, key=key, metrics=None if metrics is None else tuple(MetricDefinition(*each) for each in metrics)
    )
