"""`run.shell`: what a command is given, what its task outputs, and which commands are refused."""

from __future__ import annotations

import asyncio
import dataclasses
import os
from pathlib import Path

import pytest
import uvloop

from flowrt.core.fault import PREFIX, Fault, Faulted
from flowrt.effects.process import ProcessSettings
from flowrt.effects.shell import ShellRun


@pytest.fixture
def shell(allowed):
    return ShellRun(allowed)


@pytest.fixture
def output(shell, effect):
    async def run(command, **more):
        return (await shell.run(effect(command=command, **more))).output

    return run


@pytest.fixture
def fault(shell, effect):
    async def run(command, **more) -> Fault:
        with pytest.raises(Faulted) as caught:
            await shell.run(effect(command=command, **more))
        return caught.value.fault

    return run


async def test_the_specifications_example(output):
    command = 'input=$(cat)\necho "STDIN was: $input"\necho "ARGS are $1 $2"\n'
    given = await output(command, stdin="Hello World", arguments=["Foo", "Bar"])
    assert given == "STDIN was: Hello World\nARGS are Foo Bar"


async def test_exactly_one_trailing_newline_is_taken(output):
    assert await output("printf 'a\\n\\n'") == "a\n"
    assert await output("printf ' a '") == " a "
    assert await output("true") == ""


async def test_arguments_are_words_and_never_code(output):
    assert await output('printf "%s|" "$0" "$@"', arguments=["a b", "$(id)", "; exit 9", 1, {"k": [None]}]) == (
        'sh|a b|$(id)|; exit 9|1|{"k":[null]}|'
    )


async def test_a_map_of_arguments_is_long_options(output):
    given = await output('printf "%s|" "$@"', arguments={"name": "Ann Lee", "count": 2, "dry-run": None})
    assert given == "--name|Ann Lee|--count|2|--dry-run|"


async def test_a_list_runs_without_a_shell(output):
    assert await output(["printf", "%s|"], arguments=["$HOME", "a;b"]) == "$HOME|a;b|"


@pytest.mark.parametrize(
    ("stdin", "text"),
    [("täxt\n\n", "täxt\n\n"), ({"a": [1, "ä"]}, '{"a":[1,"ä"]}'), (7, "7"), (False, "false"), (None, "")],
)
async def test_stdin_is_text_or_json(output, stdin, text):
    assert await output("cat; printf .", stdin=stdin) == text + "."


async def test_a_program_that_reads_nothing_may_be_given_much(output):
    assert await output("echo done", stdin="x" * 5_000_000) == "done"


