"""The page at /docs: the OpenAPI document for people; one file, nothing from elsewhere."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from flowrt.api.context import Context

SECURITY = "default-src 'none'; connect-src 'self'; script-src 'unsafe-inline'; style-src 'unsafe-inline'"


async def docs(_context: Context, _request: Request) -> Response:
    """The page."""
    return Response(PAGE, media_type="text/html", headers={"Content-Security-Policy": SECURITY})


PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>flowrt API</title>
<style>
  :root { color-scheme: light dark; --line: #8884; --soft: #8882 }
  body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
  h2 { margin: 2rem 0 .5rem; border-bottom: 1px solid var(--line) }
  details { border: 1px solid var(--line); border-radius: 6px; margin: .4rem 0; padding: 0 .8rem }
  summary { cursor: pointer; padding: .45rem 0; display: flex; gap: .7rem; flex-wrap: wrap; align-items: baseline }
  summary > span { opacity: .75 }
  b.method { min-width: 4.2rem; text-align: center; border-radius: 4px; color: #fff; font-size: .8em }
  .get { background: #2563eb } .post { background: #15803d }
  .put { background: #a16207 } .delete { background: #b91c1c }
  code, pre, textarea, input { font: 13px/1.5 ui-monospace, monospace }
  pre, textarea { background: var(--soft); padding: .6rem; border-radius: 4px; overflow: auto; max-height: 24rem }
  textarea, input { width: 100%; box-sizing: border-box; border: 1px solid var(--line); color: inherit }
  table { border-collapse: collapse; width: 100% }
  td { border-top: 1px solid var(--line); padding: .25rem .5rem; vertical-align: top }
  h4 { margin: .8rem 0 .2rem }
</style>
<h1>flowrt API</h1>
<p id="about">The description is being loaded …</p>
<p><input id="filter" placeholder="Filter by path or words" aria-label="Filter"></p>
<main id="list"></main>
<script>
"use strict";
const make = (tag, text, name) => {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  if (name) node.className = name;
  return node;
};
const resolved = (root, schema, depth) => {
  if (!schema || typeof schema !== "object" || depth > 6) return schema;
  const own = typeof schema.$ref === "string" && schema.$ref.startsWith("#/components/");
  if (own) return resolved(root, root.components.schemas[schema.$ref.split("/").pop()], depth + 1);
  if (Array.isArray(schema)) return schema.map(each => resolved(root, each, depth + 1));
  return Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, resolved(root, value, depth + 1)]));
};
const rows = pairs => {
  const table = make("table");
  for (const pair of pairs) {
    const row = table.appendChild(make("tr"));
    for (const cell of pair) row.appendChild(make("td")).append(cell);
  }
  return table;
};
const schemas = (root, box, content) => {
  for (const [kind, {schema}] of Object.entries(content || {})) {
    box.append(make("code", kind), make("pre", JSON.stringify(resolved(root, schema, 0), null, 2)));
  }
};
const render = (root, path, method, operation, shared) => {
  const box = make("details");
  const head = box.appendChild(make("summary"));
  head.append(make("b", method.toUpperCase(), "method " + method), make("code", path), make("span", operation.summary));
  box.addEventListener("toggle", () => {
    if (!box.open || box.filled) return;
    box.filled = true;
    if (operation.description) box.append(make("p", operation.description));
    const given = [...shared, ...(operation.parameters || [])];
    if (given.length) {
      box.append(make("h4", "Parameters"));
      box.append(rows(given.map(each => [make("code", each.name), each.in, each.description || ""])));
    }
    if (operation.requestBody) {
      box.append(make("h4", "Body"));
      schemas(root, box, operation.requestBody.content);
    }
    box.append(make("h4", "Answers"));
    for (const [status, answer] of Object.entries(operation.responses)) {
      const part = box.appendChild(make("details"));
      part.appendChild(make("summary")).append(make("code", status), make("span", answer.description));
      schemas(root, part, answer.content);
    }
  });
  return box;
};
fetch("/openapi.json").then(answer => answer.json()).then(root => {
  document.getElementById("about").textContent = root.info.description + " Version " + root.info.version + ".";
  const list = document.getElementById("list"), sections = new Map(), boxes = [];
  for (const {name} of root.tags) {
    const section = make("section");
    section.append(make("h2", name));
    sections.set(name, section);
    list.append(section);
  }
  for (const [path, {parameters = [], ...methods}] of Object.entries(root.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const box = render(root, path, method, operation, parameters);
      box.words = (method + " " + path + " " + operation.summary).toLowerCase();
      sections.get(operation.tags[0]).append(box);
      boxes.push(box);
    }
  }
  document.getElementById("filter").addEventListener("input", event => {
    for (const box of boxes) box.hidden = !box.words.includes(event.target.value.toLowerCase());
  });
}).catch(error => { document.getElementById("about").textContent = "The description could not be loaded: " + error; });
</script>
</html>
"""
