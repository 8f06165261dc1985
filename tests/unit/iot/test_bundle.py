"""Names of other standards."""

import pytest

from iot.bundle import make_sensor_id


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("pier-1", "pier-1"),
        ("pier/1/settlement", "pier.1.settlement"),
        ("urn:dev:ow:10e2073a01080063:voltage", "urn.dev.ow.10e2073a01080063.voltage"),
        ("a" * 64, "a" * 64),
        ("a" * 65, None),
        ("", None),
        ("/", None),
        ("::", None),
        ("pier 1", None),
        ("桥墩", None),
        ("pier\n", None),
    ],
)
def test_make_sensor_id__of_a_name(name: str, expected: str | None) -> None:
    """`/` and `:` become `.`; what is no id even so is nobody's."""
    assert make_sensor_id(name) == expected
