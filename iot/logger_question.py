"""What a logger's file does not prove and must be asked: errors that name the candidates and the answer's option."""

from typing import ClassVar

from domain.errors import Invalid


class ImportQuestion(Invalid):
    """A file that can be read in several ways, none of which is proven; the sentence names them and the option."""

    code: ClassVar[str] = "import.question"


class UnknownEncoding(ImportQuestion):
    """Bytes that are text in several encodings, or in none of those looked for."""

    code: ClassVar[str] = "import.unknown_encoding"


class UnknownDelimiter(ImportQuestion):
    """Columns that could be told apart in several ways."""

    code: ClassVar[str] = "import.unknown_delimiter"


class UnknownDecimalMark(ImportQuestion):
    """Numbers like 1,234, which are a thousand or one; or commas in some rows and points in others."""

    code: ClassVar[str] = "import.unknown_decimal_mark"


class UnknownDateOrder(ImportQuestion):
    """Dates of which day and month could be swapped."""

    code: ClassVar[str] = "import.unknown_date_order"


class ContradictoryDates(ImportQuestion):
    """Dates that say one thing, and the file's name or their own course, which say another."""

    code: ClassVar[str] = "import.contradictory_dates"


class UnknownTimeFormat(ImportQuestion):
    """Numbers in the column of times that could be counted from several beginnings."""

    code: ClassVar[str] = "import.unknown_time_format"


class UnknownTimeColumn(ImportQuestion):
    """No column of times, or several."""

    code: ClassVar[str] = "import.unknown_time_column"


class UnknownColumn(ImportQuestion):
    """A column that is asked for and not there, or there twice; or several where one is expected."""

    code: ClassVar[str] = "import.unknown_column"


class UnknownUnit(ImportQuestion):
    """A unit in a heading that is none that we know, or that does not convert to the sensor's."""

    code: ClassVar[str] = "import.unknown_unit"


class UnknownZone(ImportQuestion):
    """Times without a zone where none can be taken from the project, or one that does not exist."""

    code: ClassVar[str] = "import.unknown_time_zone"


class UnknownSheet(ImportQuestion):
    """A workbook with several sheets of data, or without the one that is asked for."""

    code: ClassVar[str] = "import.unknown_sheet"
