"""Settings: environment variables `SITEPROOF_*`, each with an embedded default. Read here and nowhere else."""

import os
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal
from urllib.parse import unquote, urlsplit

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from domain.errors import Invalid

_PACKAGE_FOLDER: Final = Path(__file__).resolve().parent.parent
PAGES: Final = _PACKAGE_FOLDER / "api" / "static"
SAMPLE_MEDIA: Final = _PACKAGE_FOLDER / "sample_media"
HAZARD_RULES: Final = _PACKAGE_FOLDER / "vision" / "hazard_rules.yaml"
WEIGHTS: Final = _PACKAGE_FOLDER / "models" / "weights" / "siteproof-ppe.json"


class InvalidSettings(Invalid):
    """A setting that cannot be worked with."""

    code: ClassVar[str] = "settings.invalid"


def _find_default_home() -> Path:
    data = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(data) / "siteproof"


class Settings(BaseSettings):
    """Every setting, with its meaning, range and unit."""

    model_config = SettingsConfigDict(env_prefix="SITEPROOF_", frozen=True, extra="ignore")

    home: Annotated[
        Path,
        Field(description="folder for everything that the embedded services keep", default_factory=_find_default_home),
    ]
    database_url: Annotated[str, Field(description="PostgreSQL 15 or newer; empty: the embedded one in HOME")] = ""
    mqtt_url: Annotated[str, Field(description="mqtt:// or mqtts://, with user and password if it has them")] = (
        "mqtt://127.0.0.1:1883"
    )
    celery_broker_url: Annotated[
        str, Field(description="amqp:// (RabbitMQ) or redis://; empty: files in HOME, for one machine")
    ] = ""
    media_url: Annotated[str, Field(description="file:///folder; empty: HOME/media")] = ""
    host: Annotated[str, Field(description="address that the web process listens on")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="port that the web process listens on")] = 8000
    max_upload_bytes: Annotated[int, Field(gt=0, description="limit of one file [B]")] = 512 * 1024 * 1024
    worker_processes: Annotated[int, Field(ge=1, le=64, description="photos analysed at once by one worker")] = 1
    inference_threads: Annotated[
        int | None, Field(ge=1, le=256, description="threads for one photo; silent: the runtime chooses")
    ] = None
    detector: Annotated[
        Literal["auto", "openvino", "onnxruntime", "ultralytics"], Field(description="what runs the weights")
    ] = "auto"
    weights: Annotated[Path, Field(description="manifest of the weights")] = WEIGHTS
    hazard_rules: Annotated[Path, Field(description="YAML of the hazard rules, see docs/hazards.md")] = HAZARD_RULES
    lease_s: Annotated[float, Field(ge=1, le=600, description="a dead worker's photo is free after this [s]")] = 15.0
    sweep_every_s: Annotated[float, Field(ge=0.5, le=600, description="how often lost work is looked for [s]")] = 5.0
    ring_again_s: Annotated[float, Field(ge=1, le=3600, description="a photo that waits is rung for again [s]")] = 20.0
    mqtt_group: Annotated[
        str, Field(description="collectors of one group share the load ($share); empty: one collector")
    ] = ""
    collector_id: Annotated[str, Field(min_length=1, max_length=60, description="the collector's MQTT client id")] = (
        "siteproof-collector"
    )
    retain_raw_days: Annotated[
        int | None, Field(ge=30, description="raw readings are kept so long; silent: for ever [d]")
    ] = None
    webhook_networks: Annotated[
        str, Field(description="private networks that webhooks may reach, http:// too: 10.0.0.0/8,192.168.0.0/16")
    ] = ""

    @property
    def allowed_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """Networks that are not public, and that webhooks may reach all the same.

        Raises:
            InvalidSettings: one is no network.
        """
        try:
            return tuple(ip_network(each.strip()) for each in self.webhook_networks.split(",") if each.strip())
        except ValueError as error:
            raise InvalidSettings(f"SITEPROOF_WEBHOOK_NETWORKS: {error}") from error

    @property
    def models_folder(self) -> Path:
        """Where a county's own models lie, with their manifests."""
        return self.home / "models"

    @property
    def media_folder(self) -> Path:
        """Where originals lie.

        Raises:
            InvalidSettings: `media_url` is no `file://` URL of a folder.
        """
        if not self.media_url:
            return self.home / "media"
        parts = urlsplit(self.media_url)
        if parts.scheme != "file" or parts.netloc not in {"", "localhost"} or not parts.path.startswith("/"):
            raise InvalidSettings(f"SITEPROOF_MEDIA_URL must be file:///folder, not {self.media_url[:80]!r}")
        return Path(unquote(parts.path))


def read_settings(**given: object) -> Settings:
    """The settings from the environment; what is given (and not None) comes before it.

    Raises:
        InvalidSettings: one is out of its range.
    """
    try:
        return Settings(**{key: value for key, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        name = "SITEPROOF_" + "_".join(str(part) for part in first["loc"]).upper()
        raise InvalidSettings(f"{name}: {first['msg']}") from error


def make_environment(settings: Settings) -> dict[str, str]:
    """The environment in which a child process has these settings."""
    values = {f"SITEPROOF_{key.upper()}": value for key, value in settings.model_dump().items()}
    written = {key: str(value) for key, value in values.items() if value is not None}
    return {**os.environ, **written}
