"""Every construct, function and failure of jq that closures cover: they agree with libjq, message for message."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flowrt.expressions.jq import compile
from tests.expressions.agreement import evaluate, outcomes

DATA: list[Any] = [
    None,
    True,
    0,
    -3,
    2.5,
    "a,b",
    "",
    [],
    [3, 1, 2],
    ["b", "a", "b"],
    [[1, [2]], [3]],
    {"a": 1, "b": [1, 2], "c": {"d": None}},
    {"b": {"a": [0, {"x": "y"}]}, "a": "text", "name": "n"},
    [{"key": "k", "value": 1}, {"name": "n", "value": False}, {"Key": "K", "Value": 2}],
    [{"a": 2, "b": 1}, {"a": 1, "b": 2}, {"b": 3, "a": 2}],
    [True, 1, "1", None, False, 0, [1], {"a": 1}, 1.5],
]

PROGRAMS = {
    "paths": """
        .  .a  .a.b  .a?  .b.a  .c.d.e  .["a"]  ."a"  ."a"."b"?  .[0]  .[-1]  .[5]  .[1.7]  .[]  .[]?  .b[]  .b[1]?
        .[1:]  .[:1]  .[:-1]  .[1:2]  .[0.5:1.5]  .[-2:]  .[10:]  .[1:]?  .a[1:]  .["a","b"]  .[(0,1)]?  ..  ..|.a?
        .b.a[1].x  .[.a]?  .[null]  .[[1]]  .[{}]  .[{"start":1,"end":null}]  .[true]  .a."b c"?  .[].a?  .[]?.a  .a?.b?
        try(.a)catch(.)  [..]  [.[]?|.[]?]  first  last  .[0,1]?  ."\\("a")"  .b|.a  (.a,.b)?  .[:2][0]?  .[1:][1:]
    """,
    "literals": """
        null  true  false  1  1.5  -1  -2.5  100000000000000000000  "text"  "é\\u00e9\\ud83d\\ude00\\n\\"\\\\\\/"  []  {}
        [1,2]  [1,[2,{}]]  {"a":1}  {a:1}  {a:1,b:[2]}  {"a b":1}  {(.a?|tostring):1}?  [.[]?]  $__loc__  {$__loc__}
        {a}?  {a,b}?  {"a"}?  {"x\\(1+1)":2}  {if:1,then:2}  {a:1|2}  {a:(1,2),b:(3,4)}  {("x","y"):(1,2)}  {a:1,a:2}
        {$v}  {$v:1}?  {"a":1,}  [1,2,3][1]  {a:{b:1}}.a.b  1.0  1.50  1e3  1E2  .5  0.1  [.,.]  {a:.}  {(1,2|tostring):.}
    """,
    "operators": """
        1+2  1-2  2*3  7/2  6/3  7%3  -7%3  7%-3  5.9%2.1  1/3  0.1+0.2  .+null  null+.  .+.  .-.  .*.  ./.  .%.  .+1  .-1
        .*2  ./2  .%2  1+.  2*.  .+"x"  .+[1]  .+{"z":1}  {"z":1}+.  .-[1]  .-["b"]  .*{"a":{"q":1}}  "ab"*2  0*"ab"  "ab"*0
        "ab"*1.7  "ab"*-1  "a,b"/","  ""/","  "abc"/""  1/0  1%0  .==.  .==1  .==true  .==null  .=="a,b"  .!=1  .!=null
        .<1  .<=0  .>"a"  .>=[]  .<{}  1<.  [.]<[1]  [1]==[true]  [0]==[false]  {"a":1}=={"a":1.0}  1==1.0  [1,2]<[1,3]
        .aand.b?  .and.  .or.  true,false|not  (true,false)or(true,false)  (true,false)and(true,false)  .//1  .a?//"none"
        (false,null,1)//2  (false,null)//(3,4)  empty//5  1//empty  [.[]?//"x"]?  -.  -(1)  -(-1)  (1,2)+(10,20)  1+2*3-4/2
        1,2|.+1  1==1 and 2>1  1+1==2  .a?==1 or .b?  [1,2]-[2]  [1,true]-[1]  {"a":1}*{"a":{"b":2}}  {}*{"a":1}  []+[1]
    """,
    "control": """
        if . then 1 else 2 end  if . then 1 end  if .a? then "a" elif .b? then "b" else "c" end  if (true,false) then 1 else 2 end
        if empty then 1 else 2 end  if . then (1,2) else empty end  if null then 1 elif null then 2 end
        try error("x") catch .  try error({a:1}) catch .a  try error catch .  (1,error("x"),3)?  try (1,error("x")) catch .
        try .a.b.c.d catch "no"  [.[]?|try tonumber catch "bad"]  error  error("x")  error({a:1})  error(null)  try error(null) catch .
        .a.b.c?  try error("\\(1)") catch error("y")  (.a,.b)?  . as $x|$x  . as $x|[$x,$x]  (1,2) as $x|$x*10
        . as [$a,$b]|[$b,$a]  . as {a:$x,b:[$y]}|[$x,$y]  . as {$a,$b}|{$b,$a}  . as {$b:[$c]}|[$b,$c]  . as {"a":$x}|$x
        1 as $x|2 as $y|[$x,$y]  1 as $x|(2 as $x|$x),$x  1+2 as $x|$x  .[]? as $x|$x  . as {b:{a:[$q]}}|$q
        reduce .[]? as $x (0;.+1)  reduce (1,2,3) as $x (0;.+$x)  reduce empty as $x (7;.)  reduce .[]? as [$a] (null;.+$a)
        reduce (1,2,3) as $x (0;if $x==2 then empty else .+$x end)  reduce (1,2) as $x (0;.+$x,.*10)
        [foreach (1,2,3) as $x (0;.+$x)]  [foreach (1,2,3) as $x (0;.+$x;[$x,.])]  [foreach (1,2,3) as $x (0;empty;.)]
        [foreach (1,2) as $x (0,10;.+$x)]  [foreach (1,2,3) as $x (0;if $x==2 then empty else .+$x end)]
        [foreach (1,2) as $x (0;(.+$x,.*2);.,-.)]  [label $out|1,2,break $out,3]  [label $a|label $b|1,break $a,2]
        [label $f|(1,2)|.,break $f]  [label $f|1,(break $f)?,2]  first(label $x|1,break $x)  [.[]?|label $x|.,break $x]
        label $f|reduce (1,2) as $x (0;if $x==2 then break $f else .+1 end)  try (label $x|error("e")) catch .
        def f:.+1;1|f|f  def f(g):g|g;2|f(.*3)  def f($x):$x+1;f(1,2)  def f($x;g):[$x,g];f(1,2;3,4)  def f:def g:3;g;f
        def f(x):x*2;def g(x):f(x)+1;g(3)  def f($a):$a|f2;def f2:1;f2  def f(a):1 as $x|a;2 as $x|f($x)  def f($a):def g:$a;g;f(5)
        def f(g):def h:g;[h,h];f(.)  def f($a;$b):$a+$b;[f(1,2;10,20)]  $v  $v.a  $v.a[0]  $w+1  [$v,$w]|length  $v|.b  $w as $x|$x
    """,
    "texts": """
        "a\\(1)b"  "\\(.)"  "\\(1,2)-\\(3,4)"  "\\("in \\("ner")")"  @text  @json  @csv  @tsv  @html  @uri  @sh  @base64
        "YWJj"|@base64d  "YQ"|@base64d  "!"|@base64d  @json"x\\(.)"  @base64"x\\("ab")y"  @uri"?q=\\("a b&c/ü")"  @html"<\\("<&>'\\"")>"
        @sh"echo \\("it's")"  [1,"a\\"b",null,true,1.5]|@csv  [1,"a\\tb\\\\",null]|@tsv  [1,"a b"]|@sh  [[1]]|@csv  [{}]|@tsv
        [[1]]|@sh  tostring  tojson  ascii_downcase  ascii_upcase  "ABC é"|ascii_downcase  "abc É"|ascii_upcase  explode
        "aé😀"|explode  [97,233,128512]|implode  [-1,55296,97.9]|implode  ["a"]|implode  implode  trim  ltrim  rtrim
        " \\t\\u00a0x\\u3000 "|trim,ltrim,rtrim  ltrimstr("a")  rtrimstr("b")  trimstr("a")  startswith("a")  endswith("b")
        startswith(1)  split(",")  split("")  split(1)  "a,b,c"|split(",";null)?  join(",")  [1,null,"a",true]|join("-")
        [[1]]|join(",")  ["a","b"]|join(1)  ["a"]|join(1)  []|join(",")  ["a","b"]|join(",","-")  "1"|tonumber  "1.5"|tonumber
        "1.50"|tonumber  "x"|tonumber  "-7"|tonumber  " 1"|tonumber  "1e3"|tonumber  "nan"|tonumber  tonumber  toboolean
        "true"|toboolean  "[1,{\\"a\\":2.5}]"|fromjson  "{"|fromjson  ""|fromjson  "nan"|fromjson  "1.0"|fromjson|tojson
        "\\"\\\\ud800\\""|fromjson  fromjson  [.]|tojson|fromjson  "\\u007f\\u0001"|tojson  [1.5,100]|tojson  1.0|tostring
        (1/3)|tostring  0.00001|tostring  1e17|tostring  (1e17+1)|tostring  -0|tostring  (0*-1)|tostring  [-0.5|ceil]|tostring
        indices(",")  indices(1)  indices([1])  index("b")  rindex("b")  "aaa"|indices("aa")  "ab"|indices("")  [1,2,1,2]|indices([1,2])
        null|index("a")  "abc"|test("B";"i")?  "a-b"|.[1:]  "日本語"|.[1:2],length,utf8bytelength  "ab"|contains("b"),inside("abc")
    """,
    "collections": """
        length  keys  keys_unsorted  values  add  any  all  min  max  sort  unique  reverse  flatten  flatten(1)  flatten(0)
        flatten(-1)  to_entries  from_entries  type  not  first(.[]?)  last(.[]?)  nth(1)?  [nth(1;.[]?)]  [limit(2;.[]?)]
        [limit(0;error)]  [limit(-1;1)]  [limit(1;1,error)]  nth(-1;1)  isempty(.[]?)  isempty(error("x"))  isempty(1,error("x"))
        any(.[]?;.)  all(.[]?;.)  any(.>1)?  all(type=="number")?  any(true,error("x");.)  add(.[]?)  add(empty)  map(.+1)
        map(.,.)  map(select(.>1))?  map(empty)  map(type)  [.[]?|numbers]  [.[]?|strings]  [.[]?|nulls]  [.[]?|booleans]
        [.[]?|arrays]  [.[]?|objects]  [.[]?|iterables]  [.[]?|scalars]  [.[]?|values]  sort_by(.a)  sort_by(.a,.b)  sort_by(-.a)?
        group_by(.a)  unique_by(.a)  min_by(.a)  max_by(.a)  min_by(.b)  max_by(.b)  sort_by(.)  group_by(type)  unique_by(length)?
        has("a")  has(0)  has(-1)  has(5)  "a"|in({"a":1})  contains("a")  contains([1])  contains({"a":1})  contains(true)
        [1,"abc"]|contains(["b"])  {"a":[1,"xy"]}|contains({"a":["x"]})  [1]|inside([1,2])  IN(1,2)  IN(.[]?)  walk(.)
        walk(if type=="number" then .+1 else . end)  walk(numbers)  walk(select(.!=1))  with_entries(.value|=tostring)
        with_entries(select(.key=="a"))  with_entries(.key|=ascii_upcase)?  {"a":1}|with_entries(.,.)  map_values(.+1)?
        map_values(empty)  map_values(type)  [range(3)]  [range(1;4)]  [range(0,1;2,3)]  [range(0)]  [range(2.5)]  [range("a")]?
        [range(-2;2)]  [recurse]  [recurse|numbers]  [..|numbers?]  [paths]  [paths(type=="number")]  [path(..)]  path(.a)  path(.a[0].b)?
        [path(.[]?)]  path(1)?  getpath(["a"])  getpath(["a","b"])  getpath([])  getpath("a")  getpath(["b",0])?  [getpath(["a"],["b"])]?
        setpath(["a"];1)  setpath([];1)  setpath([0];1)  setpath("a";1)  setpath(["a","b"];1)?  delpaths([["a"]])  delpaths([])
        delpaths([[0],[1]])?  delpaths(1)  delpaths([1])  delpaths([[]])  del(.a)  del(.[0])?  del(.[0,1])?  del(.[-1])?  del(.[1:])?
        del(.a,.b)?  del(..)  del(.[]?)  del(.b[0])?  del(.[]?|select(.==1))  to_entries|from_entries  [.[]?]|sort|unique
    """,
    "numbers": """
        floor  ceil  round  sqrt  fabs  abs  2.5|floor,ceil,round  -2.5|floor,ceil,round,fabs,abs  0.5|round  -0.4|round  16|sqrt  2|sqrt
        -1|sqrt  0.49999999999999994|round  9007199254740993  9007199254740993+0  9007199254740992+1  4503599627370496*2  -9007199254740993
        3000000000*3000000000  10000000000000000/3  1e308*10  -1e308*10  infinite  nan  [nan]|sort  nan<nan  isnan  isinfinite
        infinite|isinfinite  nan|isnan  1e1000  pow(2;10)  pow(2;0.5)  log  [1,1.0,1.5]|unique  1.0==1  3.0  3.0*1  [3.0]|tojson
        1.1+2.2  1e15+0.5  (1e15+0.5)|tostring  0.1*3  100/10  1e3/10  -5%5  5%-5  0/-5  -1*0  .1+.2  4.0/2  123456789*987654321
    """,
    "updates": """
        .a=1  .a.b=1  .[0]=1  .[2]=1  .[-1]=9  .[-9]=1  .[]=1  .[]?=1  .a=(1,2)  .a=.b?  .a=empty  (.a,.b)=1  .a[1:]=[9]  .[1:]=[7,8]
        .[1:]=1  .[:1]=[]  ..=1  .a|=.+1  .a|=empty  .[]|=empty  .[]?|=.+1  .[]|=(.,.)  .a|=(1,2)  .b[0]|=.*10  .a.b.c|=5  (.a,.b)|=1
        (.[]?|select(.==1))|=2  (.[]?|select(.>1))|=empty  .a+=1  .a-=1  .a*=2  .a/=2  .a%=2  .a//=3  .c.d//=3  .[]+=1  .[]?//=0
        .a+=(1,2)  .a+=.b?  .b+=[.a]?  .x+=1  .x.y-=1  .["a"]=5  .[$v.b]=1  .[$w]=1  .[.a]=1  .a[.b]=1  first(.[]?)=1  .b.a[1].x="z"
        getpath(["a","b"])=1  (if .a then .a else .b end)=1  (.a//.b)=1  (.a?,.b?)=1  (.a as $x|.b)=1  ("a" as $k|.[$k])=1  .a=.  .a|=.
        (def f:.a;f)=1  (.a|.b)=1  (.[]?|numbers)+=1  recurse=1  (..|numbers?)|=.+1  error("x")=1  empty=1  .[1e9]=1  .a=1|.b=2
        map_values(.+1)|.a=1  (.a|tostring)=1  [.[]?]|.[0]+=10|.[5]=1  .a as $x|.b=$x  .[]|=try tonumber catch 0  {}|.a.b.c+=1
        {"a":[1,2]}|.a[]*=2  [1,2]|.[0]=.[1]  [[1]]|.[0][0]=2  null|.[1][1]=1  {"a":1}|.a as $x|.b=$x+1  {}|."x y"=1
    """,
}  # fmt: skip


def programs(group: str) -> list[str]:
    """Programs stand two spaces or a line apart."""
    return [text for line in PROGRAMS[group].split("\n") for text in line.strip().split("  ") if text]


@pytest.mark.parametrize("source", [source for group in PROGRAMS for source in programs(group)])
def test_agrees_with_the_library(source: str) -> None:
    if not compile(source).bounded:
        pytest.fail("the table is for programs that run in this process")
    for data in DATA:
        ours, theirs = outcomes(source, data)
        assert ours == theirs, json.dumps(data)


@pytest.mark.parametrize(
    ("source", "data", "expected"),
    [
        (".a.b", {"a": {"b": 3}}, 3),
        ("1 + 2", None, 3),
        ("10 / 4", None, 2.5),
        ("10 / 5", None, 2),
        ('.status == "paid"', {"status": "paid"}, True),
        ("empty", None, None),
        (".[]", [7], 7),
        (".[]", [7, 8], [7, 8]),
        (".[]", [], None),
        (".[]", [None], None),
        ("$v.b + .x", {"x": "y"}, "xy"),
        ("[.items[] | select(.n > 1) | .n]", {"items": [{"n": 1}, {"n": 2}, {"n": 3}]}, [2, 3]),
        ("[1] == [true]", None, False),
        ("{b: 1, a: 2} | keys", None, ["a", "b"]),
        ("[.[] | tostring]", [1, True, None, {"a": [1.5]}], ["1", "true", "null", '{"a":[1.5]}']),
    ],
)
def test_known_answers(source: str, data: Any, expected: Any) -> None:
    """The library agrees with itself in all the other tests; these say what is right."""
    assert compile(source).native
    assert json.dumps(evaluate(source, data)) == json.dumps(expected)


def test_numbers_that_pass_through_keep_their_digits() -> None:
    """Data that is only handed on is handed on as it is, which jq's language says and its Python package does not."""
    number = 12345678901234567890
    assert evaluate(".n", {"n": number}) == number
    assert evaluate("{m: .n}", {"n": number}) == {"m": number}
    assert evaluate(".n + 0", {"n": number}) == int(float(number))


def test_long_loops_are_as_right_as_short_ones() -> None:
    """Closures hand a loop that copies too much to the library, in the middle of it."""
    data = list(range(3000))
    assert evaluate("reduce .[] as $x ([]; . + [$x])", data) == data
    assert evaluate("reduce .[] as $x (0; . + $x)", data) == sum(data)
    assert evaluate(".[] |= . + 1", data) == [value + 1 for value in data]
    assert evaluate("(.[] | select(. > 1500)) |= 0", data) == [value if value <= 1500 else 0 for value in data]


def test_deep_data() -> None:
    deep: Any = 1
    for _ in range(3000):
        deep = [deep]
    assert evaluate("flatten", deep) == [1]
    assert evaluate("[..] | length", deep) == 3001
