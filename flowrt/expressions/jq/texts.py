"""String functions and the `@` formats."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from urllib.parse import quote

from flowrt.core.expression import Json
from flowrt.expressions.jq.access import cut, index, occurrences
from flowrt.expressions.jq.operators import add, split
from flowrt.expressions.jq.values import Beyond, Raised, dump, fault, text

WHITESPACE = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
_PLAIN_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]*[1-9])?")
_PLAIN_DIGITS = 15
_UPPER = {code: code - 32 for code in range(ord("a"), ord("z") + 1)}
_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def _of_string(function: Callable[[str], Json], problem: str) -> Callable[[Json], Json]:
    def checked(value: Json) -> Json:
        if type(value) is not str:
            raise Raised(problem)
        return function(value)

    return checked


def _of_strings(function: Callable[[str, str], Json], problem: str) -> Callable[[Json, Json], Json]:
    def checked(value: Json, argument: Json) -> Json:
        if type(value) is not str or type(argument) is not str:
            raise Raised(problem)
        return function(value, argument)

    return checked


downcase = _of_string(lambda value: value.translate(_LOWER), "explode input must be a string")
upcase = _of_string(lambda value: value.translate(_UPPER), "explode input must be a string")
explode = _of_string(lambda value: [ord(character) for character in value], "explode input must be a string")
trim = _of_string(lambda value: value.strip(WHITESPACE), "trim input must be a string")
trim_left = _of_string(lambda value: value.lstrip(WHITESPACE), "trim input must be a string")
trim_right = _of_string(lambda value: value.rstrip(WHITESPACE), "trim input must be a string")
starts_with = _of_strings(str.startswith, "startswith() requires string inputs")
ends_with = _of_strings(str.endswith, "endswith() requires string inputs")
without_prefix = _of_strings(str.removeprefix, "startswith() requires string inputs")
without_suffix = _of_strings(str.removesuffix, "endswith() requires string inputs")
split_by = _of_strings(split, "split input and separator must be strings")


def implode(value: Json) -> str:
    if type(value) is not list:
        raise Raised("implode input must be an array")
    for item in value:
        if type(item) not in (int, float):
            raise fault(item, "can't be imploded, unicode codepoint needs to be numeric")
    return "".join([_character(int(item)) for item in value])


def _character(code: int) -> str:
    return chr(code) if 0 <= code < 0xD800 or 0xDFFF < code <= 0x10FFFF else "\ufffd"


def join(value: list[Json], separator: Json) -> Json:
    """The texts of scalars (null is empty) with the separator between."""
    pieces = [_piece(item) for item in value]
    if not pieces:
        return ""
    if type(separator) is str and all(type(piece) is str for piece in pieces):
        return separator.join(pieces)
    joined: Json = add("", pieces[0])
    for piece in pieces[1:]:
        joined = add(add(joined, separator), piece)
    return joined


def _piece(item: Json) -> Json:
    if item is None:
        return ""
    return dump(item) if type(item) in (bool, int, float) else item


def indices(value: Json, wanted: Json) -> Json:
    if type(value) is list:
        return occurrences(value, wanted if type(wanted) is list else [wanted])
    if type(value) is not str or type(wanted) is not str:
        return index(value, wanted)
    found: list[Json] = []
    at = value.find(wanted) if wanted else -1
    while at >= 0:
        found.append(at)
        at = value.find(wanted, at + 1)
    return found


def first_index(value: Json, wanted: Json) -> Json:
    return index(indices(value, wanted), 0)


def last_index(value: Json, wanted: Json) -> Json:
    return index(cut(indices(value, wanted), -1, None), 0)


def to_number(value: Json) -> Json:
    """A number as it is, or of a text that jq would print the same."""
    if type(value) is int or type(value) is float:
        return value
    if type(value) is not str:
        raise fault(value, "cannot be parsed as a number")
    if len(value) > _PLAIN_DIGITS or not _PLAIN_NUMBER.fullmatch(value) or value == "-0":
        raise Beyond
    return float(value) if "." in value else int(value)


def to_boolean(value: Json) -> Json:
    if type(value) is bool:
        return value
    if type(value) is str and value in ("true", "false"):
        return value == "true"
    raise fault(value, "cannot be parsed as a boolean")


def _plain(number: str) -> Json:
    return to_number(number)


def _unknown(_: str) -> Json:
    raise Beyond


def from_json(value: Json) -> Json:
    """JSON that both parsers read alike; anything odd is the library's."""
    if type(value) is not str:
        raise fault(value, "only strings can be parsed")
    if "\\ud" in value.lower():
        raise Beyond
    try:
        return json.loads(value, parse_float=_plain, parse_int=_plain, parse_constant=_unknown)
    except ValueError:
        raise Beyond from None


def _separated(value: Json, name: str, separator: str, quoted: Callable[[str], str]) -> str:
    if type(value) is not list:
        raise fault(value, f"cannot be {name}-formatted, only array")
    cells: list[str] = []
    for item in value:
        if type(item) is str:
            cells.append(quoted(item))
        elif type(item) in (list, dict):
            raise fault(item, "is not valid in a csv row")
        else:
            cells.append("" if item is None else dump(item))
    return separator.join(cells)


_CSV_ESCAPES = str.maketrans({"\0": "\\0", '"': '""'})
_TSV_ESCAPES = str.maketrans({"\0": "\\0", "\t": "\\t", "\r": "\\r", "\n": "\\n", "\\": "\\\\"})
_SHELL_ESCAPES = str.maketrans({"\0": "\\0", "'": "'\\''"})
_HTML_ESCAPES = str.maketrans({"\0": "\\0", "&": "&amp;", "<": "&lt;", ">": "&gt;", "'": "&apos;", '"': "&quot;"})


def _csv(value: Json) -> str:
    return _separated(value, "csv", ",", lambda cell: f'"{cell.translate(_CSV_ESCAPES)}"')


def _tsv(value: Json) -> str:
    return _separated(value, "tsv", "\t", lambda cell: cell.translate(_TSV_ESCAPES))


def _shell(value: Json) -> str:
    words: list[str] = []
    for item in value if type(value) is list else [value]:
        if type(item) in (list, dict):
            raise fault(item, "can not be escaped for shell")
        words.append(f"'{item.translate(_SHELL_ESCAPES)}'" if type(item) is str else dump(item))
    return " ".join(words)


def _unbase64(value: Json) -> str:
    try:
        return base64.b64decode(text(value), validate=True).decode()
    except ValueError:
        raise Beyond from None


FORMATS: dict[str, Callable[[Json], str]] = {
    "text": text,
    "json": dump,
    "csv": _csv,
    "tsv": _tsv,
    "html": lambda value: text(value).translate(_HTML_ESCAPES),
    "uri": lambda value: quote(text(value), safe="-._~"),
    "sh": _shell,
    "base64": lambda value: base64.b64encode(text(value).encode()).decode(),
    "base64d": _unbase64,
}
