import json

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.place import Position, position_from_json, position_to_json

finite = st.floats(allow_nan=False, allow_infinity=False)


@settings(deadline=None)
@given(
    st.builds(
        Position,
        lon=st.floats(-180, 180),
        lat=st.floats(-90, 90),
        accuracy_m=st.none() | st.floats(0.1, 1e4),
        source=st.sampled_from(["exif", "capture", "container", "project"]),
        given_lon=finite,
        given_lat=finite,
        crs=st.sampled_from(["wgs84", "gcj02", "bd09", "EPSG:4549"]),
        altitude_m=st.none() | st.floats(-500, 9000),
        bearing_deg=st.none() | st.floats(0, 360, exclude_max=True),
    )
)
def test_position_from_json__of_what_was_written__is_the_position(position: Position) -> None:
    """Through JSON and back nothing changes."""
    assert position_from_json(json.loads(json.dumps(position_to_json(position), allow_nan=False))) == position


def test_position_to_json__given_in_another_frame__says_both() -> None:
    """The outer values are WGS 84 and say so; the given ones stand beside them in their own frame."""
    written = position_to_json(Position(120.25, 30.5, given_lon=523999.769, given_lat=3375568.3074, crs="EPSG:4549"))
    assert (written["lon"], written["lat"], written["crs"]) == (120.25, 30.5, "wgs84")
    assert written["given"] == {"lon": 523999.769, "lat": 3375568.3074, "crs": "EPSG:4549"}
