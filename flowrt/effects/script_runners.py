"""Script runners: the programs that a language's own interpreter runs in place of a script, beside it in its folder.

They read `variables.json`, make its members variables of the script, let the script return a value at top level, and
write that value as JSON to `result.json`. The script keeps its line numbers, its arguments and its standard streams.
"""

PYTHON = """\
import ast, json, keyword, linecache, pathlib, sys, traceback, types

here = pathlib.Path(__file__).parent
path = sys.argv[0] = "script.py"
code = (here / path).read_text("utf-8")
variables = {
    name: value
    for name, value in json.loads((here / "variables.json").read_text("utf-8")).items()
    if name.isidentifier() and not keyword.iskeyword(name)
}


def returns(nodes):
    inner = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
    return any(
        isinstance(node, ast.Return) or (not isinstance(node, inner) and returns(ast.iter_child_nodes(node)))
        for node in nodes
    )


def run():
    linecache.cache[path] = len(code), None, code.splitlines(True), path
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    space = main.__dict__
    space.update(variables, __file__=str(here / path))
    tree = ast.parse(code, path)
    if not returns(tree.body):
        exec(compile(tree, path, "exec"), space)
        return
    function = ast.parse(f"def script({', '.join(variables)}): pass")
    function.body[0].body = tree.body
    exec(compile(function, path, "exec"), space)
    result = json.dumps(space.pop("script")(**variables), allow_nan=False)
    (here / "result.json").write_text(result, "utf-8")


runner = sys.modules["__main__"]
try:
    run()
except Exception as error:
    trace = error.__traceback__
    while trace and trace.tb_frame.f_code.co_filename != path:
        trace = trace.tb_next
    traceback.print_exception(type(error), error, trace)
    sys.exit(1)
"""

JAVASCRIPT = """\
const fs = require('node:fs'), path = require('node:path'), vm = require('node:vm'), url = require('node:url');
const script = path.join(__dirname, 'script.mjs');
process.argv[1] = script;
globalThis.require = require;

const { constructor: AsyncFunction } = async () => {};
const nameable = (name) => {
  if (!/^[\\p{L}_$][\\p{L}\\p{N}_$]*$/u.test(name)) return false;
  try { return Boolean(new AsyncFunction(name, "'use strict'")); } catch { return false; }
};
const variables = Object.entries(JSON.parse(fs.readFileSync(path.join(__dirname, 'variables.json'), 'utf8')))
  .filter(([name]) => nameable(name));
const names = variables.map(([name]) => name), values = variables.map(([, value]) => value);

let main, refused;
try {
  const code = fs.readFileSync(script, 'utf8');
  main = vm.runInThisContext(`(async (${names}) => {'use strict';${code}\\n})`, {
    filename: script,
    importModuleDynamically: vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
} catch (error) {
  refused = error;
}
if (main) {
  main(...values).then((value) => {
    const result = JSON.stringify(value);
    if (result !== undefined) fs.writeFileSync(path.join(__dirname, 'result.json'), result);
  });
} else {
  // Static imports cannot stand in a function: a module, then, unless it returns.
  for (const [name, value] of variables) globalThis[name] = value;
  import(url.pathToFileURL(script).href).catch((error) => {
    throw /Illegal return/.test(error.message) ? refused : error;
  });
}
"""
