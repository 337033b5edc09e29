"""Microseconds per evaluation of typical expressions: as closures, and in libjq.

Run: python benchmarks/expressions.py
"""

from __future__ import annotations

from timeit import Timer

from flowrt.core.expression import Json
from flowrt.expressions.jq import compile
from flowrt.expressions.jq.libjq import LibraryProgram

ORDER: Json = {
    "id": 7,
    "status": "paid",
    "customer": {"name": "Ada", "age": 36, "address": {"city": "London"}},
    "items": [{"sku": f"s{number}", "price": 10 + number, "quantity": number % 3} for number in range(10)],
    "tags": ["new", "gift"],
}
VARIABLES: dict[str, Json] = {"context": {"userId": 7, "seen": [1, 2, 3]}, "item": {"price": 3}}
EXPRESSIONS = [
    ".",
    ".status",
    ".customer.address.city",
    '.status == "paid"',
    ".customer.age >= 18 and .id != null",
    "$context.userId",
    ".id == $context.userId",
    '. + {status: "shipped"}',
    "{id, name: .customer.name, total: (.id * 2)}",
    '"order \\(.id) of \\(.customer.name)"',
    ".items | length > 5",
    "[.items[] | select(.price > 15) | .sku]",
    "[.items[] | .price * .quantity] | add",
    ".customer.age |= . + 1",
    ".missing // 3",
]


def microseconds(timer: Timer) -> float:
    count, seconds = timer.autorange()
    return min(seconds, *timer.repeat(3, count)) / count * 1e6


def main() -> None:
    lookup = VARIABLES.__getitem__
    print(f"{'expression':44} {'native µs':>10} {'libjq µs':>10} {'times':>6}")
    for source in EXPRESSIONS:
        native, library = compile(source), LibraryProgram(source, sorted(compile(source).names))
        assert native.native
        assert native.evaluate(ORDER, lookup) == library.evaluate(ORDER, lookup)
        ours = microseconds(Timer(lambda evaluate=native.evaluate: evaluate(ORDER, lookup)))
        theirs = microseconds(Timer(lambda evaluate=library.evaluate: evaluate(ORDER, lookup)))
        print(f"{source:44} {ours:10.2f} {theirs:10.2f} {theirs / ours:6.0f}")


if __name__ == "__main__":
    main()
