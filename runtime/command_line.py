"""The command `siteproof`: what a person typed, and the part that does it; each command loads only what it runs."""

import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar
from uuid import UUID

import click

from domain.access import Role
from domain.errors import SiteproofError
from domain.identifier import EVERYWHERE, parse_uuid, require_area, require_caller_id
from domain.project import ProjectKind
from runtime.backup_commands import backup, restore
from runtime.dataset_commands import export_dataset_command
from runtime.deliver_command import deliver
from runtime.erase_command import erase
from runtime.import_command import import_readings
from runtime.log_commands import log
from runtime.measure_commands import calibrate_command, conformance, measure_command, print_board_command
from runtime.model_commands import model
from runtime.person_evaluation_command import persons
from runtime.settings import Settings, read_settings
from runtime.training_commands import evaluate, export, train
from runtime.verify_command import verify
from runtime.watch_command import watch

F = TypeVar("F", bound=Callable[..., object])
_EXIT_ERROR: Final = 2


class _Group(click.Group):
    """Turns our expected errors into one line and an exit code, for every command; takes names of two words."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        two_words = " ".join(args[:2])
        if two_words in self.commands:
            return two_words, self.commands[two_words], args[2:]
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except SiteproofError as error:
            _fail(error)


def _fail(error: SiteproofError) -> NoReturn:
    click.echo(f"siteproof: {error.detail} [{error.code}]", err=True)
    sys.exit(_EXIT_ERROR)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="siteproof")
@click.option("--verbose", is_flag=True, help="Log more.")
def main(*, verbose: bool) -> None:
    """Site monitoring for small public works: is it that site, is it built as drawn, is it safe.

    Settings are environment variables SITEPROOF_HOME, SITEPROOF_DATABASE_URL, SITEPROOF_MQTT_URL,
    SITEPROOF_CELERY_BROKER_URL, SITEPROOF_MEDIA_URL; each has an embedded default.
    """
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    # These tell of every request and every poll, which buries what an operator looks for.
    for name in (
        "httpx2",
        "httpcore",
        "amqtt",
        "transitions",
        "psycopg.pool",
        "kombu",
        "celery.worker.strategy",
        "celery.app.trace",
    ):
        logging.getLogger(name).setLevel(logging.WARNING)


@main.command()
@click.option("--demo", is_flag=True, help="Also a sample road and bridge, a camera and a gauge.")
@click.option("--home", type=click.Path(path_type=Path, file_okay=False), help="Folder for everything that is kept.")
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the pages and the API.")
@click.option("--mqtt-port", type=click.IntRange(1, 65535), help="Port of the MQTT broker, on loopback.")
def up(*, demo: bool, home: Path | None, host: str | None, port: int | None, mqtt_port: int | None) -> None:
    """Start everything on embedded defaults; Ctrl-C stops all of it."""
    from runtime.up import run_up

    mqtt_url = None if mqtt_port is None else f"mqtt://127.0.0.1:{mqtt_port}"
    given_home = None if home is None else home.resolve()
    run_up(_settings(home=given_home, host=host, port=port, mqtt_url=mqtt_url), demo=demo, tell=_tell)


@main.command()
def migrate() -> None:
    """Bring the database to this release's schema."""
    from runtime.assembly import prepare_database, provide_database_url

    settings = _settings()
    with provide_database_url(settings) as url:
        for name in prepare_database(settings, url):
            _tell(f"applied {name}")


@main.command()
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on.")
def serve(*, host: str | None, port: int | None) -> None:
    """Answer HTTP: the API and the pages."""
    from runtime.assembly import provide_database_url
    from runtime.web import run_web

    settings = _settings(host=host, port=port)
    with provide_database_url(settings) as url:
        run_web(settings, database_url=url)


@main.command()
def worker() -> None:
    """Analyse photos and clips."""
    from runtime.assembly import provide_database_url
    from runtime.worker import run_worker

    settings = _settings()
    with provide_database_url(settings) as url:
        run_worker(settings, database_url=url)


@main.command()
def beat() -> None:
    """Ring for what is due: the sweep that finds lost work."""
    from runtime.worker import run_beat

    run_beat(_settings())


@main.command()
def collect() -> None:
    """Store sensor readings from MQTT."""
    from runtime.assembly import open_database
    from runtime.sensors import run_collector

    settings = _settings()
    with open_database(settings) as database:
        run_collector(settings, database)


@main.command()
@click.option("--code", help="Only those of this reason, such as reading.unknown_sensor.")
@click.option("--topic", "topic_prefix", help="Only those whose topic begins so.")
@click.option("--list", "only_list", is_flag=True, help="Show them, and try nothing.")
def replay(*, code: str | None, topic_prefix: str | None, only_list: bool) -> None:
    """Try dead letters again: sensor messages that could not be stored, once the cause is mended."""
    from iot.replay import replay_dead_letters
    from runtime.assembly import open_database
    from runtime.sensors import show_dead_letters

    with open_database(_settings()) as database:
        if only_list:
            show_dead_letters(database, code=code, topic_prefix=topic_prefix, tell=_tell)
            return
        result = replay_dead_letters(database, code=code, topic_prefix=topic_prefix)
    click.echo(
        f"{result.taken} dead letters tried again: {result.stored} readings stored,"
        f" {result.duplicate} were there already, {result.findings} findings; {result.dead} dead letters remain of them"
    )


