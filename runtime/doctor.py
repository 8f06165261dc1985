"""`siteproof doctor`: what is there, in which version, and how to get what is missing."""

import importlib.metadata
import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import urlsplit

from domain.errors import SiteproofError
from runtime.assembly import make_log_keeper, make_media_store, open_database
from runtime.settings import PAGES, Settings
from storage.migration import list_pending
from storage.reading import is_timescale
from storage.table_copy import find_restored
from vision.model_registry import list_manifest_paths
from vision.weights import load_manifest, verify_weights

_PACKAGES: Final = ("fastapi", "psycopg", "celery", "paho-mqtt", "openvino", "onnxruntime", "opencv-python-headless")
Row = tuple[str, str, str]


def examine_installation(settings: Settings) -> Iterator[Row]:
    """Rows of (part, state, advice); the advice is empty where nothing is wrong."""
    yield "python", sys.version.split()[0], ""
    for package in _PACKAGES:
        yield package, *_find_package(package)
    parts: tuple[tuple[str, Callable[[Settings], tuple[str, str]]], ...] = (
        ("database", _examine_database),
        ("media store", _examine_store),
        ("evidence log", _examine_log),
        ("weights", _examine_weights),
        ("models", _examine_models),
        ("pages", _examine_pages),
        ("mosquitto", _examine_mosquitto),
        ("mqtt broker", _examine_broker),
    )
    for name, examine in parts:
        try:
            state, advice = examine(settings)
        except SiteproofError as error:
            state, advice = error.code, error.detail
        yield name, state, advice


def _find_package(name: str) -> tuple[str, str]:
    try:
        return importlib.metadata.version(name), ""
    except importlib.metadata.PackageNotFoundError:
        # OpenVINO has no wheel for every processor, and ONNX Runtime takes its place.
        return "missing", "" if name == "openvino" else f"pip install {name}"


def _examine_database(settings: Settings) -> tuple[str, str]:
    with open_database(settings) as database, database.transaction() as connection:
        version = connection.info.server_version
        if find_restored(database.url) is not None:
            return "a restore did not come to its end", "run the same `siteproof restore` again"
        pending = list_pending(database.url)
        if pending:
            return f"PostgreSQL {version // 10000}", "siteproof migrate"
        kind = "with TimescaleDB" if is_timescale(connection) else "native partitions (no TimescaleDB)"
        return f"PostgreSQL {version // 10000}.{version % 10000}, {kind}", ""


def _examine_store(settings: Settings) -> tuple[str, str]:
    make_media_store(settings).check()
    free = shutil.disk_usage(settings.media_folder).free
    return f"{settings.media_folder}, {free // 2**30} GiB free", ""


def _examine_log(settings: Settings) -> tuple[str, str]:
    with open_database(settings) as database:
        if list_pending(database.url):
            return "not there yet", "siteproof migrate"
        size, waiting = make_log_keeper(settings, database).examine()
    return f"{size} entries, as last published; {waiting} facts wait for their place", ""


def _examine_weights(settings: Settings) -> tuple[str, str]:
    manifest = load_manifest(settings.weights)
    verify_weights(manifest, settings.weights.parent)
    return f"{manifest.name} {manifest.version}, sha256 as stated", ""


def _examine_models(settings: Settings) -> tuple[str, str]:
    names = []
    for path in list_manifest_paths(settings.models_folder):
        manifest = load_manifest(path)
        verify_weights(manifest, path.parent)
        names.append(f"{manifest.name} {manifest.version}")
    return ", ".join(names) or "none beside the shipped one", ""


def _examine_pages(_: Settings) -> tuple[str, str]:
    if (PAGES / "index.html").is_file():
        return "built", ""
    return "not built", "make pages"


def _examine_mosquitto(_: Settings) -> tuple[str, str]:
    path = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if path is None:
        return "missing: `siteproof up` uses the embedded broker", "apt-get install mosquitto"
    return path, ""


def _examine_broker(settings: Settings) -> tuple[str, str]:
    parts = urlsplit(settings.mqtt_url)
    address = (parts.hostname or "127.0.0.1", parts.port or 1883)
    try:
        socket.create_connection(address, timeout=2).close()
    except OSError:
        return f"{address[0]}:{address[1]} does not answer", "siteproof up, or start the broker of SITEPROOF_MQTT_URL"
    return f"{address[0]}:{address[1]} answers", ""
