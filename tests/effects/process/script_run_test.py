"""`run.script`: Python and JavaScript, their arguments, variables, return values and errors."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

import pytest

from flowrt.core.fault import PREFIX, Fault, Faulted
from flowrt.effects.process import ProcessSettings
from flowrt.effects.script import ScriptRun
from tests.effects.process.node import require_node

BOTH = pytest.mark.parametrize("language", ["python", "javascript"])


@pytest.fixture
def script(allowed):
    return ScriptRun(allowed)


@pytest.fixture
def output(script, effect):
    async def run(language, code, **more):
        if language == "javascript":
            require_node()
        return (await script.run(effect("script", language=language, code=code, **more))).output

    return run


@pytest.fixture
def fault(script, effect):
    async def run(language, code, **more) -> Fault:
        if language == "javascript":
            require_node()
        with pytest.raises(Faulted) as caught:
            await script.run(effect("script", language=language, code=code, **more))
        return caught.value.fault

    return run


async def test_the_specifications_example(output):
    code = """
        // Reading Input from STDIN
        import { readFileSync } from 'node:fs';
        const stdin = readFileSync(process.stdin.fd, 'utf8');
        console.log('stdin > ', stdin) // Output: stdin > Hello Workflow
        // Reading from argv
        const [_, __, arg] = process.argv;
        console.log('arg > ', arg) // Output: arg > hello
        // Reading from env
        const foo = process.env.foo;
        console.log('env > ', foo) // Output: env > bar
    """
    given = await output(
        "javascript", code, stdin="Hello Workflow", arguments=["hello"], environment={"foo": "bar"}, returns="stdout"
    )
    assert given == "stdin >  Hello Workflow\narg >  hello\nenv >  bar"


async def test_the_specifications_custom_function(output):
    code = """
      function validateEmail(email) {
        const re = /^[a-zA-Z0-9._-]+@[a-zA-Z0-9.-]+\\.[a-zA-Z]{2,6}$/;
        return re.test(email);
      }
      return { isValid: validateEmail(emailAddress) };
    """
    assert await output("javascript", code, arguments={"emailAddress": "a@b.org"}) == {"isValid": True}
    assert await output("js", code, arguments={"emailAddress": "nobody"}) == {"isValid": False}


async def test_python_is_given_stdin_arguments_and_environment(output):
    code = "import os, sys\nprint(sys.stdin.read(), sys.argv[1:], os.environ['foo'], __name__)\n"
    given = await output("python", code, stdin={"a": "ä"}, arguments=["x y", 2], environment={"foo": "bar"})
    assert given == "{\"a\":\"ä\"} ['x y', '2'] bar __main__"


@BOTH
@pytest.mark.parametrize("value", [None, 0, "text", [1, {"a": "ä\n\u2028"}], {}, 1.5, False])
async def test_a_returned_value_is_the_output(output, language, value):
    assert await output(language, "return given", arguments={"given": value}) == value


@BOTH
async def test_without_a_return_the_output_is_what_it_printed(output, language):
    code = {"python": "print(name + '!')", "javascript": "console.log(name + '!')"}[language]
    assert await output(language, code, arguments={"name": "Ann"}) == "Ann!"


@BOTH
async def test_returning_needs_no_arguments(output, language):
    assert await output(language, "return [1, 2]") == [1, 2]


@BOTH
async def test_a_return_does_not_change_the_other_ways_to_output(output, language):
    code = {"python": "print('said')", "javascript": "console.log('said')"}[language] + "\nreturn 1"
    assert await output(language, code, returns="all") == {"code": 0, "stdout": "said", "stderr": ""}
    assert await output(language, code, returns="code") == 0
    assert await output(language, code, returns="none") is None
    assert await output(language, code) == 1


@BOTH
async def test_a_map_is_also_argv_and_names_that_cannot_be_variables_are_only_there(output, language):
    code = {
        "python": "import sys\nreturn [a, *sys.argv[1:]]",
        "javascript": "return [a, ...process.argv.slice(2)]",
    }[language]
    given = await output(language, code, arguments={"a": 1, "my-name": 2, "class": 3, "a){": 4})
    assert given == [1, "--a", "1", "--my-name", "2", "--class", "3", "--a){", "4"]


async def test_python_functions_may_return_without_the_script_returning(output):
    code = "def twice(n):\n    return 2 * n\nprint(twice(number))"
    assert await output("py", code, arguments={"number": 4}) == "8"


async def test_a_python_variable_may_be_set_anew_and_seen_in_functions(output):
    code = "def shout():\n    return name.upper()\nname = name.strip()\nif name:\n    return shout()"
    assert await output("python", code, arguments={"name": " ann "}) == "ANN"


async def test_javascript_variables_in_a_module(output):
    code = "import { basename } from 'node:path';\nconsole.log(basename(path), typeof require('node:fs').readFileSync)"
    assert await output("javascript", code, arguments={"path": "/a/b.txt"}) == "b.txt function"


async def test_javascript_may_await_import_and_return(output):
    code = """
      const { setTimeout } = await import('node:timers/promises');
      return await setTimeout(5, { waited: true });
    """
    assert await output("javascript", code) == {"waited": True}


async def test_javascript_that_returns_nothing_outputs_what_it_printed(output):
    assert await output(
        "javascript", "console.log('said'); if (!ready) return; return 1", arguments={"ready": False}
    ) == ("said")


async def test_a_python_error_shows_the_scripts_own_lines(fault):
    got = await fault("python", "x = 1\n\nraise ValueError('no such order')\n")
    assert got.type == PREFIX + "runtime"
    assert got.detail is not None
    assert "ValueError: no such order" in got.detail
    assert 'File "script.py", line 3' in got.detail
    assert "raise ValueError('no such order')" in got.detail
    assert "run.py" not in got.detail


async def test_a_python_error_in_a_script_that_returns(fault):
    got = await fault("python", "x = 1\nif not x:\n    return 2\n1 / 0\n")
    assert got.detail is not None
    assert 'File "script.py", line 4' in got.detail
    assert "ZeroDivisionError" in got.detail


async def test_a_python_syntax_error(fault):
    got = await fault("python", "x = 1\nx = = 2\n")
    assert got.detail is not None
    assert "SyntaxError" in got.detail
    assert 'File "script.py", line 2' in got.detail


async def test_python_exits_with_the_code_it_wants(output):
    assert await output("python", "import sys\nsys.exit(4)", returns="code") == 4


@pytest.mark.parametrize(
    ("code", "shown", "line"),
    [
        ("\n\nthrow new TypeError('no such order')", "TypeError: no such order", 3),
        ("import 'node:fs';\n\nthrow new TypeError('in a module')", "TypeError: in a module", 3),
        ("return 1;\nlet = = 2;", "SyntaxError", 2),
        ("\nlet x = = 2;", "SyntaxError", 2),
    ],
)
async def test_a_javascript_error_shows_the_scripts_own_line(fault, code, shown, line):
    got = await fault("javascript", code)
    assert got.type == PREFIX + "runtime"
    assert got.detail is not None
    assert shown in got.detail
    assert f"script.mjs:{line}" in got.detail


@BOTH
async def test_a_value_json_cannot_hold_is_a_fault(fault, language):
    code = {"python": "return {1, 2}", "javascript": "return 10n"}[language]
    got = await fault(language, code)
    assert got.detail is not None
    assert "TypeError" in got.detail


async def test_a_returned_value_is_bounded_as_output_is(allowed, effect):
    script = ScriptRun(dataclasses.replace(allowed, output_bytes=1000))
    with pytest.raises(Faulted) as caught:
        await script.run(effect("script", language="python", code="return 'x' * 2000"))
    assert caught.value.fault.detail == "the script returned more than 1000 bytes"


async def test_the_working_folder_is_empty_and_removed(output):
    folder, entries = await output("python", "import os\nreturn [os.getcwd(), os.listdir()]")
    assert entries == []
    assert not Path(folder).parent.exists()


async def test_cancelling_ends_the_script(script, effect, tmp_path, alive):
    report = tmp_path / "pid"
    code = f"import os, time\nopen({str(report)!r}, 'w').write(str(os.getpid()))\ntime.sleep(60)"
    task = asyncio.create_task(script.run(effect("script", language="python", code=code)))
    async with asyncio.timeout(10):
        while not report.exists() or not report.read_text():
            await asyncio.sleep(0.01)
    await script.close()
    assert task.cancelled()
    assert not alive(int(report.read_text()))


async def test_without_code_there_is_nothing_to_run(fault):
    got = await fault("python", None)
    assert got == Fault.of("configuration", "the script has no code: its source was not read")


async def test_off_unless_switched_on(effect):
    script = ScriptRun(ProcessSettings())
    problem = "run.script is off; set run.script.enabled to true to allow scripts"
    assert await script.check({"language": "python", "code": ""}, None) == [problem]
    with pytest.raises(Faulted) as caught:
        await script.run(effect("script", language="python", code=""))
    assert caught.value.fault == Fault.of("configuration", problem)


async def test_languages_are_checked_at_load(script, allowed):
    assert await script.check({"language": "Python", "code": ""}, None) == []
    assert await script.check({"language": "ruby"}, None) == [
        "language 'ruby' is not one of python, py, javascript, js; run others in a container"
    ]
    without = ScriptRun(dataclasses.replace(allowed, node="no-such-node"))
    [problem] = await without.check({"language": "js"}, None)
    assert "Node.js" in problem
    assert "no-such-node" in problem