@main.command()
def broker() -> None:
    """An embedded MQTT broker on loopback, for a demo: it keeps nothing through a kill."""
    from runtime.sensors import run_broker

    run_broker(_settings())


@main.command("broker-config")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--certificate", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True)
@click.option("--key", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True)
@click.option("--listen", default="0.0.0.0", show_default=True, help="Address.")  # noqa: S104 - it has passwords and TLS
@click.option("--port", default=8883, show_default=True, type=click.IntRange(1, 65535))
@click.option("--project", "projects", multiple=True, help="A project's id; silent: all projects.")
def broker_config(
    *, folder: Path, certificate: Path, key: Path, listen: str, port: int, projects: tuple[str, ...]
) -> None:
    """Write a Mosquitto's configuration with TLS, passwords, and an ACL by project; again whenever there is a new one.

    Prints the name and password of each new user, once.
    """
    from iot.mosquitto_configuration import Listener, write_guarded_configuration
    from runtime.sensors import list_project_ids

    chosen = projects or list_project_ids(_settings())
    listener = Listener(host=listen, port=port, certificate=certificate, key=key)
    fresh = write_guarded_configuration(folder, listener=listener, projects=chosen)
    for user, password in fresh.items():
        click.echo(f"{user}\t{password}")
    click.echo(f"start or reload Mosquitto with {folder / 'mosquitto.conf'}", err=True)


@main.command()
@click.option("--url", default="http://127.0.0.1:8000", show_default=True, help="Address of the service.")
@click.option("--token", envvar="SITEPROOF_TOKEN", help="Admin token; silent: that of SITEPROOF_HOME.")
@click.option("--camera-every", default=20.0, show_default=True, help="Seconds between the camera's photos.")
@click.option("--gauge-every", default=1.0, show_default=True, help="Seconds between the gauge's readings.")
def simulate(*, url: str, token: str | None, camera_every: float, gauge_every: float) -> None:
    """A sample road and bridge with a field camera and a settling gauge, published as real ones would."""
    from runtime.demonstration import run_demonstration

    settings = _settings()
    text = token or (settings.home / "admin.token").read_text(encoding="utf-8").strip()
    run_demonstration(settings, url=url, token=text, camera_every_s=camera_every, gauge_every_s=gauge_every, tell=_tell)


