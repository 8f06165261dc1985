"""Where each sensor's alarm stands, as rows. What a state means is `iot.alarms`' to say."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from psycopg.types.json import Jsonb

from storage.database import Connection
from storage.query import load_queries

_QUERIES: Final = load_queries("alarm_state")


def lock_alarm_states(connection: Connection, *, sensor_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The states of these sensors, held until the transaction ends, so that two collectors judge one after the other.

    Returns:
        By sensor id; an empty state for a sensor that had none.
    """
    values = {"sensor_ids": list(sensor_ids)}
    connection.execute(_QUERIES["make_alarm_states"], values)
    return dict(connection.execute(_QUERIES["lock_alarm_states"], values).fetchall())


def put_alarm_states(connection: Connection, *, states: Mapping[str, dict[str, Any]]) -> None:
    """Write the states of sensors that were locked before."""
    # As one object: in an array of them each quote would be looked for and escaped once more.
    connection.execute(_QUERIES["put_alarm_states"], {"states": Jsonb(states)})


def list_alarm_states(connection: Connection, *, sensor_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The states of those of these sensors that have one."""
    return dict(connection.execute(_QUERIES["list_alarm_states"], {"sensor_ids": list(sensor_ids)}).fetchall())
