"""`siteproof evaluate persons`: what the decisions about persons are worth, on labelled pictures, without torch."""

from pathlib import Path

import click

from runtime.settings import read_settings


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    required=True,
    help="Folder with data.yaml and val/ (YOLO labels).",
)
@click.option("--rules", type=click.Path(path_type=Path, dir_okay=False), help="YAML of hazard rules to judge by.")
def persons(*, data: Path, rules: Path | None) -> None:
    """Who lacks a hard hat or a vest: precision and recall by person, with 95 % intervals, and by size."""
    from vision.detector_choice import load_detector  # noqa: PLC0415 - each command loads only what it runs
    from vision.hazard_rules import load_hazard_rules  # noqa: PLC0415 - the same
    from vision.person_evaluation import evaluate_persons  # noqa: PLC0415 - the same

    settings = read_settings()
    detector = load_detector(
        settings.weights,
        backend=settings.detector,
        threads=settings.inference_threads,
        cache_dir=settings.home / "compiled",
    )
    in_force = load_hazard_rules(rules or settings.hazard_rules)
    evaluate_persons(data, detector=detector, rules=in_force, tell=click.echo)
