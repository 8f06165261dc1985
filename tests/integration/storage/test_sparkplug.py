"""Edge nodes and devices of Sparkplug as rows."""

import threading
from datetime import UTC, datetime

import pytest

from domain.project import ProjectClass, ProjectKind
from storage.database import Database
from storage.project import put_project
from storage.sparkplug import (
    MetricDefinition,
    SourceKey,
    SparkplugSource,
    find_known_groups,
    list_sparkplug_sources,
    lock_sparkplug_sources,
    put_sparkplug_sources,
)
from tests.integration.iot.conftest import DEADLINE_S, wait_until
from tests.integration.iot.test_collector import is_somebody_waiting

AT = datetime(2026, 7, 1, tzinfo=UTC)
NODE, PIER, OTHER = SourceKey("b1", "gw", ""), SourceKey("b1", "gw", "pier"), SourceKey("b1", "gw2", "")


@pytest.fixture
def project(database: Database) -> Database:
    """A database with project b1."""
    with database.transaction() as connection:
        put_project(
            connection,
            project_id="b1",
            name="Stone bridge",
            kind=ProjectKind.BRIDGE,
            area="county/town",
            contractor=None,
            starts_on=None,
            ends_on=None,
            time_zone="Asia/Shanghai",
            position=None,
            project_class=ProjectClass.B,
            public_code="code-b1",
        )
    return database


def make_source(key: SourceKey, *metrics: MetricDefinition) -> SparkplugSource:
    """One that is online."""
    return SparkplugSource(key, is_online=True, since=AT, bd_seq=-1, valid_from=AT, metrics=metrics)


def put(database: Database, *sources: SparkplugSource) -> None:
    """Keep these in a transaction of its own."""
    with database.transaction() as connection:
        put_sparkplug_sources(connection, sources=sources)


def lock(database: Database, *nodes: SourceKey, with_metrics: tuple[SourceKey, ...] = ()) -> list[SparkplugSource]:
    """Those of these nodes, in a transaction of its own."""
    with database.transaction() as connection:
        found = lock_sparkplug_sources(connection, nodes=[each[:2] for each in nodes], with_metrics=with_metrics)
    return sorted(found, key=lambda each: each.key)


def test_lock_sparkplug_sources__definitions_where_asked_for(project: Database) -> None:
    """A node comes with all its devices, and the definitions of those that are asked for; other nodes do not come."""
    largest = MetricDefinition("level", 2**64 - 1, 10)
    node, pier = make_source(NODE, largest, MetricDefinition(None, 0, None)), make_source(PIER, largest)
    put(project, pier, node, make_source(OTHER))
    found = lock(project, NODE, with_metrics=(PIER,))
    assert [(each.key, each.metrics) for each in found] == [(NODE, None), (PIER, (largest,))]
    with project.transaction() as connection:
        assert list_sparkplug_sources(connection, project_id="b1")[:2] == [node, pier]
    put(project, found[0])  # without definitions those that are there stay
    assert lock(project, NODE, with_metrics=(NODE,))[0] == node


def test_put_sparkplug_sources__group_that_is_no_project(project: Database) -> None:
    """It is left out."""
    put(project, make_source(SourceKey("b9", "gw", "")))
    with project.transaction() as connection:
        assert list_sparkplug_sources(connection, project_id="b9") == []
        assert find_known_groups(connection, groups=["b1", "b9"]) == {"b1"}


@pytest.mark.parametrize("is_known", [True, False])
def test_lock_sparkplug_sources__held_by_another(project: Database, *, is_known: bool) -> None:
    """Who comes second waits, also for a node that has no row yet, and then sees what the first one kept."""
    if is_known:
        put(project, make_source(NODE))
    seen: list[list[SparkplugSource]] = []
    second = threading.Thread(target=lambda: seen.append(lock(project, NODE, OTHER)))
    with project.transaction() as connection:
        lock_sparkplug_sources(connection, nodes=[NODE[:2]], with_metrics=[])
        second.start()
        wait_until(lambda: is_somebody_waiting(project), what="the second one")
        put_sparkplug_sources(connection, sources=[make_source(PIER)])
        assert seen == []
    second.join(DEADLINE_S)
    assert PIER in {each.key for each in seen[0]}
