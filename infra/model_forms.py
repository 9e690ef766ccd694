"""What registered models of each kind take and give, and what they need where they are served."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ModelForm:
    """`artifact` is the name under which the model's code finds its files (`context.artifacts[artifact]`).

    `requirements` are names of distributions; with the copied code they are all that a model needs.
    """

    artifact: str
    signature: Callable[[], Any]
    requirements: tuple[str, ...]


def _grader_signature() -> Any:
    """What a grader takes and gives, as MLflow shows it and checks it."""
    from mlflow.models import ModelSignature
    from mlflow.types.schema import AnyType, Array, ColSpec, Object, Property, Schema

    criterion = Object([Property("text", "string"), Property("marks", "double")])
    takes = [
        ColSpec("string", "item_id", required=False),
        ColSpec("string", "number", required=False),
        ColSpec("string", "question"),
        ColSpec("string", "model_answer"),
        ColSpec(Array("string"), "alternatives", required=False),
        ColSpec(Array(criterion), "criteria", required=False),
        # MLflow refuses whole numbers for a double, and "worth 5" is what people have in their tables.
        ColSpec(AnyType(), "max_score"),
        ColSpec("string", "answer"),
    ]
    gives = [
        ColSpec("double", "score"),
        ColSpec("double", "mark"),
        ColSpec("double", "confidence"),
        ColSpec("boolean", "refer"),
        ColSpec("string", "rationale"),
    ]
    return ModelSignature(inputs=Schema(takes), outputs=Schema(gives))


def _classifier_signature() -> Any:
    """What an image classifier takes (the bytes of picture files) and gives."""
    from mlflow.models import ModelSignature
    from mlflow.types.schema import ColSpec, Schema

    gives = [
        ColSpec("string", "label"),
        ColSpec("double", "confidence"),
        ColSpec("boolean", "refer"),
        ColSpec("string", "reason"),
    ]
    return ModelSignature(inputs=Schema([ColSpec("binary", "image")]), outputs=Schema(gives))


# What strategies/ and domain/ import at work; no torch, no orchestration.
_RUNTIME = ("mlflow", "numpy", "pandas", "onnxruntime", "scipy")
GRADER = ModelForm("grader", _grader_signature, (*_RUNTIME, "safetensors", "scikit-learn"))
CLASSIFIER = ModelForm("classifier", _classifier_signature, (*_RUNTIME, "pillow"))
FORMS = (GRADER, CLASSIFIER)