@main.command()
@click.option("--sensor", "sensor_id", help="Which sensor; else --project and --structure.")
@click.option("--project", "project_id", help="Whose structure.")
@click.option("--structure", help="All points of a structure, as the sensors' placements name it.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path, dir_okay=False), help="FILE.svg or .png")
@click.option("--from", "from_", help="Begin, like 2026-05-01 or 2026-05-01T08:00+08:00; silent: the first reading.")
@click.option("--to", help="End; silent: now. Without an offset it is the project's own time.")
@click.option("--lang", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
@click.option("--width", "width_px", default=1200, show_default=True, help="In pixels.")
@click.option("--height", "height_px", default=800, show_default=True, help="In pixels.")
def plot(
    *,
    sensor_id: str | None,
    project_id: str | None,
    structure: str | None,
    output: Path,
    from_: str | None,
    to: str | None,
    lang: str,
    width_px: int,
    height_px: int,
) -> None:
    """Draw a sensor, or a structure, as a picture: readings, gaps, alarm bands, events, forecast."""
    from iot.plot import PictureSize
    from iot.plot_words import Language
    from runtime.plot_command import PictureOrder, plot_sensor, plot_structure

    order = PictureOrder(output, from_, to, Language(lang), PictureSize(width_px, height_px))
    if sensor_id is not None and project_id is None and structure is None:
        plot_sensor(_settings(), sensor_id=sensor_id, order=order)
    elif sensor_id is None and project_id is not None and structure is not None:
        plot_structure(_settings(), project_id=project_id, structure=structure, order=order)
    else:
        raise click.UsageError("give --sensor, or --project and --structure")


@main.group()
def token() -> None:
    """Create, list and revoke bearer tokens."""


@token.command("create")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--area", required=True, help="Path like county/town/village; / is everywhere.")
@click.option("--project", help="Only this project.")
@click.option("--person", help="Whose token it is; who rectifies or closes issues must be named.")
@click.option("--name", help="What it is for.")
@click.option(
    "--qr", "address", metavar="ADDRESS", help="Also a QR code that signs a phone in at https://ADDRESS/field."
)
@click.option("--qr-file", type=click.Path(path_type=Path, dir_okay=False), help="The QR code as FILE.svg or .png.")
def create_token_command(
    *,
    role: str,
    area: str,
    project: str | None,
    person: str | None,
    name: str | None,
    address: str | None,
    qr_file: Path | None,
) -> None:
    """Print a new token, alone, once; the QR code goes to the standard error, or to a file."""
    from runtime.assembly import open_database
    from runtime.sign_in_code import make_field_page, show_code
    from storage.token import create_token

    if area != EVERYWHERE:
        require_area(area)
    if project is not None:
        require_caller_id(project)
    if qr_file is not None and address is None:
        raise click.UsageError("--qr-file needs --qr ADDRESS")
    page = None if address is None else make_field_page(address)
    with open_database(_settings()) as database, database.transaction() as connection:
        _, text = create_token(connection, role=Role(role), area=area, project_id=project, person=person, name=name)
    click.echo(text)
    if page is not None:
        show_code(f"{page}#token={text}", file=qr_file)


@token.command("list")
def list_tokens_command() -> None:
    """List tokens, one a line: id, role, area, project, person, name, state."""
    from runtime.assembly import open_database
    from storage.token import list_tokens

    with open_database(_settings()) as database, database.transaction() as connection:
        for each in list_tokens(connection):
            state = "revoked" if each.revoked_at else "active"
            fields = (each.id, each.role, each.area, each.project_id, each.person, each.name, state)
            click.echo("\t".join("-" if field is None else str(field) for field in fields))


@token.command("revoke")
@click.argument("token_id")
def revoke_token_command(token_id: str) -> None:
    """Make a token useless from now on."""
    from runtime.assembly import open_database
    from storage.token import revoke_token

    parsed: UUID | None = parse_uuid(token_id)
    with open_database(_settings()) as database, database.transaction() as connection:
        revoked = parsed is not None and revoke_token(connection, token_id=parsed)
    if not revoked:
        raise click.ClickException(f"there is no token {token_id}")


@main.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@click.option("--boundary", type=click.Path(path_type=Path, dir_okay=False), help="GeoJSON Feature to check against.")
@click.option("--crs", help="The boundary's frame, where the file does not say: wgs84, gcj02, bd09, EPSG:n.")
@click.option("--alignment", type=click.Path(path_type=Path, dir_okay=False), help="GeoJSON Feature for chainage.")
@click.option("--min-score", type=click.FloatRange(0, 1), help="Instead of the model's own thresholds.")
@click.option("--rules", type=click.Path(path_type=Path, dir_okay=False), help="YAML of hazard rules to judge by.")
@click.option("--kind", type=click.Choice([kind.value for kind in ProjectKind]), help="What is being built there.")
@click.option("--json", "as_json", is_flag=True, help="A line of JSON a file.")
def check(
    *,
    files: tuple[Path, ...],
    boundary: Path | None,
    crs: str | None,
    alignment: Path | None,
    min_score: float | None,
    rules: Path | None,
    kind: str | None,
    as_json: bool,
) -> None:
    """Judge photos and clips with no server.

    Exit code 0: nothing found; 1: findings; 2: a file could not be read (the others are still judged).
    """
    from runtime.file_check import check_files

    code = check_files(
        files,
        settings=_settings(),
        boundary=boundary,
        crs=crs,
        alignment=alignment,
        min_score=min_score,
        rules=rules,
        project_kind=None if kind is None else ProjectKind(kind),
        tell=lambda line: click.echo(json.dumps(line, ensure_ascii=False) if as_json else format_check(line)),
    )
    sys.exit(code)


def format_check(line: dict[str, Any]) -> str:
    """One judged file for a person to read."""
    if "error" in line:
        return f"{line['file']}: {line['error']['detail']} [{line['error']['code']}]"
    rows = [f"{line['file']}: grade {line['evidence']['grade']}"]
    rows += [f"  {each['verdict']:<8}{each['code']:<28}{each['detail']['en']}" for each in line["checks"]]
    seen: dict[str, int] = {}
    for each in line["detections"]:
        seen[each["label"]] = seen.get(each["label"], 0) + 1
    rows.append("  seen    " + (", ".join(f"{count} {label}" for label, count in seen.items()) or "nothing known"))
    rows += [f"  FINDING {each['code']:<28}{each['title']['en']}" for each in line["findings"]]
    rows += [f"  unknown {code:<28}cannot tell, persons: {count}" for code, count in line["cannot_tell"].items()]
    return "\n".join(rows)


@main.command()
def doctor() -> None:
    """What is reachable, which versions, what is missing and how to get it."""
    from runtime.doctor import examine_installation

    healthy = True
    for part, state, advice in examine_installation(_settings()):
        healthy = healthy and not advice
        click.echo(f"{part:<24}{state}" + (f"\n{'':<24}-> {advice}" if advice else ""))
    sys.exit(0 if healthy else 1)


for _command in (
    backup,
    calibrate_command,
    deliver,
    erase,
    evaluate,
    export,
    export_dataset_command,
    import_readings,
    log,
    measure_command,
    model,
    print_board_command,
    restore,
    train,
    verify,
    watch,
):
    main.add_command(_command)
main.add_command(persons, name="evaluate persons")
main.add_command(conformance, name="evaluate conformance")


def _settings(**given: object) -> Settings:
    return read_settings(**given)


def _tell(line: str) -> None:
    click.echo(line)
    sys.stdout.flush()
