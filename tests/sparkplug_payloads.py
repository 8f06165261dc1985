"""Sparkplug B payloads by Google's protobuf: another implementation than ours, by the field numbers of the standard.

The schema is that of Sparkplug 3.0, section 6.4.1, as far as edge nodes of gauges use it.
"""

from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_KINDS: Final = {
    "uint64": 4,
    "bool": 8,
    "string": 9,
    "bytes": 12,
    "uint32": 13,
    "float": 2,
    "double": 1,
}  # of descriptor.proto
_MESSAGE: Final = 11
_OPTIONAL, _REPEATED = 1, 3
# name: (number, kind); a kind that is no scalar is a message, a list of them where it ends in `*`.
_SCHEMA: Final = {
    "Value": {"type": (1, "uint32"), "is_null": (2, "bool"), "int_value": (3, "uint32"), "string_value": (8, "string")},
    "PropertySet": {"keys": (1, "string*"), "values": (2, "Value*")},
    "DataSet": {"num_of_columns": (1, "uint64"), "columns": (2, "string*")},
    "Metric": {
        "name": (1, "string"),
        "alias": (2, "uint64"),
        "timestamp": (3, "uint64"),
        "datatype": (4, "uint32"),
        "is_historical": (5, "bool"),
        "is_transient": (6, "bool"),
        "is_null": (7, "bool"),
        "properties": (9, "PropertySet"),
        "int_value": (10, "uint32"),
        "long_value": (11, "uint64"),
        "float_value": (12, "float"),
        "double_value": (13, "double"),
        "boolean_value": (14, "bool"),
        "string_value": (15, "string"),
        "bytes_value": (16, "bytes"),
        "dataset_value": (17, "DataSet"),
    },
    "Payload": {
        "timestamp": (1, "uint64"),
        "metrics": (2, "Metric*"),
        "seq": (3, "uint64"),
        "uuid": (4, "string"),
        "body": (5, "bytes"),
    },
}


def _make_payload_class() -> Any:  # noqa: ANN401 - protobuf has no types
    file = descriptor_pb2.FileDescriptorProto(name="sparkplug_b_of_tests.proto", package="tests", syntax="proto2")
    for name, fields in _SCHEMA.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            one = kind.removesuffix("*")
            added = message.field.add(name=field, number=number, label=_REPEATED if kind != one else _OPTIONAL)
            added.type = _KINDS.get(one, _MESSAGE)
            if one not in _KINDS:
                added.type_name = f".tests.{one}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("tests.Payload"))


_PAYLOAD: Final = _make_payload_class()


def encode(*metrics: dict[str, object], timestamp: int | None = None, seq: int | None = None) -> bytes:
    """A payload with these metrics, each by its fields' names."""
    return bytes(_PAYLOAD(timestamp=timestamp, seq=seq, metrics=metrics).SerializeToString())


def decode(payload: bytes) -> Any:  # noqa: ANN401 - protobuf has no types
    """A payload's fields by their names."""
    return _PAYLOAD.FromString(payload)


def quality(code: int) -> dict[str, object]:
    """The properties of a metric that say its quality: 0 bad, 192 good, 500 stale (section 6.4.9.1)."""
    return {
        "keys": ["engUnit", "Quality"],
        "values": [{"type": 12, "string_value": "mm"}, {"type": 3, "int_value": code}],
    }
