import pytest

from storage.page import InvalidCursor, cut_page, decode_cursor, encode_cursor


@pytest.mark.parametrize("numbers", [(0,), (1, 2), (2**63 - 1,)])
def test_decode_cursor__of_an_encoded_one__gives_the_numbers_back(numbers: tuple[int, ...]) -> None:
    """What was given out is read again."""
    assert decode_cursor(encode_cursor(*numbers), count=len(numbers)) == numbers


@pytest.mark.parametrize("cursor", ["x", "!!!!", encode_cursor(1, 2), "LTE", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk", "é"])
def test_decode_cursor__made_up__is_refused(cursor: str) -> None:
    """Nonsense, two numbers for one, negative ones and such beyond 64 bits are no cursors."""
    with pytest.raises(InvalidCursor):
        decode_cursor(cursor)


@pytest.mark.parametrize(("rows", "items", "more"), [(0, 0, False), (2, 2, False), (3, 2, True)])
def test_cut_page__one_row_more_than_the_limit__means_that_there_is_more(rows: int, items: int, *, more: bool) -> None:
    """Of limit + 1 rows the last only tells that there is another page."""
    page = cut_page([(number, str(number)) for number in range(1, rows + 1)], limit=2)
    assert len(page.items) == items
    assert (page.next == encode_cursor(2)) is more
