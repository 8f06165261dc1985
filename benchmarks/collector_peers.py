"""Whom the collector is held against in one run: a bare subscriber, a bare staged COPY, and INSERTs one by one."""

import json

import psycopg
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.collector_stage import (
    CLIENT,
    Load,
    Stopwatch,
    Took,
    empty,
    fill_session,
    list_rows,
    prepare_months,
    split_url,
)
from iot.collector import MAX_BATCH
from storage.database import Database

# sensor_key, t, v, seq, numbered as both psycopg's RawCursor and Node's pg take them.
INSERT = "INSERT INTO reading (sensor_key, t, v, q, seq) VALUES ($1, $2, $3, 0, $4) ON CONFLICT DO NOTHING"


def time_subscriber(url: str, load: Load) -> Took:
    """What a bare subscriber takes for the load."""
    fill_session(url, load)
    client = Client(CallbackAPIVersion.VERSION2, client_id=CLIENT, clean_session=False, manual_ack=True)
    received = [0]

    def on_message(client: Client, _userdata: object, message: MQTTMessage) -> None:
        json.loads(message.payload)
        client.ack(message.mid, message.qos)
        received[0] += 1
        if received[0] == len(load.messages):
            client.disconnect()

    client.on_message = on_message
    client.connect(*split_url(url))
    watch = Stopwatch()
    client.loop_forever()
    return watch.read()


def time_copy(load: Load, database: Database, keys: list[int]) -> Took:
    """What staged COPYs of the same rows take, in batches like the collector's, each committed."""
    empty(database)
    rows = list_rows(load, keys)
    prepare_months(database, rows)
    with psycopg.connect(database.url) as connection:
        connection.execute("CREATE TEMPORARY TABLE bare_staging (LIKE reading) ON COMMIT DELETE ROWS")
        connection.commit()
        watch = Stopwatch()
        for first in range(0, len(rows), MAX_BATCH):
            with connection.cursor().copy("COPY bare_staging FROM STDIN (FORMAT BINARY)") as copy:
                copy.set_types(["int4", "timestamptz", "float8", "float8", "int2", "int8"])
                for row in rows[first : first + MAX_BATCH]:
                    copy.write_row(row)
            connection.execute("INSERT INTO reading SELECT * FROM bare_staging ON CONFLICT DO NOTHING")
            connection.commit()
        return watch.read()


def time_row_by_row(load: Load, database: Database, keys: list[int]) -> Took:
    """What the same rows take by one INSERT each, each committed."""
    empty(database)
    rows = list_rows(load, keys)
    prepare_months(database, rows)
    with psycopg.connect(database.url, cursor_factory=psycopg.RawCursor) as connection:
        watch = Stopwatch()
        for key, t, v, _raw, _quality, seq in rows:
            connection.execute(INSERT, [key, t, v, seq])
            connection.commit()
        return watch.read()
