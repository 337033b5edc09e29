"""Random jq programs over the constructs that run as closures, and random JSON to run them on.

Programs are made from a `random.Random` (hypothesis supplies one it can shrink). They use few names and small data,
so that most of them do something; that some fail is wanted, since failures must agree too.
"""

from __future__ import annotations

from random import Random
from typing import Any

FIELDS = ["a", "b", "c", "name", "value", "key"]
STRINGS = ["", "a", "b", "ab", "a,b", "x y", "A1é", '<"&>', "10", "-7", "2.5", "null", "\t\n", "日本", "aa", "aXbX"]
NUMBERS = [0, 1, 2, 3, -1, 7, 10, 255, 1.5, -2.5, 0.1, 4096, 2**40]
ARITHMETIC = ["+", "+", "-", "*", "/", "%"]
COMPARISONS = ["==", "!=", "<", "<=", ">", ">="]
ASSIGNMENTS = ["=", "|=", "+=", "-=", "*=", "/=", "%=", "//="]
OF_INPUT = [
    "abs", "add", "all", "any", "ascii_downcase", "ascii_upcase", "ceil", "error", "explode", "fabs", "first",
    "flatten", "floor", "from_entries", "fromjson", "implode", "isinfinite", "isnan", "keys", "keys_unsorted",
    "last", "length", "ltrim", "max", "min", "not", "reverse", "round", "rtrim", "sort", "sqrt", "to_entries",
    "toboolean", "tojson", "tonumber", "tostring", "trim", "type", "unique", "values", "nulls", "strings", "numbers",
    "booleans", "arrays", "objects", "iterables", "scalars", "recurse", "paths", "empty",
]  # fmt: skip
OF_VALUE = [
    "contains", "endswith", "has", "index", "indices", "inside", "join", "ltrimstr", "rindex", "rtrimstr", "split",
    "startswith", "trimstr", "flatten", "nth", "in",
]  # fmt: skip
OF_CLOSURE = [
    "map", "select", "sort_by", "group_by", "unique_by", "min_by", "max_by", "any", "all", "first", "last",
    "isempty", "with_entries", "map_values", "path", "paths", "del", "add", "walk", "IN",
]  # fmt: skip
OF_ARRAY = [
    "sort", "unique", "map(type)", "tojson", "map(F)", "sort_by(F)", "flatten", "group_by(F)", "min_by(F)", "max_by(F)",
    "index(F)", "unique_by(F)", "map(select(F))", "any(F)", "all(F)", "to_entries", "add", "reverse", "length",
]  # fmt: skip
OF_STRINGS = [
    'join(",")', "add", "map(explode)", "map(length)", 'map(split("a"))', 'map(ltrimstr("a"))', "map(tonumber?)",
    "map(ascii_upcase)", "map(@base64, @uri, @html, @sh)", "map(tojson | fromjson)", 'map(index("a"), rindex("a"))',
    "sort", "@csv", "@tsv", "map(.[1:])", 'map(startswith("a"))', "map(trim, ltrim, rtrim)",
    "map(explode | implode)", 'map(contains("a"))', "map(. * 2)", 'map(. / ",")', 'map(ascii_downcase)', "max",
]  # fmt: skip
FORMATS = ["text", "json", "csv", "tsv", "html", "uri", "sh", "base64", "base64d"]


