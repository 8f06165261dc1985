"""Leaves, roots and proofs are those of transparency-dev/merkle, proof/verify_test.go (the reference of RFC 6962)."""

import hashlib
from itertools import pairwise

import pytest

from findings.merkle import (
    EMPTY_ROOT,
    fold,
    grow,
    hash_leaf,
    hash_range,
    list_consistency_ranges,
    list_inclusion_ranges,
    list_range_nodes,
    verify_consistency,
    verify_inclusion,
)

LEAVES = [
    bytes.fromhex(each)
    for each in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    bytes.fromhex(each)
    for each in (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
]
# (index, size): the hashes of the path, the lowest first.
PATHS = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CONSISTENCY = {
    (1, 1): [],
    (1, 8): PATHS[0, 8],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
    (6, 7): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
}
NODES = grow({}, 0, map(hash_leaf, LEAVES))


def make_path(ranges: list[tuple[int, int]]) -> list[bytes]:
    """The hashes of ranges of the eight leaves."""
    return [hash_range(NODES, *each) for each in ranges]


def test_root__of_each_size__is_the_reference_s() -> None:
    """All sizes up to eight, and RFC 6962's hash of nothing."""
    assert [hash_range(NODES, 0, size) for size in range(1, 9)] == ROOTS
    assert fold([]) == EMPTY_ROOT == hashlib.sha256(b"").digest()


@pytest.mark.parametrize(("index", "size"), PATHS)
def test_inclusion__reference_proofs__are_made_and_hold(index: int, size: int) -> None:
    """The path is the reference's, holds, and holds for nothing else."""
    path = [bytes.fromhex(each) for each in PATHS[index, size]]
    assert make_path(list_inclusion_ranges(index, size)) == path
    leaf, root = hash_leaf(LEAVES[index]), ROOTS[size - 1]
    assert verify_inclusion(leaf=leaf, index=index, size=size, path=path, root=root)
    wrong = [[*path, root], [root, *path], *([*path[:at], bytes(32), *path[at + 1 :]] for at in range(len(path)))]
    wrong += [path[:-1]] if path else []
    assert not any(verify_inclusion(leaf=leaf, index=index, size=size, path=each, root=root) for each in wrong)
    for other in {*range(-1, 9)} - {index}:
        assert not verify_inclusion(leaf=leaf, index=other, size=size, path=path, root=root)
    for other in (0, size * 2, size // 2):
        assert not verify_inclusion(leaf=leaf, index=index, size=other, path=path, root=root)
    assert not verify_inclusion(leaf=bytes(32), index=index, size=size, path=path, root=root)


@pytest.mark.parametrize(("first", "second"), CONSISTENCY)
def test_consistency__reference_proofs__are_made_and_hold(first: int, second: int) -> None:
    """The proof is the reference's, holds, and holds for nothing else."""
    proof = [bytes.fromhex(each) for each in CONSISTENCY[first, second]]
    assert make_path(list_consistency_ranges(first, second)) == proof
    roots = {"first_root": ROOTS[first - 1], "second_root": ROOTS[second - 1]}
    assert verify_consistency(first=first, second=second, proof=proof, **roots)
    wrong = [[*proof, bytes(32)], [ROOTS[0], *proof]]
    wrong += [proof[:-1]] if proof else []
    wrong += [[*proof[:at], bytes(32), *proof[at + 1 :]] for at in range(len(proof))]
    assert not any(verify_consistency(first=first, second=second, proof=each, **roots) for each in wrong)
    if first != second:
        swapped = {"first_root": ROOTS[second - 1], "second_root": ROOTS[first - 1]}
        assert not verify_consistency(first=first, second=second, proof=proof, **swapped)
        assert not verify_consistency(first=second, second=first, proof=proof, **roots)


def test_consistency__of_nothing__holds_with_an_empty_proof_alone() -> None:
    """Every tree begins with the empty one."""
    roots = {"first_root": EMPTY_ROOT, "second_root": ROOTS[2]}
    assert verify_consistency(first=0, second=3, proof=[], **roots)
    assert not verify_consistency(first=0, second=3, proof=[ROOTS[0]], **roots)
    assert not verify_consistency(first=1, second=2, proof=[], first_root=ROOTS[0], second_root=ROOTS[1])


def test_grow__in_parts__gives_the_nodes_of_the_whole_and_every_proof_holds() -> None:
    """However 70 leaves are cut into batches, nodes, paths and consistency are the same."""
    leaves = [hash_leaf(bytes([each])) for each in range(70)]
    whole = grow({}, 0, leaves)
    parts: dict[tuple[int, int], bytes] = {}
    for start, end in pairwise((0, 1, 2, 5, 33, 64, 70)):
        frontier = {each: parts[each] for each in list_range_nodes(0, start)}
        parts |= grow(frontier, start, leaves[start:end])
    assert parts == whole
    # 70 + 35 + 17 + 8 + 4 + 2 + 1: as many nodes as complete subtrees, and no more.
    assert len(whole) == 137
    for size in range(1, 71):
        root = hash_range(whole, 0, size)
        for index in range(size):
            path = [hash_range(whole, *each) for each in list_inclusion_ranges(index, size)]
            assert verify_inclusion(leaf=leaves[index], index=index, size=size, path=path, root=root)
        for first in range(size + 1):
            proof = [hash_range(whole, *each) for each in list_consistency_ranges(first, size)]
            first_root = hash_range(whole, 0, first)
            assert verify_consistency(first=first, second=size, proof=proof, first_root=first_root, second_root=root)
