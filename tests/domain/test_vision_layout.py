from collections.abc import Iterable

import pytest

from domain.errors import InputError
from domain.vision.layout import Layout, lay_out
from domain.vision.records import Member


def laid_out(*names: str) -> Layout:
    return lay_out([Member(name) for name in names])


def places(layout: Layout) -> Iterable[tuple[str, str, str]]:
    return [(one.member.name, one.class_name, str(one.split)) for one in layout.placed]


def test_folders_are_classes() -> None:
    layout = laid_out("cat/1.png", "dog/1.png", "dog/more/2.png")
    assert layout.classes == ("cat", "dog")
    assert [row[1:] for row in places(layout)] == [("cat", ""), ("dog", ""), ("dog", "")]


@pytest.mark.parametrize(
    "form", ["{s}/{c}/1.png", "{c}/{s}/1.png", "pets/{s}/{c}/1.png", "pets/v1/{s}/images/{c}/1.png",
             "pets/{c}/{s}/1.png"]
)  # fmt: skip
def test_splits_are_found_above_and_below_the_classes(form: str) -> None:
    names = [form.format(s=s, c=c) for s in ("Training", "val", "TEST") for c in ("cat", "dog")]
    layout = laid_out(*names)
    assert layout.classes == ("cat", "dog")
    assert [row[2] for row in places(layout)] == ["train"] * 2 + ["validation"] * 2 + ["test"] * 2


def test_what_lies_beside_the_folders_is_refused_with_the_reason() -> None:
    layout = laid_out("train/cat/1.png", "train/dog/1.png", "train/loose.png", "extra/cat/1.png", "cover.png")
    assert len(layout.placed) == 2
    assert {one.name for one in layout.refused} == {"train/loose.png", "extra/cat/1.png", "cover.png"}


def test_a_class_may_be_called_test_where_its_picture_says_so_in_a_table() -> None:
    layout = lay_out([Member("1.png", label="test"), Member("2.png", label="real")])
    assert layout.classes == ("real", "test")


def test_rows_without_a_label_are_refused_and_a_table_without_any_as_a_whole() -> None:
    layout = lay_out([Member("1.png", label="a"), Member("2.png", label="b"), Member("3.png")])
    assert [(one.name, one.reason) for one in layout.refused] == [
        ("3.png", "it has no label: complete the table")
    ]
    with pytest.raises(InputError, match="the table has no labels"):
        lay_out([Member("cat/1.png"), Member("dog/1.png")], from_table=True)


def test_a_row_without_a_split_is_refused_where_others_have_one() -> None:
    members = [Member(f"{n}.png", label="ab"[n % 2], split="train") for n in range(4)]
    layout = lay_out([*members, Member("5.png", label="a"), Member("6.png", label="a", split="moon")])
    assert [one.name for one in layout.refused] == ["5.png", "6.png"]


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ((), "no picture was found"),
        (("1.png", "2.png"), "no class folder was found"),
        (("cat/1.png",), "no class folder was found"),
        (("test/cat/1.png", "test/dog/1.png"), "add a folder train"),
        (("cat/1.png", "Cat/1.png", "dog/1.png"), "differ in case only"),
    ],
)
def test_an_archive_without_classes_to_tell_apart_is_refused(names: tuple[str, ...], told: str) -> None:
    with pytest.raises(InputError, match=told):
        laid_out(*names)
