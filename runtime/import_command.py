"""`siteproof import-readings`, as it is typed; what it does is loaded when it is called."""

import sys
from pathlib import Path

import click


@click.command("import-readings")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@click.option("--sensor", help="Whose the values are, where a file has one column of them.")
@click.option("--map", "mapping", multiple=True, metavar="COLUMN=SENSOR", help="Whose a column is; again for each.")
@click.option("--list", "only_list", is_flag=True, help="Show what would be imported, and store nothing.")
@click.option("--day-first", "order", flag_value="day", help="In dates the day stands before the month.")
@click.option("--month-first", "order", flag_value="month", help="In dates the month stands before the day.")
@click.option(
    "--date-format",
    help="The date's order, such as %Y-%d-%m, for dates that are written so; of numbers: epoch-s, epoch-ms, epoch-us,"
    " epoch-ns, excel, excel1904.",
)
@click.option("--time-zone", help="Of times that state none: Asia/Shanghai, UTC, +08:00. Silent: the project's.")
@click.option(
    "--repeated-hour", type=click.Choice(["earlier", "later"]), help="Where clocks were set back: which pass."
)
@click.option(
    "--time-column", "time_columns", multiple=True, help="Which column holds times; twice: dates, times of day."
)
@click.option("--unit", "units", multiple=True, metavar="[COLUMN=]UNIT", help="Instead of the heading's, such as mm.")
@click.option("--raw", "is_raw", is_flag=True, help="Values are the gauge's own, for the sensor's calibration.")
@click.option("--encoding", help="Such as utf-8, gb18030, cp1252.")
@click.option("--delimiter", help="comma, semicolon, tab, bar or blank.")
@click.option("--decimal", type=click.Choice(["point", "comma"]), help="What stands before the decimals.")
@click.option("--missing", multiple=True, help="A further text that stands where there is no value, such as -9999.")
@click.option("--sheet", help="Of a workbook.")
@click.option("--json", "as_json", is_flag=True, help="A line of JSON a file.")
def import_readings(
    *,
    files: tuple[Path, ...],
    sensor: str | None,
    mapping: tuple[str, ...],
    only_list: bool,
    order: str | None,
    date_format: str | None,
    time_zone: str | None,
    repeated_hour: str | None,
    time_columns: tuple[str, ...],
    units: tuple[str, ...],
    is_raw: bool,
    encoding: str | None,
    delimiter: str | None,
    decimal: str | None,
    missing: tuple[str, ...],
    sheet: str | None,
    as_json: bool,
) -> None:
    """Import loggers' files: CSV, TSV or Excel (.xlsx), or zip files of such, as readings of registered sensors.

    What a file does not prove is asked and never guessed: then nothing at all is stored, and the message names the
    option that answers. An answer goes for every file of the command. Rows that cannot be read are told, and the
    others stored. It may be broken off and run again: each reading is stored once.

    Exit code 0: every row was read; 1: there were bad rows; 2: a question, or a file that could not be read (the
    others are imported); 130: broken off.
    """
    from runtime.reading_import import run_import

    if sensor is None and not mapping and not only_list:
        raise click.UsageError("say --sensor, or --map for each column")
    sys.exit(
        run_import(
            files,
            only_list=only_list,
            as_json=as_json,
            mapping=dict(_split_pair(each, option="--map") for each in mapping),
            units=dict(_split_pair(each, option="--unit") if "=" in each else ("", each) for each in units),
            order=order,
            date_format=date_format,
            decimal=decimal,
            delimiter=delimiter,
            sensor=sensor,
            encoding=encoding,
            time_zone=time_zone,
            time_columns=time_columns,
            sheet=sheet,
            missing=frozenset(each.casefold() for each in missing),
            repeated_hour=repeated_hour,
            is_raw=is_raw,
        )
    )


def _split_pair(text: str, *, option: str) -> tuple[str, str]:
    column, equals, value = text.rpartition("=")
    if not equals or not column.strip() or not value.strip():
        raise click.BadParameter(f"{text!r} is not like COLUMN=...", param_hint=option)
    return column.strip(), value.strip()
