"""The Merkle tree of RFC 6962, section 2.1 (the same as RFC 9162's): hashes, which nodes a proof needs, and verifying.

Pure: no storage. A node is named by (level, index): it covers the leaves [index * 2**level, (index + 1) * 2**level),
and is written once, when its last leaf comes. Every root and every proof of every size is made of such nodes.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

Node: TypeAlias = tuple[int, int]
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()


def hash_leaf(content: bytes) -> bytes:
    """The hash of a leaf; its prefix keeps a leaf from passing for a node."""
    return hashlib.sha256(b"\x00" + content).digest()


def hash_children(left: bytes, right: bytes) -> bytes:
    """The hash of a node above two others."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def list_range_nodes(start: int, end: int) -> list[Node]:
    """The complete nodes that together cover the leaves [start, end), from left to right.

    Args:
        start: a multiple of the largest power of two below `end - start`, as every range of a proof is.
        end: behind the last leaf.
    """
    nodes = []
    while start < end:
        level = (end - start).bit_length() - 1
        nodes.append((level, start >> level))
        start += 1 << level
    return nodes


def fold(hashes: Sequence[bytes]) -> bytes:
    """The hash above neighbouring complete nodes of falling size, the largest leftmost; of none, the empty tree's."""
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for each in reversed(hashes[:-1]):
        root = hash_children(each, root)
    return root


def hash_range(nodes: Mapping[Node, bytes], start: int, end: int) -> bytes:
    """The hash of the leaves [start, end) from stored nodes."""
    return fold([nodes[each] for each in list_range_nodes(start, end)])


def grow(frontier: Mapping[Node, bytes], size: int, leaves: Iterable[bytes]) -> dict[Node, bytes]:
    """The nodes that appear when leaves are appended.

    Args:
        frontier: the nodes of `list_range_nodes(0, size)`.
        size: of the tree before.
        leaves: hashes of the new leaves, in order.
    """
    fresh: dict[Node, bytes] = {}
    for index, leaf in enumerate(leaves, start=size):
        node, value = (0, index), leaf
        fresh[node] = value
        while node[1] % 2:
            level, position = node
            sibling = (level, position - 1)
            value = hash_children(fresh[sibling] if sibling in fresh else frontier[sibling], value)
            node = (level + 1, position // 2)
            fresh[node] = value
    return fresh


def list_inclusion_ranges(index: int, size: int) -> list[tuple[int, int]]:
    """The ranges of leaves whose hashes are the audit path of a leaf (RFC 6962, 2.1.1), the lowest first."""
    start, end = 0, size
    ranges = []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return ranges[::-1]


def list_consistency_ranges(first: int, second: int) -> list[tuple[int, int]]:
    """The ranges of leaves whose hashes prove that the tree of `second` leaves begins with that of `first` (2.1.2)."""
    if first in {0, second}:
        return []
    start, end = 0, second
    ranges = []
    while first != end:
        middle = start + _split(end - start)
        if first <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    if start:
        ranges.append((start, end))
    return ranges[::-1]


def verify_inclusion(*, leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether a leaf's hash stands at `index` in the tree of `size` leaves with this root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    position, last, value = index, size - 1, leaf
    for each in path:
        if last == 0:
            return False
        if position % 2 or position == last:
            value = hash_children(each, value)
            while position % 2 == 0 and position:
                position, last = position >> 1, last >> 1
        else:
            value = hash_children(value, each)
        position, last = position >> 1, last >> 1
    return last == 0 and value == root


def verify_consistency(
    *, first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether the tree of `second` leaves begins with that of `first` (RFC 9162, 2.1.4.2)."""
    if not 0 <= first <= second:
        return False
    if first in {0, second}:
        return not proof and (first_root == second_root if first else first_root == EMPTY_ROOT)
    hashes = list(proof)
    if first & (first - 1) == 0:
        hashes.insert(0, first_root)
    if not hashes:
        return False
    position, last = first - 1, second - 1
    while position % 2:
        position, last = position >> 1, last >> 1
    first_value = second_value = hashes[0]
    for each in hashes[1:]:
        if last == 0:
            return False
        if position % 2 or position == last:
            first_value, second_value = hash_children(each, first_value), hash_children(each, second_value)
            while position % 2 == 0 and position:
                position, last = position >> 1, last >> 1
        else:
            second_value = hash_children(second_value, each)
        position, last = position >> 1, last >> 1
    return last == 0 and first_value == first_root and second_value == second_root


def _split(count: int) -> int:
    """The largest power of two below `count`, which is 2 or more."""
    return 1 << (count - 1).bit_length() - 1
