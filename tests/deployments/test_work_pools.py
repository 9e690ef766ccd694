"""The templates of work pools: what they ask for can be filled in, and Prefect knows every key."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import prefect.server.api
import pytest

TEMPLATES = Path(__file__).parents[2] / "deployments" / "work-pools"
KINDS = ("process", "docker", "kubernetes")


def template(kind: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((TEMPLATES / f"{kind}.json").read_text())
    return read


@pytest.fixture(scope="module")
def prefects_own() -> dict[str, Any]:
    """Prefect's default template by kind, as its server hands them out."""
    views = Path(prefect.server.api.__file__).parent / "collections_data" / "views"
    packages = json.loads((views / "aggregate-worker-metadata.json").read_text())
    return {
        kind: worker["default_base_job_configuration"]
        for workers in packages.values()
        for kind, worker in workers.items()
    }


@pytest.mark.parametrize("kind", KINDS)
def test_every_variable_of_a_template_is_described_and_used(kind: str) -> None:
    text = json.dumps(template(kind)["job_configuration"])
    variables = template(kind)["variables"]["properties"]
    assert set(re.findall(r"\{\{ (\w+) \}\}", text)) == set(variables)
    assert all(each["title"] and each["description"] for each in variables.values())


@pytest.mark.parametrize("kind", KINDS)
def test_prefect_knows_every_key_of_a_template(kind: str, prefects_own: dict[str, Any]) -> None:
    ours = template(kind)["job_configuration"]
    theirs = prefects_own[kind]["job_configuration"]
    assert set(ours) <= set(theirs)
    if "job_manifest" in ours:
        container = ours["job_manifest"]["spec"]["template"]["spec"]["containers"][0]
        # Prefect's worker fills in the container of this name.
        assert (
            container["name"] == theirs["job_manifest"]["spec"]["template"]["spec"]["containers"][0]["name"]
        )


def test_images_are_of_this_version_and_run_without_rights() -> None:
    docker, kubernetes = template("docker"), template("kubernetes")
    images = [each["variables"]["properties"]["image"]["default"] for each in (docker, kubernetes)]
    assert all(image.endswith("trainyard:0.1.0") for image in images)
    assert docker["job_configuration"]["privileged"] is False
    pod = kubernetes["job_configuration"]["job_manifest"]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
