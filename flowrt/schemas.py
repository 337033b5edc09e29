"""Schemas: checks of JSON Schema documents, 2020-12 unless `$schema` says otherwise (draft 7 and others)."""

from __future__ import annotations

from typing import Any

from flowrt.core.definition import CheckSchema

Json = Any


class InvalidSchema(Exception):
    """The schema itself is wrong; the message says how."""


def compile_schema(document: Json) -> CheckSchema:
    """The check of a JSON Schema document. Raises `InvalidSchema`.

    Schemas that refer to others outside themselves are refused: nothing is fetched while a workflow runs.
    """
    import jsonschema_rs

    try:
        validator = jsonschema_rs.validator_for(document, validate_formats=True, retriever=_refuse)
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError, TypeError) as error:
        raise InvalidSchema(str(error).split("\n")[0]) from None

    def check(value: Json) -> str | None:
        if validator.is_valid(value):
            return None
        problems = []
        for error in validator.iter_errors(value):
            path = "".join(f"/{token}" for token in error.instance_path)
            problems.append(f"{path or '/'}: {error.message}")
            if len(problems) == 5:
                break
        return "; ".join(problems)

    return check


def _refuse(uri: str) -> Json:
    raise ValueError(f"the schema refers to {uri}, which is not part of it")
