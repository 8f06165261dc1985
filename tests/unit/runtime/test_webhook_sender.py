from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook as Verifier

from runtime.webhook_sender import find_retry_after, sign

# The vector that the reference libraries of Standard Webhooks share (libraries/javascript/src/webhook.test.ts).
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE, AT, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", datetime.fromtimestamp(1_614_265_330, UTC), '{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
NOW = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)


def test_sign__the_specifications_vector__is_met() -> None:
    """Our header is what every receiver's library expects."""
    assert sign(MESSAGE, AT, BODY, secrets=[SECRET]) == SIGNATURE


def test_sign__with_two_secrets__is_accepted_by_holders_of_either() -> None:
    """During a rotation both sign, separated by a blank, the new one first."""
    other = "whsec_" + "A" * 32
    at = datetime.now(UTC)
    signature = sign(MESSAGE, at, BODY, secrets=[other, SECRET])
    assert signature.count(" ") == 1
    headers = {"webhook-id": MESSAGE, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}
    for secret in (other, SECRET):
        assert Verifier(secret).verify(BODY, headers) == {"test": 2432232314}


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (b"120", 120.0),
        (b"Fri, 01 May 2026 12:01:30 GMT", 90.0),
        (b"Fri, 01 May 2026 11:00:00 GMT", 0.0),
        (b"soon", None),
        (b"-5", None),
    ],
)
def test_find_retry_after__in_both_forms(value: bytes, wanted: float | None) -> None:
    """Seconds or a date (RFC 9110, 10.2.3); what is neither says nothing."""
    assert find_retry_after([(b"Retry-After", value)], now=NOW) == wanted
    assert find_retry_after([(b"X-Other", value)], now=NOW) is None
