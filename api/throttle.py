"""How often something may come from one address or about one thing: bounded memory, and no address is ever kept."""

import hashlib
import secrets
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address
from threading import Lock
from typing import Final

WINDOW: Final = timedelta(hours=1)
MAX_KEYS: Final = 10_000  # about 2 MB; what comes beyond them within a window shares one count


class Throttle:
    """Counts within a window, under a hash whose salt is made anew with each window and written down nowhere.

    It counts within its process: `siteproof serve` is one. A restart forgets the counts, which lets somebody send as
    many once more, and keeps nobody's address.
    """

    def __init__(self, *, limit: int) -> None:
        """Let `limit` through in each window for one key."""
        self._limit = limit
        self._lock = Lock()
        self._ends_at: datetime | None = None
        self._salt = b""
        self._counts: dict[bytes, int] = {}

    def take(self, key: str, *, now: datetime) -> bool:
        """Count one more for `key`; whether it may come. What may not is not counted."""
        with self._lock:
            if self._ends_at is None or now >= self._ends_at:
                self._ends_at, self._salt, self._counts = now + WINDOW, secrets.token_bytes(32), {}
            hashed = hashlib.blake2b(key.encode(), key=self._salt, digest_size=16).digest()
            if hashed not in self._counts and len(self._counts) >= MAX_KEYS:
                hashed = b""
            count = self._counts.get(hashed, 0)
            if count >= self._limit:
                return False
            self._counts[hashed] = count + 1
            return True


def name_address(host: str | None) -> str:
    """What counts as one address: an IPv4 address, or the /64 network that an IPv6 subscriber has to himself."""
    try:
        address = ip_address(host or "")
    except ValueError:
        return host or ""
    if isinstance(address, IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped) if mapped is not None else address.packed[:8].hex()
    return str(address)
