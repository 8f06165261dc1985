"""Whether a URL names an address that may not be reached, as far as that shows without asking for the name."""

import socket
from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from domain.webhook import Network, require_allowed_address, require_webhook_url

_LOOPBACK_NAMES = ("localhost", "localhost.localdomain", "ip6-localhost")


def require_reachable_url(url: str, *, networks: Sequence[Network]) -> str:
    """Return `url` if its form is right and its host is a name or an allowed address, however that is spelt.

    A name is looked up only when it is connected to, and judged then: what it stands for now says nothing about later.

    Raises:
        InvalidWebhookUrl: its form is wrong.
        AddressRefused: it names an address that may not be reached.
    """
    parts = urlsplit(require_webhook_url(url))
    host = (parts.hostname or "").rstrip(".")
    if host in _LOOPBACK_NAMES or host.endswith(".localhost"):
        host = "127.0.0.1"
    try:
        # Also 127.1, 0x7f000001 and 2130706433, which are read as addresses when it is connected to.
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return url
    for each in found:
        numeric = ip_address(str(each[4][0]).partition("%")[0])
        require_allowed_address(numeric, networks=networks, is_plain=parts.scheme == "http")
    return url
