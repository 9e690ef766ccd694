"""A retrained model against the champion, through the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from mlflow.tracking import MlflowClient

from tests.flows.conftest import CommandLine, write_class_set


def pipeline(trainyard: CommandLine, folder: Path, iterations: int, *more: str) -> dict[str, Any]:
    material = ["--guides", folder / "guides", "--submissions", folder / "papers", "--dataset", "plants"]
    quick = ["--strategy", "native", "--set", f"iterations={iterations}"]
    outcome: dict[str, Any] = trainyard.json("pipeline", *material, *quick, *more)["evaluate"]
    return outcome


def champion(trainyard: CommandLine) -> Any:
    client = MlflowClient(f"sqlite:///{trainyard.home}/mlflow.db")
    return client.get_model_version_by_alias("grader-plants", "champion")


def version(trainyard: CommandLine, number: int) -> Any:
    client = MlflowClient(f"sqlite:///{trainyard.home}/mlflow.db")
    return client.get_model_version("grader-plants", str(number))


def test_a_model_retrained_on_more_papers_meets_the_champion_on_the_new_test(
    trainyard: CommandLine, tmp_path: Path
) -> None:
    write_class_set(tmp_path / "few", 30)
    write_class_set(tmp_path / "more", 45)
    first = pipeline(trainyard, tmp_path / "few", 2)
    assert first["champion"] and "no champion yet" in first["promotion"]

    second = pipeline(trainyard, tmp_path / "more", 2)
    tags = version(trainyard, 2).tags
    assert tags["promotion.against"] == "version 1"
    assert float(tags["promotion.qwk_gap_low"]) <= float(tags["promotion.qwk_gap_high"])
    assert int(tags["promotion.n"]) > 0
    better = float(tags["promotion.qwk_gap_low"]) > 0
    assert tags["promotion.decision"] == ("promoted" if better else "challenger")
    assert second["champion"] is better
    assert champion(trainyard).version == (2 if better else 1)

    # Measuring the champion elsewhere changed nothing of what its own run and report say.
    shown = trainyard.json("show", first["job_id"])
    assert shown["job"] == first["job_id"]
    report = trainyard.json("report", first["job_id"])
    assert "Promoted to champion: there was no champion yet." in Path(report["html"]).read_text()
    report = trainyard.json("report", second["job_id"])
    assert "on " + tags["promotion.n"] + " held-out examples" in Path(report["html"]).read_text()


def test_promotion_is_as_told_and_a_decision_is_not_taken_twice(
    trainyard: CommandLine,
    class_set: Path,
    prefect_api: str,
    wait_for: Callable[[Callable[[], Any], float], Any],
) -> None:
    assert not pipeline(trainyard, class_set, 3, "--promote", "never")["champion"]
    assert pipeline(trainyard, class_set, 3)["champion"]
    assert pipeline(trainyard, class_set, 1, "--promote", "always")["champion"]
    assert champion(trainyard).version == 2

    client = MlflowClient(f"sqlite:///{trainyard.home}/mlflow.db")
    client.set_registered_model_alias("grader-plants", "champion", "1")
    met = pipeline(trainyard, class_set, 1)
    assert not met["champion"]
    again = pipeline(trainyard, class_set, 1)
    assert again["promotion"] == f"decided before: {met['promotion']}"
    told = trainyard.run("evaluate", met["job_id"]).stdout
    assert "stays a challenger: decided before" in told

    trainyard.run("model", "promote", "grader-plants/2")
    trainyard.run("model", "rollback", "grader-plants")
    # The server takes events in and writes them down later.
    wait_for(lambda: promoted_by_hand(prefect_api) == ["grader-plants/2", "grader-plants/1"], 60)


def promoted_by_hand(api: str) -> list[str]:
    """This test's versions that the server was told of, in the order of their promotion."""
    token = httpx.get(f"{api}/csrf-token", params={"client": "test"}).json()["token"]
    asked = httpx.post(
        f"{api}/events/filter",
        json={"filter": {"event": {"name": ["trainyard.model.promoted"]}}, "limit": 50},
        headers={"Prefect-Csrf-Token": token, "Prefect-Csrf-Client": "test"},
    )
    told = sorted(asked.raise_for_status().json()["events"], key=lambda event: event["occurred"])
    by_hand = [one["payload"] for one in told if one["payload"].get("by") == "a person"]
    return [f"{one['model']}/{one['version']}" for one in by_hand if one["model"] == "grader-plants"]
