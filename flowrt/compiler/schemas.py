"""Schemas: checks of data. `FORMATS` is the table of formats; Avro and XML are extras of the same names.

JSON Schema is 2020-12 unless `$schema` says otherwise (draft 7 and others).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flowrt.compiler.document import Unreadable, read
from flowrt.core.definition import CheckSchema
from flowrt.core.reader import Reader

Json = Any


class InvalidSchema(Exception):
    """The schema itself is wrong; the message says how."""


def compile_schema(document: Json, format_: str = "json") -> CheckSchema:
    """The check of a schema document of a format. Raises `InvalidSchema`, naming the extra where that is missing."""
    return FORMATS[format_](document)


def read_schema(reader: Reader, resources: Mapping[str, bytes]) -> CheckSchema | None:
    """The check of a `schema` object, inline or external (dsl-reference, "Schema"); None: a problem says why not."""
    reader.object(("format", "document", "resource"))
    format_ = reader.get("format")
    name = format_.string().partition(":")[0] if format_ is not None else "json"
    if format_ is not None and name not in FORMATS:
        format_.problem(f"the schema format '{format_.value}' is not supported", f"Use {', '.join(FORMATS)}.")
        return None
    document, resource = reader.get("document"), reader.get("resource")
    if (document is None) == (resource is None):
        reader.problem("a schema has either 'document' or 'resource'")
        return None
    value = document.value if document is not None else _external(resource, name, resources)
    if document is None and value is None:
        return None
    try:
        return compile_schema(value, name)
    except InvalidSchema as error:
        (document or reader).problem(f"this is no valid schema: {error}")
        return None


def _external(resource: Reader | None, format_: str, resources: Mapping[str, bytes]) -> Json:
    assert resource is not None
    resource.object(("name", "endpoint"), required=("endpoint",))
    endpoint = resource.get("endpoint")
    uri = endpoint.value.get("uri") if endpoint is not None and isinstance(endpoint.value, dict) else None
    uri = uri if uri is not None else (endpoint.value if endpoint is not None else None)
    content = resources.get(uri) if isinstance(uri, str) else None
    if content is None:
        resource.problem(f"the external document {uri!r} could not be loaded", "Check its endpoint.")
        return None
    if format_ == "xml":
        return content.decode("utf-8", "replace")
    try:
        return read(content).data
    except Unreadable as error:
        resource.problem(f"the external document {uri} cannot be read: {error}")
        return None


def _json_schema(document: Json) -> CheckSchema:
    """JSON Schema.

    Schemas that refer to others outside themselves are refused: nothing is fetched while a workflow runs.
    """
    import jsonschema_rs

    if not isinstance(document, dict | bool):
        raise InvalidSchema("a JSON Schema is an object or a boolean")
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


def _avro(document: Json) -> CheckSchema:
    """Avro: data that could be written with the schema."""
    try:
        import fastavro
        from fastavro.validation import ValidationError
    except ImportError:
        raise InvalidSchema("Avro schemas need the extra: pip install 'flowrt[avro]'") from None
    try:
        schema = fastavro.parse_schema(document)
    except (fastavro.schema.SchemaParseException, TypeError, KeyError) as error:
        raise InvalidSchema(str(error)) from None

    def check(value: Json) -> str | None:
        try:
            fastavro.validate(value, schema)
        except ValidationError as error:
            return str(error)
        return None

    return check


def _xml(document: Json) -> CheckSchema:
    """XML Schema, given as text; checks data that is XML text."""
    try:
        import xmlschema
    except ImportError:
        raise InvalidSchema("XML schemas need the extra: pip install 'flowrt[xml]'") from None
    from xml.etree.ElementTree import ParseError

    if not isinstance(document, str):
        raise InvalidSchema("an XML Schema is given as text")
    try:
        schema = xmlschema.XMLSchema(document, allow="none", defuse="always")
    except (xmlschema.XMLSchemaException, ParseError) as error:
        raise InvalidSchema(str(error).split("\n")[0]) from None

    def check(value: Json) -> str | None:
        if not isinstance(value, str):
            return "it must be XML text"
        try:
            schema.validate(value)
        except (xmlschema.XMLSchemaException, ParseError) as error:
            return " ".join(str(error).split())[:500]
        return None

    return check


FORMATS: dict[str, Callable[[Json], CheckSchema]] = {"json": _json_schema, "avro": _avro, "xml": _xml}
"""Format -> what compiles a document of it."""
