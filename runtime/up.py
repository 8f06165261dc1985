"""What `siteproof up` starts, in which order, and what it tells the person in front of it."""

import logging
import os
import shutil
import socket
import sys
import time
from collections.abc import Callable
from typing import ClassVar, Final
from urllib.parse import urlsplit

import httpx2

from domain.access import Role
from domain.errors import Conflict, Unavailable
from domain.identifier import EVERYWHERE
from iot.mosquitto_configuration import write_mosquitto_configuration
from runtime.assembly import open_database, prepare_database, provide_database_url
from runtime.settings import Settings, make_environment
from runtime.supervisor import Part, Supervisor, find_own_command
from storage.token import create_token, find_token

_LOG: Final = logging.getLogger(__name__)
_READY_TIMEOUT_S: Final = 60.0
_PORTS_TO_TRY: Final = 20
TOKEN_FILE: Final = "admin.token"  # noqa: S105 - a file's name


class PortTaken(Conflict):
    """Another program listens on the port."""

    code: ClassVar[str] = "up.port_taken"


class NotReady(Unavailable):
    """The service did not come up in time."""

    code: ClassVar[str] = "up.not_ready"


def run_up(settings: Settings, *, demo: bool, tell: Callable[[str], None]) -> None:
    """Start everything, print where it is, and keep it alive until Ctrl-C.

    Args:
        settings: with embedded defaults where nothing else is said.
        demo: also a sample road and bridge, a camera and a gauge.
        tell: prints a line for the person in front.

    Raises:
        PortTaken: another program has the web or the MQTT port.
        NotReady: the service did not answer in time.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    settings = _choose_ports(settings)
    tell("starting the database ...")
    with provide_database_url(settings, owns_server=True) as url:
        for name in prepare_database(settings, url):
            tell(f"database: migration {name}")
        settings = settings.model_copy(update={"database_url": url})
        admin_token, is_new = _provide_admin_token(settings)
        supervisor = Supervisor(make_environment(settings))
        supervisor.install_signal_handlers()
        try:
            _start_parts(supervisor, settings, tell=tell)
            address = f"http://{settings.host}:{settings.port}"
            _wait_until_ready(supervisor, address)
            if demo and not supervisor.is_stopping:
                command = [*find_own_command(), "simulate", "--url", address]
                supervisor.start(Part("simulate", command, settings.home / "log" / "simulate.log"))
            if not supervisor.is_stopping:
                _tell_address(tell, settings, address, admin_token, is_new=is_new, demo=demo)
            supervisor.run()
            tell("stopping ...")
        finally:
            supervisor.stop_all()


def _start_parts(supervisor: Supervisor, settings: Settings, *, tell: Callable[[str], None]) -> None:
    own, log = find_own_command(), settings.home / "log"
    mosquitto = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if mosquitto is None:
        tell("Mosquitto is not installed: the embedded broker is used, which keeps nothing through a kill")
        supervisor.start(Part("broker", [*own, "broker"], log / "broker.log"))
    else:
        configuration = write_mosquitto_configuration(
            settings.home / "mosquitto", host="127.0.0.1", port=_find_mqtt_port(settings)
        )
        supervisor.start(Part("mosquitto", [mosquitto, "-c", str(configuration)], log / "mosquitto.log"))
    tell("starting web, worker, beat, collector and deliverer ...")
    for name in ("serve", "worker", "beat", "collect", "deliver"):
        supervisor.start(Part(name, [*own, name], log / f"{name}.log"))


def _provide_admin_token(settings: Settings) -> tuple[str, bool]:
    """The admin token of this home, and whether it was made just now."""
    path = settings.home / TOKEN_FILE
    with open_database(settings) as database, database.transaction() as connection:
        if path.is_file():
            text = path.read_text(encoding="utf-8").strip()
            if find_token(connection, text=text) is not None:
                return text, False
        _, text = create_token(
            connection, role=Role.ADMIN, area=EVERYWHERE, project_id=None, person=None, name="siteproof up"
        )
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text + "\n")
    return text, True


def _wait_until_ready(supervisor: Supervisor, address: str) -> None:
    deadline = time.monotonic() + _READY_TIMEOUT_S
    while not supervisor.wait(0.3):
        try:
            if httpx2.get(f"{address}/readyz", timeout=5).status_code == httpx2.codes.OK:
                return
        except httpx2.TransportError:
            pass
        if time.monotonic() > deadline:
            raise NotReady(f"{address}/readyz did not answer within {_READY_TIMEOUT_S:.0f} s; see the log folder")


def _tell_address(
    tell: Callable[[str], None], settings: Settings, address: str, token: str, *, is_new: bool, demo: bool
) -> None:
    tell("")
    tell(f"Siteproof is at {address}")
    token_file = settings.home / TOKEN_FILE
    if is_new or demo:
        tell(f"admin token: {token}")
    tell(f"(kept in {token_file}; logs in {settings.home / 'log'})")
    if demo:
        tell("")
        tell("Findings and readings of the sample road and bridge arrive within a minute. Three things to try:")
        header = f'-H "Authorization: Bearer $(cat {token_file})"'
        tell(f'  curl {header} "{address}/v1/findings?project_id=demo-road"')
        tell(f'  curl {header} "{address}/v1/projects/demo-road/milestones/base/gate"')
        tell(f'  curl {header} "{address}/v1/sensors/demo-pier-1/readings?every=1m"')
    tell("Ctrl-C stops all of it.")
    sys.stdout.flush()


def _find_mqtt_port(settings: Settings) -> int:
    return urlsplit(settings.mqtt_url).port or 1883


def _choose_ports(settings: Settings) -> Settings:
    """The settings with ports that are free: a given one must be, a default one may move up."""
    web = _find_free(settings.host, settings.port, is_given="port" in settings.model_fields_set)
    mqtt_port = _find_mqtt_port(settings)
    mqtt = _find_free("127.0.0.1", mqtt_port, is_given="mqtt_url" in settings.model_fields_set)
    changes: dict[str, object] = {"port": web}
    if mqtt != mqtt_port:
        changes["mqtt_url"] = f"mqtt://127.0.0.1:{mqtt}"
    return settings.model_copy(update=changes)


def _find_free(host: str, port: int, *, is_given: bool) -> int:
    """The first free port from `port` on; only itself where a person chose it.

    Raises:
        PortTaken: another program has it.
    """
    for candidate in range(port, port + (1 if is_given else _PORTS_TO_TRY)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, candidate))
            except OSError:
                continue
            return candidate
    raise PortTaken(f"port {port} is taken by another program: choose one with --port or --mqtt-port")
