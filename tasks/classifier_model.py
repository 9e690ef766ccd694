"""The file that MLflow runs to make an image classifier of a model version ("model from code").

It is copied into the model, with `domain/` and `strategies/` beside it, and is run by
`mlflow.pyfunc.load_model` in processes that may have no Trainyard. So it imports nothing but those two.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel

from domain.errors import InputError

OUTPUT_COLUMNS = ["label", "confidence", "refer", "reason"]
_AT_ONCE = 256


class ClassifierModel(PythonModel):
    """One row a picture in (`image`: the bytes of a picture file); one row a label out, in the same order.

    A file that is no sound picture gets no label: `reason` says why, and it is for a human.
    """

    def load_context(self, context: Any) -> None:
        from strategies.vision.classifier import load_classifier

        self._classifier = load_classifier(Path(context.artifacts["classifier"]))

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:  # noqa: ARG002
        parts = [
            self._part(list(model_input["image"].iloc[at : at + _AT_ONCE]))
            for at in range(0, len(model_input), _AT_ONCE)
        ]
        rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=OUTPUT_COLUMNS)
        return rows.set_axis(model_input.index, axis=0)

    def _part(self, contents: list[bytes]) -> pd.DataFrame:
        import numpy as np

        from domain.vision.images import Shape, decode

        wanted = self._classifier.model.preprocessing
        shape = Shape(wanted.size, wanted.channels)
        points, reasons = [], []
        for content in contents:
            try:
                points.append(decode(bytes(content), shape).points)
                reasons.append("")
            except InputError as refusal:
                reasons.append(str(refusal))
        images = np.frombuffer(b"".join(points), np.uint8).reshape(-1, shape.size, shape.size, shape.channels)
        labelled = self._classifier.classify(images)
        rows = pd.DataFrame({"label": "", "confidence": 0.0, "refer": True, "reason": reasons})
        sound = rows.index[rows["reason"] == ""]
        rows.loc[sound, "label"] = labelled["class_name"].to_numpy()
        rows.loc[sound, "confidence"] = labelled["confidence"].to_numpy()
        rows.loc[sound, "refer"] = labelled["refer"].to_numpy()
        return rows[OUTPUT_COLUMNS]


set_model(ClassifierModel())
