from domain.picture_hash import ALIKE_BITS, BITS, PictureHash, count_different_bits, list_keys, list_probes

ORDER = tuple(range(BITS))


def test_list_keys__a_band_is_every_fourth_bit_under_its_own_number() -> None:
    """Bits 0, 4 and 63: band 0 has places 0 and 1 (1 + 2), band 3 place 15; the band's number is above."""
    assert list_keys(1 | 1 << 4 | 1 << 63) == [3, 1 << 16, 2 << 16, (3 << 16) + (1 << 15)]


def test_list_probes__the_least_certain_bits_are_turned_alone_and_in_pairs() -> None:
    """A band has 1 + 5 + 5 * 4 / 2 = 16 keys, all different; the hash's own are among them."""
    probes = list_probes(PictureHash(0, ORDER))
    assert len(probes) == len(set(probes)) == 4 * 16
    assert set(list_keys(0)) <= set(probes)
    assert set(list_keys(1 | 1 << 4)) <= set(probes), "the two least certain bits of band 0"
    assert set(list_keys(1 << 20)) - set(probes) == {1 << 5}, "the sixth of band 0 is certain enough"


def test_list_probes__three_bits_that_differ_anywhere__share_a_band() -> None:
    """Three differences leave one of four bands untouched."""
    for different in ((0, 1, 2), (61, 62, 63), (3, 21, 50)):
        other = sum(1 << number for number in different)
        assert set(list_keys(other)) & set(list_probes(PictureHash(0, ORDER[::-1])))


def test_count_different_bits() -> None:
    """0b1100 and 0b1010 differ in two places; nothing differs more than all bits, and unrelated ones in about half."""
    assert count_different_bits(0b1100, 0b1010) == 2
    assert count_different_bits(0, 2**BITS - 1) == BITS
    assert ALIKE_BITS < BITS / 4