class Programs:
    """Makes programs; `variables` are those that may be mentioned."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.fresh = 0

    def program(self, depth: int = 4) -> str:
        return self.query(depth, ["v", "w"])

    def one_of(self, items: list[Any]) -> Any:
        return items[self.random.randrange(len(items))]

    def query(self, depth: int, variables: list[str]) -> str:
        if depth <= 0:
            return self.leaf(variables)
        makers = [
            self.path, self.path, self.path, self.pipe, self.pipe, self.comma, self.arithmetic, self.arithmetic,
            self.comparison, self.logic, self.alternative, self.condition, self.attempt, self.array, self.array,
            self.object, self.object, self.bind, self.reduce, self.foreach, self.function, self.text, self.call,
            self.call, self.call, self.call, self.assign, self.assign, self.label, self.leaf, self.negate, self.limit,
        ]  # fmt: skip
        return str(self.one_of(makers)(depth - 1, variables))

    def term(self, depth: int, variables: list[str]) -> str:
        return f"({self.query(depth, variables)})"

    def leaf(self, variables: list[str] | int, more: list[str] | None = None) -> str:
        names = more if more is not None else variables
        assert isinstance(names, list)
        kind = self.random.randrange(8)
        if kind == 0:
            return str(self.one_of(NUMBERS))
        if kind == 1:
            return quoted(self.one_of(STRINGS))
        if kind == 2:
            return str(self.one_of(["null", "true", "false", "[]", "{}"]))
        if kind == 3:
            return "$" + str(self.one_of(names))
        if kind == 4:
            return str(self.one_of(OF_INPUT))
        return str(
            self.one_of([".", ".", ".a", ".b", ".c", ".[0]", ".[-1]", ".[]", ".[]?", ".a?", "..", ".a.b", ".a[]"])
        )

    def path(self, depth: int, variables: list[str]) -> str:
        steps = [self.one_of([".", ".", ".", "$" + self.one_of(variables), self.term(depth, variables)])]
        for _ in range(self.random.randrange(1, 4)):
            kind = self.random.randrange(7)
            if kind < 3:
                steps.append(f".{self.one_of(FIELDS)}")
            elif kind == 3:
                steps.append("[]")
            elif kind == 4:
                steps.append(f"[{self.one_of(['0', '1', '-1', '2', '1.5', quoted(self.one_of(FIELDS))])}]")
            elif kind == 5:
                steps.append(f"[{self.query(depth - 1, variables)}]")
            else:
                bounds = ["0", "1", "-1", "2", "", "1.5", "null"]
                start, end = self.one_of(bounds), self.one_of(bounds)
                steps.append(f"[{start or '0'}:{end}]")
            if self.random.randrange(4) == 0:
                steps.append("?")
        text = "".join(steps)
        return text.replace("..", ".", 1) if text.startswith("..") else text

    def pipe(self, depth: int, variables: list[str]) -> str:
        return f"{self.query(depth, variables)} | {self.query(depth, variables)}"

    def comma(self, depth: int, variables: list[str]) -> str:
        return f"{self.term(depth, variables)}, {self.term(depth, variables)}"

    def arithmetic(self, depth: int, variables: list[str]) -> str:
        left, right, operator = self.term(depth, variables), self.term(depth, variables), self.one_of(ARITHMETIC)
        kind = self.random.randrange(8)
        if kind == 0:
            return f"({left} | numbers) {operator} ({right} | numbers)"
        if kind == 1:
            return f"({left} | tostring) {self.one_of(['+', '/'])} ({right} | tostring)"
        if kind == 2:
            return f"[{left}] {self.one_of(['+', '-'])} [{right}]"
        if kind == 3:
            return f"{{a: {left}}} {self.one_of(['+', '*'])} {{a: {right}}}"
        if kind == 4:
            return f"({left} | length) {operator} {self.one_of(NUMBERS)}"
        if kind == 5:
            return f"(.. | numbers) {operator} {self.one_of(NUMBERS)}"
        return f"{left} {operator} {right}"

    def comparison(self, depth: int, variables: list[str]) -> str:
        return f"{self.term(depth, variables)} {self.one_of(COMPARISONS)} {self.term(depth, variables)}"

    def logic(self, depth: int, variables: list[str]) -> str:
        return f"{self.term(depth, variables)} {self.one_of(['and', 'or'])} {self.term(depth, variables)}"

    def alternative(self, depth: int, variables: list[str]) -> str:
        return f"{self.term(depth, variables)} // {self.term(depth, variables)}"

    def negate(self, depth: int, variables: list[str]) -> str:
        return f"-{self.term(depth, variables)}"

    def condition(self, depth: int, variables: list[str]) -> str:
        parts = [self.query(depth, variables) for _ in range(5)]
        middle = f" elif {parts[1]} then {parts[2]}" if self.random.randrange(3) == 0 else ""
        end = f" else {parts[3]}" if self.random.randrange(3) else ""
        return f"if {parts[0]} then {parts[4]}{middle}{end} end"

    def attempt(self, depth: int, variables: list[str]) -> str:
        body = self.term(depth, variables)
        return str(
            self.one_of(
                [f"try {body}", f"{body}?", f"try {body} catch {self.term(depth, variables)}", f"try {body} catch ."]
            )
        )

    def array(self, depth: int, variables: list[str]) -> str:
        return f"[{self.query(depth, variables)}]"

    def object(self, depth: int, variables: list[str]) -> str:
        entries = []
        for _ in range(self.random.randrange(1, 4)):
            name, value = self.one_of(FIELDS), self.term(depth - 1, variables)
            entries.append(
                self.one_of(
                    [name, f"{name}: {value}", f"{name}: {value}", f"({self.query(depth - 1, variables)}): {value}",
                     "$" + self.one_of(variables), f'"{name}"', f'"x\\({self.query(0, variables)})": {value}']
                )
            )  # fmt: skip
        return "{" + ", ".join(entries) + "}"

    def variable(self) -> str:
        self.fresh += 1
        return f"x{self.fresh}"

    def pattern(self) -> tuple[str, list[str]]:
        first, second = self.variable(), self.variable()
        return self.one_of(
            [(f"${first}", [first]), (f"${first}", [first]), (f"[${first}, ${second}]", [first, second]),
             (f"{{a: ${first}, b: [${second}]}}", [first, second]),
             (f"{{$a, ${first}: [${second}]}}", ["a", first, second])]
        )  # fmt: skip

    def bind(self, depth: int, variables: list[str]) -> str:
        pattern, names = self.pattern()
        return f"{self.term(depth, variables)} as {pattern} | {self.query(depth, variables + names)}"

    def reduce(self, depth: int, variables: list[str]) -> str:
        pattern, names = self.pattern()
        update = self.query(depth, variables + names)
        return f"reduce {self.term(depth, variables)} as {pattern} ({self.query(depth - 1, variables)}; {update})"

    def foreach(self, depth: int, variables: list[str]) -> str:
        pattern, names = self.pattern()
        update = self.query(depth, variables + names)
        extract = f"; {self.query(depth - 1, variables + names)}" if self.random.randrange(2) else ""
        head = f"foreach {self.term(depth, variables)} as {pattern}"
        return f"[{head} ({self.query(depth - 1, variables)}; {update}{extract})]"

    def function(self, depth: int, variables: list[str]) -> str:
        argument = self.query(depth - 1, variables)
        kind = self.random.randrange(3)
        if kind == 0:
            return f"def f: {self.query(depth, variables)}; {self.one_of(['f', '[f, f]', '.a | f', 'map(f)'])}"
        if kind == 1:
            body = self.one_of(["g | g", "[.[]? | g]", "1 as $x | g", ".a | g", "g, 1"])
            return f"def f(g): {body}; f({argument})"
        return f"def f($p; g): [$p, g]; f({argument}; {self.query(depth - 1, variables)})"

    def text(self, depth: int, variables: list[str]) -> str:
        form = f"@{self.one_of(FORMATS)} " if self.random.randrange(3) == 0 else ""
        parts = "".join(f"-\\({self.query(depth - 1, variables)})" for _ in range(self.random.randrange(1, 3)))
        return (
            f'{form}"{parts}"'
            if self.random.randrange(4)
            else f"{self.term(depth, variables)} | @{self.one_of(FORMATS)}"
        )

    def call(self, depth: int, variables: list[str]) -> str:
        argument = self.query(depth, variables)
        kind = self.random.randrange(9)
        if kind == 0:
            return f"[..] | {self.one_of(OF_ARRAY).replace('F', argument)}"
        if kind == 1:
            return f"[.. | strings] | {self.one_of(OF_STRINGS)}"
        if kind == 2:
            return f"{self.term(depth, variables)} | {self.one_of(OF_INPUT)}"
        if kind < 5:
            return f"{self.one_of(OF_VALUE)}({argument})"
        if kind < 8:
            return f"{self.one_of(OF_CLOSURE)}({argument})"
        paths = self.one_of(['["a"]', '["a", 0]', "[0]", '["b", "c"]', "[]", "paths", "null"])
        return str(
            self.one_of(
                [f"getpath({paths})", f"setpath({paths}; {argument})", f"delpaths([{paths}])", f"error({argument})",
                 f"any(.[]?; {argument})", f"all(.[]?; {argument})", "range(3)", "range(0)", "range(1; 4)"]
            )
        )  # fmt: skip

    def limit(self, depth: int, variables: list[str]) -> str:
        return f"{self.one_of(['limit', 'nth'])}({self.one_of(['0', '1', '2', '-1'])}; {self.query(depth, variables)})"

    def target(self, depth: int, variables: list[str]) -> str:
        condition = self.query(depth - 1, variables)
        return str(
            self.one_of(
                [".a", ".a.b", ".[0]", ".[]", ".[]?", ".a[1]", ".a[]?", ".[-1]", "..", ".a[1:]",
                 f"(.[]? | select({condition}))", ".b?", "(.a, .b)", "(.a // .b)", "first(.[]?)", ".[$v]?",
                 'getpath(["a", "b"])', "if .a then .a else .b end"]
            )
        )  # fmt: skip

    def assign(self, depth: int, variables: list[str]) -> str:
        return f"{self.target(depth, variables)} {self.one_of(ASSIGNMENTS)} {self.term(depth, variables)}"

    def label(self, depth: int, variables: list[str]) -> str:
        return (
            f"label $out | {self.query(depth, variables)}, {self.one_of(['break $out', 'empty', '(.. | break $out)'])}"
        )


def quoted(text: str) -> str:
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + plain.replace("\n", "\\n").replace("\t", "\\t") + '"'


def value(random: Random, depth: int = 3) -> Any:
    """A JSON value whose numbers are as libjq gives them back: whole ones are ints."""
    kind = random.randrange(10 if depth > 0 else 6)
    if kind == 0:
        return None
    if kind == 1:
        return bool(random.randrange(2))
    if kind in (2, 3):
        return NUMBERS[random.randrange(len(NUMBERS))]
    if kind in (4, 5):
        return STRINGS[random.randrange(len(STRINGS))]
    size = random.randrange(4)
    if kind in (6, 7):
        return [value(random, depth - 1) for _ in range(size)]
    return {FIELDS[random.randrange(len(FIELDS))]: value(random, depth - 1) for _ in range(size + 1)}
