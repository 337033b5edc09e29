"""Durations in seconds."""

from __future__ import annotations

from typing import Any

import pytest

from flowrt.core.duration import from_iso, from_json


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT5S", 5),
        ("PT0.5S", 0.5),
        ("PT0,5S", 0.5),
        ("PT1H30M", 5400),
        ("P1D", 86400),
        ("P1W", 604800),
        ("P1M", 30 * 86400),
        ("PT1M", 60),
        ("P1Y2DT3S", 365 * 86400 + 2 * 86400 + 3),
    ],
)
def test_iso(text: str, seconds: float) -> None:
    assert from_iso(text) == seconds


@pytest.mark.parametrize("text", ["", "P", "PT", "P1DT", "5S", "PT5", "-PT5S", "PT5S ", "P1S", "PT1H1H", "pt5s"])
def test_no_iso(text: str) -> None:
    assert from_iso(text) is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ({"days": 1, "hours": 1, "minutes": 1, "seconds": 1, "milliseconds": 1}, 90061.001),
        ({"seconds": 1.5}, 1.5),
        ({"milliseconds": 0}, 0),
        ("PT2S", 2),
    ],
)
def test_json(value: Any, seconds: float) -> None:
    assert from_json(value) == pytest.approx(seconds)


@pytest.mark.parametrize("value", [{}, {"weeks": 1}, {"seconds": -1}, {"seconds": True}, {"seconds": "1"}, 5, None, []])
def test_no_json(value: Any) -> None:
    assert from_json(value) is None
