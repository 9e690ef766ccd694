"""What the tests of tasks share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import catalog_of


@pytest.fixture
def home(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As everywhere, with the catalog on the system that the session asks for."""
    if not (url := catalog_of(home)).startswith("sqlite"):
        monkeypatch.setenv("TRAINYARD_CATALOG_URL", url)
    return home
