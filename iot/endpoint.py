"""Where a broker is and how one proves who one is: `mqtt://user:password@host:port`, or `mqtts://` for TLS."""

import ssl
from dataclasses import dataclass, field
from typing import ClassVar, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from paho.mqtt.client import Client

from domain.errors import Invalid

_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}  # as registered with IANA


class InvalidBrokerUrl(Invalid):
    """A URL that does not name a broker."""

    code: ClassVar[str] = "mqtt.invalid_url"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A broker's address and our name there; the password stays out of its text.

    Attributes:
        authority: a PEM file of the authority that signed the broker's certificate; None for the machine's own.
    """

    host: str
    port: int
    is_encrypted: bool
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    authority: str | None = None

    def prepare(self, client: Client) -> None:
        """Set a client's user, password and TLS; the broker's certificate and name are always checked.

        Raises:
            InvalidBrokerUrl: the authority's file is not there, or no certificate.
        """
        if self.user is not None:
            client.username_pw_set(self.user, self.password)
        if self.is_encrypted:
            try:
                context = ssl.create_default_context(cafile=self.authority)
            except OSError as error:
                raise InvalidBrokerUrl(f"the authority's certificate cannot be read: {error}") from error
            client.tls_set_context(context)

    def __str__(self) -> str:
        return f"{'mqtts' if self.is_encrypted else 'mqtt'}://{self.host}:{self.port}"


def parse_broker_url(url: str) -> Endpoint:
    """The broker of `mqtt://[user[:password]@]host[:port]`, or `mqtts://`; what is percent-encoded is decoded.

    Args:
        url: of `mqtts`, it may end in `?ca=FILE`, the certificate of a county's own authority.

    Raises:
        InvalidBrokerUrl: it is not of that form.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidBrokerUrl("the broker's URL is not mqtt://host:port or mqtts://host:port") from error
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    if (
        parts.scheme not in _PORTS
        or not parts.hostname
        or parts.path not in {"", "/"}
        or (given and (set(given) != {"ca"} or parts.scheme != "mqtts"))
    ):
        raise InvalidBrokerUrl("the broker's URL is not mqtt://host:port or mqtts://host:port")
    return Endpoint(
        host=parts.hostname,
        port=_PORTS[parts.scheme] if port is None else port,
        is_encrypted=parts.scheme == "mqtts",
        user=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
        authority=given.get("ca"),
    )
