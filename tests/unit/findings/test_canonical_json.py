from datetime import datetime, timedelta, timezone
from uuid import UUID

from domain.finding import Severity
from findings.canonical_json import encode_canonical


def test_canonical__rfc_8785_s_own_example__is_written_to_the_byte() -> None:
    """RFC 8785, 3.2.2 and 3.2.4."""
    given = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": '\u20ac$\u000f\nA\'B"\\\\"/',
        "literals": [None, True, False],
    }
    expected = (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    assert encode_canonical(given) == expected.encode()


def test_canonical__what_json_lacks__is_written_as_text() -> None:
    """Times, ids, enums; an integer that a double cannot hold; keys in the order of UTF-16."""
    given = {
        "\ufb33": 1,
        "\U0001f600": 2,
        "at": datetime(2026, 11, 25, 14, 0, tzinfo=timezone(timedelta(hours=8))),
        "id": UUID(int=1),
        "none": float("nan"),
        "severity": Severity.MAJOR,
        "tuple": (2**53 - 1, 2**53, True),
    }
    expected = (
        '{"at":"2026-11-25T06:00:00Z","id":"00000000-0000-0000-0000-000000000001","none":"nan","severity":"major",'
        '"tuple":[9007199254740991,"9007199254740992",true],"\U0001f600":2,"\ufb33":1}'
    )
    assert encode_canonical(given) == expected.encode()
