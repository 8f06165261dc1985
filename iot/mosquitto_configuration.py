"""The configuration of a Mosquitto on loopback, for `siteproof up` and the tests. Starting it is the caller's work."""

import getpass
import ipaddress
from pathlib import Path
from typing import ClassVar, Final

from domain.errors import Invalid
from iot.payload import MAX_PAYLOAD_BYTES

FILE: Final = "mosquitto.conf"
_AUTOSAVE_S: Final = 1  # what a kill -9 of the broker may cost; Mosquitto cannot do less
_MAX_PACKET_BYTES: Final = 4 * MAX_PAYLOAD_BYTES  # larger ones are refused by the broker, before they cost memory


class OpenBrokerOffLoopback(Invalid):
    """A broker without passwords that others than this machine could reach."""

    code: ClassVar[str] = "mqtt.open_broker_off_loopback"


def require_loopback(host: str) -> str:
    """Return `host` if only this machine reaches it.

    Raises:
        OpenBrokerOffLoopback: it is another address, or a name that could be one.
    """
    try:
        is_loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise OpenBrokerOffLoopback(f"a broker without passwords listens on loopback only, not on {host!r}")
    return host


def make_mosquitto_configuration(folder: Path, *, host: str, port: int) -> str:
    """The text of a configuration: open, on loopback, keeping everything through a restart.

    Args:
        folder: where the broker keeps its messages; it must be there.
        host: a loopback address.
        port: to listen on.

    Raises:
        OpenBrokerOffLoopback: `host` is not loopback.
        InvalidFolder: its path cannot be written in a configuration.
    """
    if any(character in str(folder) for character in "\r\n"):
        raise InvalidFolder("the folder's path holds a line break")
    lines = [
        f"listener {port} {require_loopback(host)}",
        "allow_anonymous true",
        # Started by root, Mosquitto would become its own user, who cannot write into the folder.
        f"user {getpass.getuser()}",
        "persistence true",
        f"persistence_location {folder.absolute()}/",
        f"autosave_interval {_AUTOSAVE_S}",
        # By default it drops what goes beyond 1,000 messages of an absent collector, and sends 20 before it waits.
        "max_queued_messages 0",
        "max_inflight_messages 0",
        f"max_packet_size {_MAX_PACKET_BYTES}",
        "set_tcp_nodelay true",
        "log_dest stderr",
        "log_type error",
        "log_type warning",
        "log_type notice",
    ]
    return "\n".join(lines) + "\n"


class InvalidFolder(Invalid):
    """A path that a configuration file cannot hold."""

    code: ClassVar[str] = "mqtt.invalid_folder"


def write_mosquitto_configuration(folder: Path, *, host: str, port: int) -> Path:
    """Make the folder where it is missing, write `mosquitto.conf` into it, and return the file.

    Raises:
        OpenBrokerOffLoopback: `host` is not loopback.
        InvalidFolder: the folder's path cannot be written in a configuration.
    """
    text = make_mosquitto_configuration(folder, host=host, port=port)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    path.write_text(text, encoding="utf-8")
    return path
