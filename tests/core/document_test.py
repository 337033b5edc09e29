"""Documents: YAML 1.2, where things stand, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from flowrt.compiler.document import MAX_BYTES, MAX_DEPTH, Unreadable, read


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on: on", {"on": "on"}),
        ("a: yes", {"a": "yes"}),
        ("a: 1:30", {"a": "1:30"}),
        ("a: 2026-01-01", {"a": "2026-01-01"}),
        ("a: true", {"a": True}),
        ("a: ~", {"a": None}),
        ("a:", {"a": None}),
        ("a: 0o17", {"a": 15}),
        ("a: 017", {"a": 17}),
        ("a: 0x1F", {"a": 31}),
        ("a: 1.5e3", {"a": 1500.0}),
        ("a: .inf", {"a": ".inf"}),
        ("a: 1e999", {"a": "1e999"}),
        ("a: '1'", {"a": "1"}),
        ("1: a", {"1": "a"}),
        ("true: a", {"true": "a"}),
        ('{"a": [1, null, "x"]}', {"a": [1, None, "x"]}),
        ("a: &x [1]\nb: *x", {"a": [1], "b": [1]}),
        ("a: |\n  x\n  y\n", {"a": "x\ny\n"}),
    ],
)
def test_values(text: str, value: Any) -> None:
    data = read(text).data
    assert data == value
    assert repr(data) == repr(value)


def test_bytes_with_a_mark() -> None:
    assert read("\ufeffa: é".encode()).data == {"a": "é"}


def test_marks() -> None:
    document = read("a:\n  b/c:\n    - x\n    - y: 1\n")
    assert document.mark("/a/b~1c") == (2, 3)
    assert document.mark("/a/b~1c/1/y") == (4, 7)
    assert document.mark("/a/b~1c/1/y/no/such") == (4, 7)
    assert document.mark("/no") == (1, 1)


@pytest.mark.parametrize(
    ("text", "said", "line"),
    [
        ("", "empty", None),
        ("a: b: c", "not YAML", 1),
        ("a: 1\na: 2", "stands twice", 2),
        ("[a]: 1", "key must be a string", 1),
        ("a: [1", "not YAML", 2),
        ("a: 1\n---\nb: 2", "not YAML", 2),
        ("a: *x", "not YAML", 1),
        (b"\xff\xfe", "not UTF-8", None),
        ("x" * (MAX_BYTES + 1), "bytes", None),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "nested deeper", 1),
        ("a: " + "9" * 5000, "cannot be read", 1),
    ],
)
def test_refused(text: str | bytes, said: str, line: int | None) -> None:
    with pytest.raises(Unreadable, match=said) as error:
        read(text)
    assert line is None or error.value.line == line


def test_a_bomb_of_aliases_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(Unreadable, match="expands to too much"):
        read("\n".join(lines))


def test_an_alias_of_itself_is_refused() -> None:
    with pytest.raises(Unreadable):
        read("a: &a [*a]")
