// Definitions, what starts them, and events for what they wait for.

import { ask } from "/ui/ask.js";
import { pathOf } from "/ui/instances.js";
import { json, link, make, note, table } from "/ui/make.js";
import { outline } from "/ui/outline.js";

const NONE = "Nothing is served yet: write a YAML file into the folder of workflows.";

export async function definitions() {
  const found = await ask("/v1/definitions");
  const rows = found.items.map(each => {
    const place = [each.namespace, each.name, each.version];
    const start = link(`#/start/${place.map(encodeURIComponent).join("/")}`, "Start");
    const begun = link(`#/?name=${encodeURIComponent(each.name)}`, "Instances");
    return [place.join(":"), each.title ?? "", each.summary ?? "", start, begun];
  });
  const nodes = [make("h1", {}, "Definitions"), table(["Workflow", "Title", "Summary", "", ""], rows, NONE)];
  return { nodes, changes: true };
}

export async function start([namespace, name, version], _query, go, act) {
  const path = pathOf({ namespace, name, version });
  const definition = await ask(path);
  const schema = definition.input?.schema?.document;
  const begin = async text => {
    const begun = await ask(`${path}/instances`, "POST", text || "{}");
    go(`#/instances/${encodeURIComponent(begun.id)}`);
  };
  const nodes = [
    make("h1", {}, `Start ${namespace}:${name}:${version}`),
    definition.document.summary && note(definition.document.summary),
    form("Input (JSON)", example(schema), "Start", begin, act),
    json("what the input must be", schema),
    make("h2", {}, "Tasks"),
    outline(definition, [], []),
    json("definition", definition),
  ];
  return { nodes };
}

export async function events(_path, _query, _go, act) {
  const id = crypto.randomUUID?.() ?? String(Date.now());
  const event = { specversion: "1.0", id, source: "/ui", type: "com.example.approved", data: {} };
  const send = async text => {
    const { accepted } = await ask("/v1/events", "POST", text, "application/cloudevents+json");
    return accepted
      ? "The event is durable, and was offered to all that listen."
      : "This source and id had been accepted before: no effect.";
  };
  return { nodes: [make("h1", {}, "Send an event"), form("CloudEvent (JSON)", event, "Send", send, act)] };
}

function form(label, value, verb, work, act) {
  const area = make("textarea", { rows: 12, spellcheck: "false" });
  area.value = JSON.stringify(value, null, 2);
  const submit = event => {
    event.preventDefault();
    act(async () => {
      if (area.value.trim()) JSON.parse(area.value);
      return work(area.value);
    });
  };
  return make("form", { onsubmit: submit }, make("label", {}, label, area), make("button", {}, verb));
}

const PLAIN = { string: "", integer: 0, number: 0, boolean: false, array: [], null: null };

// What an input could look like, as far as its schema says.
function example(schema, depth = 0) {
  if (!schema || typeof schema !== "object" || depth > 5) return {};
  if ("default" in schema) return schema.default;
  if (schema.enum?.length) return schema.enum[0];
  const type = [schema.type ?? "object"].flat()[0];
  if (type in PLAIN) return PLAIN[type];
  const members = Object.entries(schema.properties ?? {});
  return Object.fromEntries(members.map(([name, each]) => [name, example(each, depth + 1)]));
}
