"""`siteproof print-board`, `calibrate`, `measure` and `evaluate conformance`: dimensions by a fiducial board."""

import json
import sys
from pathlib import Path
from typing import Any, Final

import click

_FILE: Final = click.Path(path_type=Path, dir_okay=False)
_SPEC_HELP: Final = (
    "Like aruco:DICT_6X6_1000:5x4:37.5mm:5mm (columns x rows, side, gap) or apriltag:36h11:...; :20 the first id."
)
_QUANTITIES: Final = ("rebar_spacing", "width", "thickness")


@click.command("print-board")
@click.option("--board", "spec", required=True, metavar="SPEC", help=_SPEC_HELP)
@click.option("-o", "--output", required=True, type=_FILE, help="The PDF.")
def print_board_command(*, spec: str, output: Path) -> None:
    """Write a board as a PDF at its true size, with a ruler to check the print by."""
    from vision.board import parse_board  # noqa: PLC0415 - each command loads only what it runs
    from vision.board_print import choose_paper, print_board  # noqa: PLC0415 - the same

    board = parse_board(spec)
    output.write_bytes(print_board(board))
    click.echo(
        f"{output}: {choose_paper(board).name}; print at 100 %, and check that the ruler is 100 mm long", err=True
    )


@click.command("calibrate")
@click.argument("photos", nargs=-1, required=True, metavar="PHOTO...", type=_FILE)
@click.option("--board", "spec", required=True, metavar="SPEC", help=_SPEC_HELP)
@click.option("-o", "--output", required=True, type=_FILE, help="The camera, as JSON.")
def calibrate_command(*, photos: tuple[Path, ...], spec: str, output: Path) -> None:
    """Find a camera's focal length and distortion from photos of a board, taken from several sides.

    Photos that do not show the board are told and left out; what does not determine the camera is refused.
    """
    from runtime.board_photos import calibrate_camera  # noqa: PLC0415 - the same

    told = calibrate_camera(photos, spec=spec, tell=lambda line: click.echo(line, err=True))
    output.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    click.echo(
        f"{output}: focal length {told['focal_px']:.1f} +/- {told['focal_u_px']:.1f} px, k1 {told['distortion'][0]:.4f}"
    )


@click.command("measure")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=_FILE)
@click.option(
    "--board",
    "specs",
    required=True,
    multiple=True,
    metavar="SPEC",
    help=_SPEC_HELP + " A second one checks the first.",
)
@click.option(
    "--camera", type=_FILE, help="What `siteproof calibrate` wrote; silent: EXIF, or a guess as uncertain as it is."
)
@click.option("--quantity", "quantities", multiple=True, type=click.Choice(_QUANTITIES), help="Silent: every one.")
@click.option("--require", "wanted", multiple=True, metavar="QUANTITY:NOMINAL:TOLERANCE", help="In mm, for a verdict.")
@click.option(
    "--mark", "marks", multiple=True, metavar="X,Y", help="Twice: about where the two edges are, in the photo's pixels."
)
@click.option(
    "--plane-error",
    type=click.FloatRange(0),
    help="Standard uncertainty of the board's height over what is measured [mm].",
)
@click.option(
    "--overlay",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for pictures that show what was measured.",
)
@click.option("--json", "as_json", is_flag=True, help="A line of JSON a file.")
def measure_command(*, as_json: bool, **given: Any) -> None:  # noqa: ANN401 - click's options, handed on as they came
    """Measure what lies in the plane of a board: rebar spacing, a width, a thickness, with uncertainties.

    Exit code 0: all measured, nothing fails; 1: something fails or cannot be told; 2: a file could not be read.
    """
    from runtime.board_photos import measure_files  # noqa: PLC0415 - the same

    code = measure_files(
        **given,
        tell=lambda line: click.echo(json.dumps(line, ensure_ascii=False) if as_json else format_measured(line)),
    )
    sys.exit(code)


@click.command()
@click.option("--scenes", default=100, show_default=True, type=click.IntRange(1), help="Of each of three kinds.")
@click.option("--seed", default=2026, show_default=True, type=int)
def conformance(*, scenes: int, seed: int) -> None:
    """Measure rendered scenes whose truth is known: errors, intervals, and what is told to be unmeasurable."""
    from vision.conformance_evaluation import evaluate_conformance  # noqa: PLC0415 - the same

    evaluate_conformance(scenes=scenes, seed=seed, tell=click.echo)


def format_measured(line: dict[str, Any]) -> str:
    """One measured file for a person to read."""
    if "error" in line:
        return f"{line['file']}: {line['error']['detail']} [{line['error']['code']}]"
    board = line["board"]
    seen = (
        ""
        if board is None
        else f": board {board['distance_mm']:.0f} mm away, tilted by {board['tilt_deg']:.0f} degrees"
    )
    rows = [line["file"] + seen]
    for each in line["measurements"]:
        name = each["quantity"] + (f" {each['direction']}" if "direction" in each else "")
        verdict = "" if each["verdict"] is None else f"  {each['verdict']}"
        missing = f"  missing bars: {each['missing_bars']}" if each.get("missing_bars") else ""
        rows.append(f"  {name:<18}{each['value_mm']:>9.1f} mm +/- {1.96 * each['u_mm']:.1f} (95 %){verdict}{missing}")
    rows += [
        f"  {each['quantity']:<18}cannot tell: {each['detail']['en']} [{each['code']}]" for each in line["cannot_tell"]
    ]
    return "\n".join(rows)
