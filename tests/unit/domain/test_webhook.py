import base64
from ipaddress import ip_address, ip_network
from itertools import accumulate

import pytest

from domain.webhook import (
    AddressRefused,
    DeliveryStatus,
    InvalidWebhookUrl,
    judge_attempt,
    make_secret,
    require_allowed_address,
    require_webhook_url,
)

# Standard Webhooks 1.0.0, table "Example retry schedule", column "Time since start", as hours, minutes, seconds.
TIMES_SINCE_START = [
    (0, 0, 0), (0, 0, 5), (0, 5, 5), (0, 35, 5), (2, 35, 5), (7, 35, 5), (17, 35, 5), (31, 35, 5), (51, 35, 5),
    (75, 35, 5),
]  # fmt: skip


def test_judge_attempt__failing_for_ever__follows_the_schedule_and_gives_up() -> None:
    """Ten attempts at the specification's times, and no eleventh."""
    delays = [judge_attempt(tries=tries, status_code=500).delay_s for tries in range(1, 10)]
    since_start = list(accumulate([0.0, *(each or 0.0 for each in delays)]))
    assert since_start == [3_600 * hours + 60 * minutes + seconds for hours, minutes, seconds in TIMES_SINCE_START]
    last = judge_attempt(tries=10, status_code=500)
    assert (last.status, last.delay_s) == (DeliveryStatus.FAILED, None)


@pytest.mark.parametrize("status_code", [200, 202, 204, 299])
def test_judge_attempt__of_the_200s__is_delivered(status_code: int) -> None:
    """Any success counts."""
    assert judge_attempt(tries=1, status_code=status_code).status is DeliveryStatus.DELIVERED


@pytest.mark.parametrize("status_code", [None, 199, 300, 301, 302, 307, 400, 404, 500, 503])
def test_judge_attempt__of_anything_else__is_tried_again(status_code: int | None) -> None:
    """Redirects are no success, and silence is none."""
    verdict = judge_attempt(tries=1, status_code=status_code)
    assert (verdict.status, verdict.delay_s, verdict.rest_s) == (DeliveryStatus.PENDING, 5.0, 0.0)


def test_judge_attempt__gone__ends_the_webhook() -> None:
    """410 is about the endpoint, not about the event, which waits for the day when it is switched on again."""
    verdict = judge_attempt(tries=1, status_code=410)
    assert (verdict.status, verdict.is_gone) == (DeliveryStatus.PENDING, True)


@pytest.mark.parametrize("status_code", [429, 502, 504])
def test_judge_attempt__of_an_endpoint_under_load__lets_it_rest(status_code: int) -> None:
    """The three that the specification names throttle everything that goes there."""
    assert judge_attempt(tries=1, status_code=status_code).rest_s == 30.0
    assert judge_attempt(tries=1, status_code=status_code, retry_after_s=120).rest_s == 120.0
    assert judge_attempt(tries=1, status_code=status_code, retry_after_s=1e9).rest_s == 3_600.0


def test_judge_attempt__told_when_to_come_again__does_not_come_before() -> None:
    """Retry-After makes a delay longer, never shorter, and never longer than the schedule's longest."""
    assert judge_attempt(tries=1, status_code=503, retry_after_s=90).delay_s == 90
    assert judge_attempt(tries=2, status_code=503, retry_after_s=90).delay_s == 300
    assert judge_attempt(tries=1, status_code=503, retry_after_s=1e9).delay_s == 86_400


def test_judge_attempt__with_jitter__moves_the_delay_by_its_share() -> None:
    """300 s and a tenth: 270 and 330 s."""
    assert judge_attempt(tries=2, status_code=500, jitter=-0.1).delay_s == pytest.approx(270)
    assert judge_attempt(tries=2, status_code=500, jitter=0.1).delay_s == pytest.approx(330)


def test_make_secret__has_the_form_of_the_specification() -> None:
    """`whsec_` and base64 of 24 to 64 bytes, never twice the same."""
    first, second = make_secret(), make_secret()
    assert first.startswith("whsec_")
    assert 24 <= len(base64.b64decode(first.removeprefix("whsec_"), validate=True)) <= 64
    assert first != second


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.1.2.3", "224.0.0.1",
        "255.255.255.255", "192.0.2.1", "198.18.0.1", "240.0.0.1", "::1", "::", "fe80::1", "fc00::1", "fd12::1",
        "ff02::1", "2001:db8::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
        "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "::7f00:1",
        "2001:0:53aa:64c:0:0:80ff:fffe",
    ],
)  # fmt: skip
def test_require_allowed_address__not_public__is_refused(address: str) -> None:
    """IANA's special-purpose registries, and every way to hide an IPv4 address in an IPv6 one."""
    with pytest.raises(AddressRefused):
        require_allowed_address(ip_address(address), networks=(), is_plain=False)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_require_allowed_address__public__passes(address: str) -> None:
    """A public address passes, in whichever way it is written; without TLS it does not."""
    require_allowed_address(ip_address(address), networks=(), is_plain=False)
    with pytest.raises(AddressRefused):
        require_allowed_address(ip_address(address), networks=(), is_plain=True)


def test_require_allowed_address__in_an_allowed_network__passes() -> None:
    """The operator's exception covers what it names, mapped too, and no more."""
    networks = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
    for address in ("10.1.2.3", "::ffff:10.1.2.3", "fd12::1"):
        require_allowed_address(ip_address(address), networks=networks, is_plain=True)
    with pytest.raises(AddressRefused):
        require_allowed_address(ip_address("192.168.1.1"), networks=networks, is_plain=False)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://core.example/", "https://", "core.example/hook", "https://user:secret@core.example/", "https://a b/",
        "https://core.example/#part", "https://core.example:0/", "https://core.example:99999/", "https://[::1/",
        "https://core.example\\@127.0.0.1/", "https://工程.example/", "https://core.example/\r\nx: y",
        "https://core.example/" + 2_000 * "a",
    ],
)  # fmt: skip
def test_require_webhook_url__malformed__is_refused(url: str) -> None:
    """What two readers could read differently does not pass."""
    with pytest.raises(InvalidWebhookUrl):
        require_webhook_url(url)


def test_require_webhook_url__ordinary__passes() -> None:
    """Host, port, path and query."""
    url = "https://core.example:8443/hooks/siteproof?county=a"
    assert require_webhook_url(url) == url
