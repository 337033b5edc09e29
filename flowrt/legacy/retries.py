"""Retries: the retry strategies of 0.8 as policies under `use.retries`, and the `try` around an action."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowrt.core import duration
from flowrt.legacy.errors import condition
from flowrt.legacy.source import Source

Json = Any

DEFAULT = "default retries"
DEFAULT_POLICY: dict[str, Json] = {"delay": {"seconds": 1}, "backoff": {"exponential": {}}}
"""What 0.8 recommends for actions that are retried without a strategy of their own."""


def policies(source: Source) -> dict[str, Json]:
    """`use.retries`."""
    found = {
        str(each.get("name")): _policy(source, each, f"/retries/{at}")
        for at, each in enumerate(source.section("retries"))
    }
    return {**found, DEFAULT: DEFAULT_POLICY} if source.default_retry_used else found


def retried(source: Source, action: Mapping[str, Json], name: str, task: Json, where: str) -> Json:
    """The task, within a `try` if its action is to be retried."""
    ref, automatic = action.get("retryRef"), bool(source.data.get("autoRetries"))
    if ref is None and not automatic:
        return task
    if ref is None:
        source.default_retry_used, ref = True, DEFAULT
    else:
        source.find("retries", ref, f"{where}/retryRef")
    catch: dict[str, Json] = {"retry": ref}
    never, only = action.get("nonRetryableErrors"), action.get("retryableErrors")
    if automatic and never:
        catch = {"exceptWhen": f"${{ {condition(source, never, where)} }}", **catch}
    elif not automatic and only:
        catch = {"when": f"${{ {condition(source, only, where)} }}", **catch}
    elif not automatic:
        source.notes.add(where, "'retryRef' without 'retryableErrors': it is retried on every error")
    return {"try": [{name: task}], "catch": catch}


def _policy(source: Source, retry: Mapping[str, Json], where: str) -> Json:
    delay = retry.get("delay")
    policy: dict[str, Json] = {}
    if delay is not None:
        policy["delay"] = source.duration(delay, f"{where}/delay")
    delay_s = duration.from_iso(delay) or 0.0 if isinstance(delay, str) else 0.0
    policy["backoff"] = {_backoff(source, retry, delay_s, where): {}}
    if "maxDelay" in retry:
        source.notes.add(f"{where}/maxDelay", "a retry has no longest delay in 1.0; the delay grows without it")
    attempts = retry.get("maxAttempts")
    if attempts is not None:
        policy["limit"] = {"attempt": {"count": _number(source, attempts, f"{where}/maxAttempts")}}
    if "jitter" in retry and retry["jitter"] not in (0, "0"):
        policy["jitter"] = {"from": {"seconds": 0}, "to": _jitter(source, retry["jitter"], delay_s, f"{where}/jitter")}
    return policy


def _backoff(source: Source, retry: Mapping[str, Json], delay_s: float, where: str) -> str:
    multiplier = _number(source, retry.get("multiplier", 1), f"{where}/multiplier")
    if multiplier != 1:
        if multiplier != 2:
            source.notes.add(
                f"{where}/multiplier", f"the exponential backoff of 1.0 doubles the delay, not {multiplier}"
            )
        return "exponential"
    increment = retry.get("increment")
    increment_s = duration.from_iso(increment) or 0.0 if isinstance(increment, str) else 0.0
    if increment_s == 0:
        return "constant"
    if increment_s != delay_s:
        source.notes.add(f"{where}/increment", f"the linear backoff of 1.0 adds the delay each time, not {increment}")
    return "linear"


def _jitter(source: Source, jitter: Json, delay_s: float, where: str) -> Json:
    source.notes.add(where, "the jitter of 1.0 is added to the delay, never subtracted")
    if isinstance(jitter, str) and jitter.startswith("P"):
        return source.duration(jitter, where)
    return {"milliseconds": round(_number(source, jitter, where) * delay_s * 1000)}


def _number(source: Source, value: Json, where: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        source.notes.problem(where, f"{value!r} is no number")
        return 1
    return int(number) if number.is_integer() else number
