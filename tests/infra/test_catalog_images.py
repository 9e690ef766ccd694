"""Decoded archives, datasets of pictures and their preparations in the catalog."""

import pytest

from domain.errors import InputError
from domain.kinds import Kind
from infra.catalog import (
    Catalog,
    Dataset,
    PartRow,
    begin_preparation,
    begin_tensor,
    dataset,
    delete_dataset,
    end_preparation,
    find_parts,
    finish_tensor,
    make_image_dataset,
    preparations,
    rename_dataset,
    save_part,
)


def tensor_id(catalog: Catalog, listing: str = "a" * 64) -> str:
    begun = begin_tensor(catalog, listing, "1", 28, 1, 10)
    return finish_tensor(catalog, begun.id, f"images of {listing}", f"rows of {listing}", 9).id


def made(catalog: Catalog, tensor: str, name: str = "pets", fingerprint: str = "f" * 64) -> Dataset:
    return make_image_dataset(
        catalog, owner="local", name=name, fingerprint=fingerprint, protocol="unseen_images", seed=0,
        facts={}, tensor_id=tensor, rows_key=f"split of {fingerprint}", n_classes=2, n_images=9,
    )  # fmt: skip


def test_parts_that_are_done_are_found_by_whoever_begins_the_same_tensor_again(catalog: Catalog) -> None:
    begun = begin_tensor(catalog, "a" * 64, "1", 28, 1, 10)
    save_part(catalog, begun.id, PartRow(5, 10, "p2", "o2"))
    save_part(catalog, begun.id, PartRow(0, 5, "p1", "o1"))
    again = begin_tensor(catalog, "a" * 64, "1", 28, 1, 10)
    assert again == begun and not again.is_whole
    assert [part.start for part in find_parts(catalog, again.id)] == [0, 5]
    whole = finish_tensor(catalog, again.id, "images", "rows", 9)
    assert whole.is_whole and find_parts(catalog, again.id) == []
    assert begin_tensor(catalog, "a" * 64, "1", 32, 1, 10).id != again.id


def test_a_preparation_goes_from_draft_to_ready_or_to_an_error_that_can_be_tried_again(
    catalog: Catalog,
) -> None:
    one = begin_preparation(catalog, "local", "Pets", Kind.VISION, {"images": "/p"}, draft=True)
    assert [row.state for row in preparations(catalog, "local")] == ["draft"]
    assert begin_preparation(catalog, "local", "Pets", Kind.VISION, {"images": "/p"}) == one
    end_preparation(catalog, one, error="p.zip is cut off")
    (row,) = preparations(catalog, "local")
    assert (row.state, row.error) == ("error", "p.zip is cut off")
    begin_preparation(catalog, "local", "Pets", Kind.VISION, {"images": "/p"})
    ready = made(catalog, tensor_id(catalog))
    end_preparation(catalog, one, dataset_id=ready.id)
    (row,) = preparations(catalog, "local", "pET")
    assert (row.state, row.error, row.dataset_id) == ("ready", "", ready.id)
    assert preparations(catalog, "local", "plants") == preparations(catalog, "someone else") == []


def test_a_dataset_is_renamed_with_its_preparation(catalog: Catalog) -> None:
    one = begin_preparation(catalog, "local", "pets", Kind.VISION, {"images": "/p"})
    ready = made(catalog, tensor_id(catalog))
    end_preparation(catalog, one, dataset_id=ready.id)
    rename_dataset(catalog, ready.id, " Ämtertiere ")
    assert dataset(catalog, "local", "Ämtertiere").id == ready.id
    assert preparations(catalog, "local", "ämter")[0].name == "Ämtertiere"
    with pytest.raises(InputError, match="needs a name"):
        rename_dataset(catalog, ready.id, " ")


def test_deleting_a_dataset_tells_the_files_that_nothing_uses_any_more(catalog: Catalog) -> None:
    shared = tensor_id(catalog)
    first, second = made(catalog, shared), made(catalog, shared, "other seed", "e" * 64)
    assert delete_dataset(catalog, first.id) == ["split of " + "f" * 64]
    gone = delete_dataset(catalog, second.id)
    assert set(gone) == {"split of " + "e" * 64, "images of " + "a" * 64, "rows of " + "a" * 64, "a" * 64}
    with pytest.raises(InputError, match="no dataset with id"):
        delete_dataset(catalog, first.id)


def test_what_another_archive_decoded_to_as_well_stays(catalog: Catalog) -> None:
    one, other = (begin_tensor(catalog, listing * 64, "1", 28, 1, 10) for listing in "ab")
    for begun in (one, other):
        finish_tensor(catalog, begun.id, "the same images", f"rows {begun.id}", 9)
    assert "the same images" not in delete_dataset(catalog, made(catalog, one.id).id)
