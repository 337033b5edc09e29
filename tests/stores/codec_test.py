"""Values as bytes: whatever the setting is, what was written with another stays readable."""

from __future__ import annotations

from typing import Any

import pytest

from flowrt.stores.codec import COMPRESSIONS, Codec, Undecodable

_VALUES: list[Any] = [
    None,
    True,
    0,
    -1.5,
    "",
    "\x00 \U0001f40d",
    [],
    {"a": [1, {"b": None}]},
    "x" * 10_000,
    list(range(1000)),
    "\ud800" + "y" * 1000,
]


@pytest.mark.parametrize("value", _VALUES, ids=lambda value: repr(value)[:20])
@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_value_comes_back_through_any_codec(compression: str, value: Any) -> None:
    data = Codec(compression).encode(value)
    for other in COMPRESSIONS:
        assert Codec(other).decode(data) == value


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_the_first_byte_says_whether_it_is_plain(compression: str) -> None:
    for value in _VALUES:
        data = Codec(compression).encode(value)
        long = compression != "none" and len(Codec().encode(value)) >= 256
        assert (data[:1] in b"\x01\x02\x03") is long
        assert long or data[:1] in b'{["tfn-0123456789'


def test_numbers_beyond_64_bits_keep_their_digits_in_the_text() -> None:
    assert Codec().encode({"n": 10**30}) == b'{"n":1000000000000000000000000000000}'
    assert Codec.decode(Codec().encode(10**30)) == 1e30


@pytest.mark.parametrize("compression", ["gzip", "bzip2", "deflate"])
def test_damage_is_noticed(compression: str) -> None:
    data = Codec(compression).encode("z" * 1000)
    for damaged in (data[:-3], data[:5], data[:1], data[:1] + b"\x00" * 20):
        with pytest.raises(Undecodable):
            Codec.decode(damaged)


@pytest.mark.parametrize("data", [b"", b"{", b"\x0fsomething", b"nul", b"\xff"])
def test_what_is_no_value_is_refused(data: bytes) -> None:
    with pytest.raises(Undecodable):
        Codec.decode(data)


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(TypeError):
        Codec().encode({"a": object()})


def test_an_unknown_compression_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="gzip, bzip2, deflate"):
        Codec("zip")
