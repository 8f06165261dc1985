"""`siteproof watch`, as it is typed; what it does is loaded when it is called."""

from pathlib import Path
from typing import Literal

import click

from domain.identifier import require_caller_id
from runtime.settings import read_settings


@click.command()
@click.argument("source")
@click.option("--camera", required=True, help="The camera's id in the project.")
@click.option("--project", default="", help="The project's id; silent: the one that the token is for.")
@click.option("--url", help="Of the API; silent: this machine's.")
@click.option("--token", envvar="SITEPROOF_TOKEN", help="A field token; better in SITEPROOF_TOKEN.")
@click.option("--token-file", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Instead of --token.")
@click.option("--every", default=60.0, show_default=True, type=click.FloatRange(1, 86_400), help="Snapshots [s].")
@click.option("--clip", default=10.0, show_default=True, type=click.FloatRange(0, 120), help="Length; 0: none [s].")
@click.option("--clip-every", default=300.0, show_default=True, type=click.FloatRange(1, 86_400), help="At most [s].")
@click.option("--transport", type=click.Choice(["auto", "tcp", "udp"]), default="auto", show_default=True)
@click.option("--queue-mb", default=2048, show_default=True, type=click.IntRange(16, 1_000_000), help="On disk [MB].")
@click.option("--home", type=click.Path(path_type=Path, file_okay=False), help="Where queue and record are kept.")
def watch(
    *,
    source: str,
    camera: str,
    project: str,
    url: str | None,
    token: str | None,
    token_file: Path | None,
    every: float,
    clip: float,
    clip_every: float,
    transport: Literal["auto", "tcp", "udp"],
    queue_mb: int,
    home: Path | None,
) -> None:
    """Send what an RTSP camera shows, or what a camera writes into a folder, as a field camera.

    SOURCE is an rtsp:// address (a snapshot each --every seconds, and a clip of --clip seconds when something moves,
    at most each --clip-every seconds) or a folder (each file once). It runs until Ctrl-C; what was accepted is sent
    after a restart, also after kill -9.
    """
    from runtime.watch_process import run_watch  # noqa: PLC0415 - loads the decoder

    require_caller_id(camera)
    if project:
        require_caller_id(project)
    text = token_file.read_text(encoding="utf-8").strip() if token_file is not None else token
    if not text:
        raise click.UsageError("give a field token: SITEPROOF_TOKEN, --token or --token-file")
    settings = read_settings(home=None if home is None else home.resolve())
    run_watch(
        source,
        settings=settings,
        camera_id=camera,
        project_id=project,
        url=url or f"http://{settings.host}:{settings.port}",
        token=text,
        every_s=every,
        clip_s=clip,
        clip_every_s=clip_every,
        transport=transport,
        max_bytes=queue_mb * 1_000_000,
    )