async def test_the_environment_is_the_minimal_one_and_what_is_given(output, allowed, monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_SERVER", "x")
    text = await output("env | sort", environment={"GREETING": "hi there", "DATA": {"a": 1}, "LEFT_OUT": None})
    seen = dict(line.split("=", 1) for line in text.split("\n"))
    assert seen.pop("HOME") == seen.pop("TMPDIR") == seen.pop("PWD")
    assert seen == {
        "PATH": allowed.path,
        "LANG": "C.UTF-8",
        "GREETING": "hi there",
        "DATA": '{"a":1}',
        "FLOWRT_IDEMPOTENCY_KEY": "01J/do/0/run/2/1",
    }


async def test_the_key_cannot_be_forged(output):
    given = await output("echo $FLOWRT_IDEMPOTENCY_KEY", environment={"FLOWRT_IDEMPOTENCY_KEY": "mine"})
    assert given == "01J/do/0/run/2/1"


async def test_a_name_that_no_shell_can_pass_is_a_fault(fault):
    got = await fault("true", environment={"my.key": "1"})
    assert (got.type, got.detail) == (
        PREFIX + "configuration",
        "environment: 'my.key' cannot be a variable (letters, digits and _ only)",
    )


async def test_maps_and_lists_are_what_they_have_to_be(fault, shell):
    got = await fault("true", arguments="text")
    assert got == Fault.of("validation", "arguments: expected a list or a map, got text")
    got = await fault("true", environment=["A=1"])
    assert got == Fault.of("validation", 'environment: expected a map, got ["A=1"]')
    assert await shell.check({"command": "true", "environment": "${ .all }"}, None) == []


async def test_the_working_folder_is_empty_writable_and_removed(output):
    folder = await output("ls -A; echo x >file; mkdir -m 0 closed; pwd")
    assert not Path(folder).exists()
    assert not Path(folder).parent.exists()
    assert folder != os.getcwd()


async def test_what_each_return_outputs(output):
    command = "echo out; echo err >&2; exit 3"
    assert await output(command, returns="code") == 3
    assert await output(command, returns="stderr") == "err"
    assert await output(command, returns="all") == {"code": 3, "stdout": "out", "stderr": "err"}
    assert await output("echo out", returns="none") is None
    assert await output("echo out", returns="stdout") == "out"


@pytest.mark.parametrize("returns", ["stdout", "none"])
async def test_a_failed_command_faults_with_its_stderr(fault, returns):
    assert await fault("echo bad news >&2; exit 3", returns=returns) == Fault.of("runtime", "bad news")


async def test_the_fault_of_a_silent_command_names_its_code(fault):
    assert await fault("exit 3") == Fault.of("runtime", "the command exited with code 3")


async def test_the_fault_shows_the_first_4_kib(fault):
    got = await fault("yes 0123456789abcdef | head -c 100000 >&2; exit 1")
    assert got.detail is not None
    assert 4000 < len(got.detail) <= 4096


async def test_a_signal_is_128_and_its_number(output):
    assert await output("kill -9 $$", returns="code") == 137


async def test_an_unknown_program_is_127(output, fault):
    assert await output(["no-such-program"], returns="code") == 127
    got = await fault(["no-such-program"])
    assert got.detail is not None
    assert "no-such-program: not found" in got.detail


async def test_bytes_that_are_no_text_are_replaced(output):
    assert await output("printf 'a\\377b'") == "a�b"


async def test_arguments_no_system_can_pass_are_a_fault(fault):
    got = await fault("true", arguments=["x" * 3_000_000])
    assert got.type == PREFIX + "runtime"
    assert got.detail is not None
    assert "too long" in got.detail
    assert "stdin" in got.detail
    nul = await fault("true", arguments=["a\0b"])
    assert nul.type == PREFIX + "runtime"


async def test_off_unless_switched_on(effect):
    shell = ShellRun(ProcessSettings())
    with pytest.raises(Faulted) as caught:
        await shell.run(effect(command="true"))
    assert caught.value.fault == Fault.of(
        "configuration", "run.shell is off; set run.shell.enabled to true to allow shell commands"
    )
    [problem] = await shell.check({"command": "true"}, None)
    assert "run.shell.enabled" in problem


class TestAllowList:
    @pytest.fixture
    def allowed(self, allowed):
        return dataclasses.replace(allowed, allowed_commands=("echo", "printf"))

    @pytest.mark.parametrize(
        ("command", "arguments", "text"),
        [
            ("echo hi\n", [], "hi"),
            ("  echo 'a b'  \"$1\"", ["; id"], "a b ; id"),
            ("echo $#", ["a"], "1"),
            (["echo", "a;b", "$(id)"], [], "a;b $(id)"),
        ],
    )
    async def test_listed_commands_run(self, output, shell, command, arguments, text):
        assert await shell.check({"command": command}, None) == []
        assert await output(command, arguments=arguments) == text

    @pytest.mark.parametrize(
        "command",
        [
            "id",
            "/bin/echo hi",
            "A=1 echo hi",
            "echo; id",
            "echo\nid",
            "echo && id",
            "echo | id",
            "echo & id",
            "echo $(id)",
            "echo `id`",
            "echo $PATH",
            "echo ${PATH}",
            "echo > file",
            "echo < file",
            "(id)",
            '"$1"',
            "$1",
            "",
            ["id"],
            [],
        ],
    )
    async def test_anything_else_is_refused(self, fault, shell, command):
        assert len(await shell.check({"command": command}, None)) == (0 if "${" in str(command) else 1)
        got = await fault(command, arguments=["id"])
        assert got.type == PREFIX + "configuration"

    @pytest.mark.parametrize("name", ["PATH", "LD_PRELOAD", "BASH_ENV", "IFS"])
    async def test_no_variable_may_change_what_a_word_means(self, fault, name):
        got = await fault(["echo"], environment={name: "x"})
        assert got.detail == f"environment: {name} is refused while run.shell.commands is set"

    async def test_what_an_expression_decides_is_not_judged_at_load(self, shell):
        assert await shell.check({"command": "${ .command }"}, None) == []
        assert await shell.check({"command": ["${ .command }", "x"]}, None) == []


def test_the_same_on_uvloop(allowed, effect):
    async def both():
        shell = ShellRun(allowed)
        first = await shell.run(effect(command="cat; echo err >&2", stdin="hi", returns="all"))
        slow = asyncio.create_task(shell.run(effect(command="sleep 60")))
        await asyncio.sleep(0)
        await shell.close()
        return first.output, slow.cancelled()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(both()) == ({"code": 0, "stdout": "hi", "stderr": "err"}, True)
