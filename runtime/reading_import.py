"""A run of `siteproof import-readings`: all files are looked through first, then stored, and told of one by one."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from domain.errors import SiteproofError, Unavailable
from iot.batch import SensorDirectory
from iot.logger_date import DAY_FIRST, MONTH_FIRST, parse_date_format
from iot.logger_file import FileTooLarge, RejectedFile, TableFile, UnreadableFile, list_table_files
from iot.logger_import import ImportResult, describe_import, import_file, try_import
from iot.logger_layout import find_column, parse_delimiter
from iot.logger_number import Mark
from iot.logger_plan import ImportOptions, ImportPlan, plan_import
from iot.logger_question import UnknownColumn
from iot.logger_time import EPOCHS, SERIALS
from runtime.assembly import open_database
from runtime.settings import read_settings
from storage.database import Database

EXIT_BAD_ROWS: Final = 1
EXIT_UNREADABLE: Final = 2
EXIT_INTERRUPTED: Final = 130  # 128 and the number of SIGINT, as shells have it
Say = Callable[[dict[str, Any]], None]


def run_import(
    files: Sequence[Path],
    *,
    only_list: bool,
    as_json: bool,
    order: str | None,
    date_format: str | None,
    decimal: str | None,
    delimiter: str | None,
    **said: Any,  # noqa: ANN401 - fields of ImportOptions
) -> int:
    """Import files as the command's options say, and give the exit code.

    Args:
        files: in their order.
        only_list: store nothing.
        as_json: a line of JSON a file.
        order: `day` or `month` first.
        date_format: of dates, or of numbers.
        decimal: before the decimals.
        delimiter: by name or sign.
        said: the other fields of ImportOptions.

    Raises:
        SiteproofError: an option cannot be worked with, or the database is not there.
    """
    is_number = date_format in EPOCHS or date_format in SERIALS
    if order is not None and date_format is not None and not is_number:
        raise click.UsageError("say one of --day-first, --month-first and --date-format")
    dates = {None: None, "day": DAY_FIRST, "month": MONTH_FIRST}[order]
    options = ImportOptions(
        dates=dates if date_format is None or is_number else parse_date_format(date_format),
        time_format=date_format if is_number else None,
        decimal=None if decimal is None else Mark(decimal),
        delimiter=None if delimiter is None else parse_delimiter(delimiter),
        **said,
    )
    with open_database(read_settings()) as database:
        run = Import(database, options, say=say_json if as_json else say_text, now=datetime.now(UTC))
        return run.run(files, only_list=only_list)


@dataclass(slots=True)
class Import:
    """One run of the command.

    Attributes:
        options: what a person said.
        say: tells of one file: `describe_import`'s object, or its name with an `error`.
        now: when it began.
    """

    database: Database
    options: ImportOptions
    say: Say
    now: datetime

    def run(self, files: Sequence[Path], *, only_list: bool) -> int:
        """Import files, and give the exit code."""
        directory = SensorDirectory()
        plans, code, has_question = self._plan(files, directory)
        if has_question and not only_list:
            return code
        if not has_question:
            self._require_columns(plans)
        for plan in plans:
            result = ImportResult()
            try:
                if only_list:
                    result = try_import(plan, now=self.now)
                else:
                    self._store(plan, directory, result)
            except KeyboardInterrupt:
                self.say(describe_import(plan, result) | {"is_broken_off": True})
                return EXIT_INTERRUPTED
            except SiteproofError as error:
                self.say(describe_import(plan, result) | {"error": {"code": error.code, "detail": error.detail}})
                if isinstance(error, Unavailable):
                    return EXIT_UNREADABLE
                code = EXIT_UNREADABLE
                continue
            self.say(describe_import(plan, result) | {"is_list": only_list})
            if result.bad_rows or result.dead:
                code = max(code, EXIT_BAD_ROWS)
        return code

    def _plan(self, files: Sequence[Path], directory: SensorDirectory) -> tuple[list[ImportPlan], int, bool]:
        """The plans of what can be read, the exit code, and whether there is a question: its answer may go for all."""
        plans: list[ImportPlan] = []
        has_question, code = False, 0
        for table in (each for path in files for each in list_table_files(path)):
            try:
                plans.append(self._plan_one(table, directory))
            except Unavailable:
                raise
            except SiteproofError as error:
                code = EXIT_UNREADABLE
                has_question = has_question or not isinstance(error, UnreadableFile | FileTooLarge)
                self.say({"file": table.name, "error": {"code": error.code, "detail": error.detail, **error.facts}})
        return plans, code, has_question

    def _plan_one(self, table: TableFile | RejectedFile, directory: SensorDirectory) -> ImportPlan:
        if isinstance(table, RejectedFile):
            raise table.error
        with self.database.transaction() as connection:
            return plan_import(connection, file=table, options=self.options, directory=directory, now=self.now)

    def _require_columns(self, plans: Sequence[ImportPlan]) -> None:
        """Refuse a column that no file has, before anything is stored: it is a slip of the pen.

        Raises:
            UnknownColumn: there is such.
        """
        for name in self.options.mapping:
            if plans and not any(find_column(plan.layout.columns, name) for plan in plans):
                raise UnknownColumn(f"no file has a column called {name!r}")

    def _store(self, plan: ImportPlan, directory: SensorDirectory, result: ImportResult) -> None:
        with click.progressbar(
            length=plan.rows, label=plan.name[-40:], file=sys.stderr, hidden=not sys.stderr.isatty()
        ) as bar:
            import_file(
                self.database.transaction,
                plan,
                directory=directory,
                now=self.now,
                result=result,
                tell=lambda done: bar.update(done.rows - bar.pos),
            )


def say_json(line: dict[str, Any]) -> None:
    """Tell of a file in a line of JSON."""
    click.echo(json.dumps(line, ensure_ascii=False))


def say_text(line: dict[str, Any]) -> None:
    """Tell of a file in some lines for a person; of one that cannot be imported on the error stream."""
    click.echo(format_import(line), err="rows" not in line)


def format_import(line: dict[str, Any]) -> str:
    """One file for a person to read."""
    if "rows" not in line:
        return f"{line['file']}: {line['error']['detail']} [{line['error']['code']}]"
    rows = [line["file"], *_format_plan(line), *_format_rows(line)]
    if not line.get("is_list"):
        dead = f", {line['dead']} became dead letters: their calibration gives no number" if line["dead"] else ""
        rows.append(
            f"  stored    {line['stored']} readings; {line['duplicate']} were there already;"
            f" {line['findings']} findings{dead}"
        )
    if line.get("is_broken_off"):
        rows.append("  BROKEN OFF: run it again, each reading is stored once")
    if "error" in line:
        rows.append(f"  ENDED EARLY: {line['error']['detail']} [{line['error']['code']}]")
    return "\n".join(rows)


def _format_plan(line: dict[str, Any]) -> list[str]:
    divided = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "blanks"}.get(line["delimiter"] or "")
    rows = [f"  encoding  {line['encoding']}: {line['encoding_evidence']}"] if line["encoding"] else []
    rows += [f"  sheet     {line['sheet']}"] if line["sheet"] else [f"  columns   divided by {divided}"]
    rows.append(f"  decimals  {line['decimal_evidence']}")
    rows.append(f"  times     in {' and '.join(map(repr, line['time_columns']))}")
    rows += [f"  dates     {each}" for each in line["date_evidence"]]
    rows.append(f"  zone      {line['time_zone']}")
    rows += [
        f"  column    {each['column']!r} to sensor {each['sensor_id']}: {each['unit']}" for each in line["columns"]
    ]
    return rows + [f"  left out  column {each!r}" for each in line["left_out"]]


def _format_rows(line: dict[str, Any]) -> list[str]:
    rows = []
    for name in ("first", "last"):
        if (row := line[name]) is not None:
            values = ", ".join("missing" if each is None else f"{each:.12g}" for each in row["values"])
            rows.append(f"  {name:<10}{row['t']}  {values}  (line {row['line']})")
    rows.append(
        f"  rows      {line['rows']}, {line['bad_rows']} of them bad; {line['readings']} values,"
        f" {line['missing']} missing"
    )
    rows += [f"  BAD       line {each['line']}: {each['detail']} [{each['code']}]" for each in line["bad"]]
    if (more := sum(line["bad_codes"].values()) - len(line["bad"])) > 0:
        rows.append(f"  BAD       and {more} more")
    return rows
