"""Configurations of Mosquitto: open on loopback, for `siteproof up` and the tests; and guarded, for everywhere else.

Starting it is the caller's work.
"""

import base64
import getpass
import hashlib
import ipaddress
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from domain.errors import Invalid
from domain.identifier import require_caller_id
from iot.payload import MAX_PAYLOAD_BYTES

FILE: Final = "mosquitto.conf"
_AUTOSAVE_S: Final = 1  # what a kill -9 of the broker may cost; Mosquitto cannot do less
_MAX_PACKET_BYTES: Final = 4 * MAX_PAYLOAD_BYTES  # larger ones are refused by the broker, before they cost memory

ACL_FILE: Final = "acl"
PASSWORD_FILE: Final = "passwords"  # noqa: S105 - a file's name
# No project can be called so, because an id has no @.
COLLECTOR: Final = "collector@siteproof"
NETWORK_SERVER: Final = "network-server@siteproof"  # ChirpStack
_PASSWORD_BYTES: Final = 24
_ITERATIONS: Final = (
    101  # what Mosquitto 2 writes and reads; the passwords are random, so that more would bring nothing
)
_SALT_BYTES: Final = 12
# Whoever has a project's password writes that project's readings and nothing else; %u is the user's name.
_ACL: Final = f"""user {COLLECTOR}
topic read siteproof/v1/#
topic read spBv1.0/#
topic write spBv1.0/+/NCMD/+
topic read application/#

user {NETWORK_SERVER}
topic write application/#

pattern write siteproof/v1/%u/#
pattern write spBv1.0/%u/#
pattern read spBv1.0/%u/NCMD/#
pattern read spBv1.0/%u/DCMD/#
"""


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
    _require_path(folder)
    return _join([f"listener {port} {require_loopback(host)}", "allow_anonymous true"], folder)


def _join(listener: list[str], folder: Path) -> str:
    """A configuration with these lines first, and what holds for every broker of ours."""
    lines = [
        *listener,
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


@dataclass(frozen=True, slots=True)
class Listener:
    """Where a guarded broker listens.

    Attributes:
        certificate: of the server, PEM, with its chain.
        key: of the certificate, PEM.
    """

    host: str
    port: int
    certificate: Path
    key: Path


def write_guarded_configuration(folder: Path, *, listener: Listener, projects: Iterable[str]) -> dict[str, str]:
    """Write configuration, passwords and ACL of a broker that others may reach: TLS, a user for each project.

    Users that have a password keep it, so that this may be run again whenever there is a new project; the broker reads
    the files again at a SIGHUP.

    Args:
        folder: for `mosquitto.conf`, `acl`, `passwords` and the broker's messages; made if it is missing.
        listener: where it listens.
        projects: each becomes a user of its id, who may write its topics and no others.

    Returns:
        The passwords of the users that are new, by name; they are kept nowhere else.

    Raises:
        InvalidFolder: a path cannot be written in a configuration.
        InvalidIdentifier: a project's id cannot be.
    """
    users = [COLLECTOR, NETWORK_SERVER, *(require_caller_id(each) for each in projects)]
    for path in (folder, listener.certificate, listener.key):
        _require_path(path)
    if any(character.isspace() for character in listener.host):
        raise InvalidFolder("the listener's address holds white space")
    lines = [
        f"listener {listener.port} {listener.host}",
        f"certfile {listener.certificate.absolute()}",
        f"keyfile {listener.key.absolute()}",
        "tls_version tlsv1.2",
        "allow_anonymous false",
        f"password_file {folder.absolute() / PASSWORD_FILE}",
        f"acl_file {folder.absolute() / ACL_FILE}",
    ]
    text = _join(lines, folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(text, encoding="utf-8")
    (folder / ACL_FILE).write_text(_ACL, encoding="utf-8")
    known = _read_passwords(folder / PASSWORD_FILE)
    fresh = {user: secrets.token_urlsafe(_PASSWORD_BYTES) for user in users if user not in known}
    hashed = {**known, **{user: hash_password(password) for user, password in fresh.items()}}
    _write_privately(folder / PASSWORD_FILE, hashed)
    return fresh


def hash_password(password: str) -> str:
    """A password as Mosquitto 2 keeps it: `$7$`, iterations, salt and PBKDF2 with SHA-512, the last two in base64."""
    salt = os.urandom(_SALT_BYTES)
    derived = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ITERATIONS)
    return f"$7${_ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(derived).decode()}"


def _read_passwords(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    lines = (line.partition(":") for line in path.read_text(encoding="utf-8").splitlines())
    return {user: hashed for user, _, hashed in lines if hashed}


def _write_privately(path: Path, passwords: Mapping[str, str]) -> None:
    """Written apart and then put in its place, so that a broker never reads half of it."""
    apart = path.with_suffix(".new")
    apart.unlink(missing_ok=True)
    descriptor = os.open(apart, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.writelines(f"{user}:{hashed}\n" for user, hashed in passwords.items())
    apart.replace(path)


def _require_path(path: Path) -> None:
    if any(character in str(path) for character in "\r\n"):
        raise InvalidFolder("a path holds a line break")
