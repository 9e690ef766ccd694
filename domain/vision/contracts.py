"""What must hold at each border between two steps of the vision kind; see `domain.contracts.sift`."""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from domain.contracts import Strict
from domain.kinds import Split
from domain.vision.splits import PROTOCOL


class Images(Strict):
    """One row a picture that was decoded."""

    row: Series[int] = pa.Field(ge=0, unique=True, description="its place in images.npy")
    image_id: Series[str] = pa.Field(
        str_matches=r"^[0-9a-f]{64}$", description="SHA-256 of the decoded points, see duplicates.image_ids"
    )
    path: Series[str] = pa.Field(unique=True, description="its name in the archive")
    class_name: Series[str] = pa.Field(str_length={"min_value": 1, "max_value": 200})
    given_split: Series[str] = pa.Field(isin=["", *[s.value for s in Split]])
    width: Series[int] = pa.Field(ge=1, description="before it was scaled, in points")
    height: Series[int] = pa.Field(ge=1)

    @pa.dataframe_check(name="image_id_has_one_class_name")
    def _one_class(cls, frame: pd.DataFrame) -> Series[bool]:  # noqa: N805
        """The same picture under two labels: no one knows which is true, so none of them is used."""
        return frame.groupby("image_id")["class_name"].transform("nunique") == 1


class Splits(Strict):
    """Where each picture goes. `group` ties together what must not straddle: near copies."""

    row: Series[int] = pa.Field(ge=0, unique=True)
    image_id: Series[str] = pa.Field(str_matches=r"^[0-9a-f]{64}$", unique=True)
    path: Series[str] = pa.Field(unique=True)
    class_name: Series[str]
    label: Series[int] = pa.Field(ge=0, description="place of class_name among the sorted class names")
    split: Series[str] = pa.Field(isin=[s.value for s in Split])
    protocol: Series[str] = pa.Field(isin=["", PROTOCOL], description="set on test rows only")
    group: Series[int] = pa.Field(ge=0)

    @pa.dataframe_check(name="group_in_one_split")
    def _no_straddling(cls, frame: pd.DataFrame) -> Series[bool]:  # noqa: N805
        return frame.groupby("group")["split"].transform("nunique") == 1

    @pa.dataframe_check(name="label_names_one_class_name")
    def _labels_agree(cls, frame: pd.DataFrame) -> Series[bool]:  # noqa: N805
        return (frame.groupby("label")["class_name"].transform("nunique") == 1) & (
            frame.groupby("class_name")["label"].transform("nunique") == 1
        )

    @pa.dataframe_check(name="at_least_two_classes")
    def _classes(cls, frame: pd.DataFrame) -> bool:  # noqa: N805
        return bool(frame["label"].nunique() >= 2)
