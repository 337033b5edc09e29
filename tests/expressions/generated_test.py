"""Random programs on random data: closures and libjq agree on every value and every failure.

`FLOWRT_SOAK=1` runs a hundred thousand pairs instead of two thousand.
"""

from __future__ import annotations

import os
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowrt.core.expression import InvalidExpression
from flowrt.expressions.jq import compile
from tests.expressions.agreement import Both
from tests.expressions.generator import Programs, value

VALUES_PER_PROGRAM = 4
PAIRS = 100_000 if os.environ.get("FLOWRT_SOAK") == "1" else 2_000


@settings(
    max_examples=PAIRS // VALUES_PER_PROGRAM,
    deadline=None,
    derandomize=PAIRS < 100_000,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(st.randoms(use_true_random=False), st.integers(1, 4))
def test_generated_programs_agree(random: Random, depth: int) -> None:
    source = Programs(random).program(depth)
    try:
        both = Both(source)
    except InvalidExpression:
        return  # the library's own verdict: such a program is never run
    if both.expression.bounded:
        for _ in range(VALUES_PER_PROGRAM):
            both.check(value(random), {"v": value(random, 1), "w": value(random, 1)})


def test_most_generated_programs_are_native() -> None:
    """The test above would mean little if its programs were the library's anyway."""
    random, native, invalid = Random(1), 0, 0
    for _ in range(300):
        try:
            native += compile(Programs(random).program(3)).native
        except InvalidExpression:
            invalid += 1
    assert invalid < 20
    assert native / (300 - invalid) > 0.9
