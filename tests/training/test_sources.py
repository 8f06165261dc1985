"""Tests of labelled folders."""

import json
from pathlib import Path

import numpy as np
import pytest

from vision.training.sources import (
    PartlyLabelled,
    SourceMalformedError,
    SourceNotFoundError,
    list_pictures,
    parse_partly_labelled,
    read_class_names,
    split_held_out,
)


def make_folder(folder: Path, *, names: list[str], label: str) -> Path:
    """Files that look like pictures, each with the same label; nothing reads their pixels here."""
    (folder / "images").mkdir(parents=True)
    (folder / "labels").mkdir()
    for name in names:
        (folder / "images" / f"{name}.jpg").write_bytes(b"")
        (folder / "labels" / f"{name}.txt").write_text(label)
    return folder


def test_list_pictures__drops_boxes_of_unlabelled_classes(tmp_path: Path) -> None:
    """A stray box of a class that the source is said not to label is dropped."""
    folder = make_folder(tmp_path / "s", names=["a"], label="0 0.5 0.5 0.2 0.4\n1 0.1 0.2 0.1 0.1\n")
    (picture,) = list_pictures(folder=folder, class_names=["person", "cone"], known=["cone"])
    assert picture.class_ids.tolist() == [1]
    np.testing.assert_allclose(picture.boxes_cxcywh, [[0.1, 0.2, 0.1, 0.1]], rtol=1e-6)
    assert picture.known_classes == frozenset({1})


@pytest.mark.parametrize(
    "line", ["7 0.5 0.5 0.1 0.1", "0 0.5 0.5 0.1", "0 0.5 nan 0.1 0.1", "person 1 1 1 1", "0.5 1 1 1 1"]
)
def test_list_pictures__malformed_label(tmp_path: Path, line: str) -> None:
    """A line that is not a class id and four numbers is an error that names the file."""
    folder = make_folder(tmp_path / "s", names=["a"], label=line)
    with pytest.raises(SourceMalformedError, match=r"a\.txt"):
        list_pictures(folder=folder, class_names=["person", "cone"], known=["person"])


def test_list_pictures__class_that_is_none(tmp_path: Path) -> None:
    """A class name that the data do not have is refused."""
    folder = make_folder(tmp_path / "s", names=["a"], label="")
    with pytest.raises(SourceMalformedError, match=r"hat"):
        list_pictures(folder=folder, class_names=["person"], known=["hat"])


def test_list_pictures__empty_folder(tmp_path: Path) -> None:
    """A folder without pictures is an error, not an empty training."""
    with pytest.raises(SourceNotFoundError):
        list_pictures(folder=tmp_path, class_names=["person"], known=["person"])


def test_split_held_out__is_by_name_and_of_the_given_share(tmp_path: Path) -> None:
    """The same names are held out whatever else is in the folder, about as many as asked."""
    names = [f"{index:04d}" for index in range(400)]
    pictures = list_pictures(
        folder=make_folder(tmp_path / "s", names=names, label=""), class_names=["person"], known=["person"]
    )
    kept, held_out = split_held_out(pictures, fraction=0.25)
    assert len(kept) + len(held_out) == 400
    # A binomial share of 400 at 0.25 has a standard deviation of 8.7: four of them on either side.
    assert 65 <= len(held_out) <= 135
    some = pictures[::3]
    assert split_held_out(some, fraction=0.25)[1] == [picture for picture in some if picture in held_out]
    assert split_held_out(pictures, fraction=0.0)[1] == []


def test_parse_partly_labelled__all_parts() -> None:
    """Folder, classes, weight and share held out are told apart by colons."""
    assert parse_partly_labelled("more/chv:person,hardhat:2:0.2") == PartlyLabelled(
        folder=Path("more/chv"), classes=("person", "hardhat"), weight=2.0, held_out_fraction=0.2
    )
    assert parse_partly_labelled("cones:cone") == PartlyLabelled(folder=Path("cones"), classes=("cone",))


@pytest.mark.parametrize(
    "text", ["folder", ":cone", "f:cone:x", "f:cone:0", "f:cone:1:1", "f:cone:1:0:0", "f:cone:nan"]
)
def test_parse_partly_labelled__malformed(text: str) -> None:
    """What is not of the form is refused with the form."""
    with pytest.raises(SourceMalformedError):
        parse_partly_labelled(text)


def test_read_class_names__list_and_mapping(tmp_path: Path) -> None:
    """Names come as a list or as a mapping from 0, in the order of the ids."""
    path = tmp_path / "data.yaml"
    path.write_text("names: [person, cone]\n")
    assert read_class_names(tmp_path) == ("person", "cone")
    path.write_text("names: {1: cone, 0: person}\n")
    assert read_class_names(tmp_path) == ("person", "cone")
    path.write_text("names: {1: cone, 2: person}\n")
    with pytest.raises(SourceMalformedError):
        read_class_names(tmp_path)
    with pytest.raises(SourceNotFoundError):
        read_class_names(tmp_path / "nowhere")


def test_list_pictures__with_known_files__takes_each_picture_at_its_word(tmp_path: Path) -> None:
    """A picture knows the classes that its own file names, among those asked for, and where a class is not."""
    folder = make_folder(tmp_path / "s", names=["a", "b"], label="1 0.5 0.5 0.2 0.4\n")
    (folder / "known").mkdir()
    absent = [
        {"class": "cone", "box_cxcywh": [0.1, 0.2, 0.1, 0.1]},
        {"class": "fire", "box_cxcywh": [0.1, 0.2, 0.1, 0.1]},
    ]
    (folder / "known" / "a.json").write_text(json.dumps({"known": [], "absent": absent, "undecided": []}))
    (folder / "known" / "b.json").write_text(json.dumps({"known": ["cone", "person"], "absent": []}))
    first, second = list_pictures(folder=folder, class_names=["person", "cone"], known=["cone"])
    assert (first.known_classes, first.class_ids.tolist()) == (frozenset(), [1])
    assert first.absent_ids.tolist() == [1]
    np.testing.assert_allclose(first.absent_cxcywh, [[0.1, 0.2, 0.1, 0.1]])
    assert (second.known_classes, len(second.absent_ids)) == (frozenset({1}), 0)


@pytest.mark.parametrize("content", ["", "[]", '{"known": []}', '{"known": [], "absent": [{"class": "cone"}]}', None])
def test_list_pictures__malformed_known_file__is_an_error(tmp_path: Path, content: str | None) -> None:
    """What is not said must not be guessed: a picture without its file would teach the detector to miss."""
    folder = make_folder(tmp_path / "s", names=["a"], label="")
    (folder / "known").mkdir()
    if content is not None:
        (folder / "known" / "a.json").write_text(content)
    with pytest.raises(SourceMalformedError, match=r"a\.json"):
        list_pictures(folder=folder, class_names=["person", "cone"], known=["cone"])
