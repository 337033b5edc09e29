// The pages. Each is a function of the address that gives nodes, and whether they change while somebody looks.

import { ask } from "/ui/ask.js";
import { badge, json, lasted, link, make, note, table, time } from "/ui/make.js";
import { outline } from "/ui/outline.js";

const STATUSES = ["pending", "running", "waiting", "suspended", "completed", "faulted", "cancelled"];
const ENDED = ["completed", "faulted", "cancelled"];
const MOST_TASKS = 500;
const pathOf = ({ namespace, name, version }) => `/v1/definitions/${[namespace, name, version].map(encodeURIComponent).join("/")}`;

export async function instances(_, query, go) {
  const wanted = new URLSearchParams([...query].filter(([, value]) => value));
  if (!wanted.has("limit")) wanted.set("limit", "50");
  const [found, definitions] = await Promise.all([ask(`/v1/instances?${wanted}`), ask("/v1/definitions")]);
  const names = [...new Set(definitions.items.map(each => each.name))].sort();
  const change = (name, value) => {
    const next = new URLSearchParams(query);
    value ? next.set(name, value) : next.delete(name);
    go(`#/?${next}`);
  };
  const choice = (name, label, values) => make("label", {}, label,
    make("select", { onchange: event => change(name, event.target.value) }, make("option", { value: "" }, "all"),
      ...values.map(value => make("option", { value, selected: query.get(name) === value }, value))));
  const tag = make("input", { value: query.get("tag") ?? "", placeholder: "name:value", size: 14, onchange: event => change("tag", event.target.value.trim()) });
  const rows = found.items.map(each => [
    badge(each.status), link(`#/instances/${encodeURIComponent(each.id)}`, each.id), `${each.namespace}:${each.name}:${each.version}`,
    time(each.startedAt), lasted(each.startedAt, each.endedAt), Object.entries(each.tags).map(pair => pair.join(":")).join(" "),
  ]);
  const more = Math.min(1000, Number(wanted.get("limit")) * 2);
  const nodes = [
    make("h1", {}, "Instances"),
    make("div", { class: "filters" }, choice("status", "Status", STATUSES), choice("name", "Workflow", names), make("label", {}, "Tag", tag)),
    table(["Status", "Id", "Workflow", "Started", "Time", "Tags"], rows, "No instance is like that. Start one from Definitions."),
    found.next && more > rows.length ? make("button", { onclick: () => change("limit", String(more)) }, "Show more") : null,
  ];
  return { nodes, changes: true };
}

export async function instance([id], _query, go, act) {
  const path = `/v1/instances/${encodeURIComponent(id)}`;
  const [found, tasks] = await Promise.all([ask(path), ask(`${path}/tasks`)]);
  const definition = await ask(pathOf(found)).catch(() => null);
  const button = (label, verb, sure) => make("button", { class: sure ? "grave" : "", onclick: () => (!sure || confirm(sure)) && act(async () => ask(`${path}/${verb}`, "POST")) }, label);
  const remove = () => confirm("Remove this instance and its history?") && act(async () => { await ask(path, "DELETE"); go("#/"); });
  const buttons = ENDED.includes(found.status)
    ? [found.status === "faulted" ? button("Retry", "retry") : null, make("button", { class: "grave", onclick: remove }, "Remove")]
    : [found.status === "suspended" ? button("Resume", "resume") : button("Suspend", "suspend"), button("Cancel", "cancel", "Cancel this instance? It cannot go on afterwards.")];
  const rows = tasks.items.slice(-MOST_TASKS).map(each => [
    each.name, each.kind, make("code", {}, each.position), each.iteration ? String(each.iteration + 1) : "", each.attempt ? String(each.attempt) : "",
    lasted(each.startedAt, each.endedAt), json("output", each.output, false, `${each.position} ${each.iteration} ${each.attempt}`) ?? "",
  ]);
  const facts = [["Status", badge(found.status)], ["Workflow", `${found.namespace}:${found.name}:${found.version}`], ["Started", time(found.startedAt)],
    [found.endedAt ? "Took" : "For", lasted(found.startedAt, found.endedAt)], found.wakeAt ? ["Wakes", time(found.wakeAt)] : null,
    found.parent ? ["Begun by", link(`#/instances/${encodeURIComponent(found.parent)}`, found.parent)] : null];
  const before = tasks.items.length - rows.length;
  const nodes = [
    make("h1", {}, found.id),
    make("div", { class: "actions" }, ...buttons),
    make("dl", {}, ...facts.filter(Boolean).flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)])),
    found.error ? make("div", { class: "fault", role: "alert" }, make("b", {}, `${found.error.title ?? "Fault"} (${found.error.status})`), ` ${found.error.detail ?? ""} `, make("code", {}, found.error.instance ?? "")) : null,
    make("h2", {}, "Where it stands"),
    definition ? outline(definition, found.standing, tasks.items) : note("Its definition is not served any more."),
    make("h2", {}, "Data"),
    json("input", found.input, true), json("context", found.context, true), json("output", found.output, true), json("error", found.error),
    make("h2", {}, "Completed tasks"),
    before > 0 ? note(`The last ${rows.length}; ${before} came before them.`) : null,
    table(["Task", "Kind", "Position", "Round", "Retry", "Took", "Output"], rows, "None yet."),
  ];
  return { nodes, changes: !ENDED.includes(found.status) };
}

export async function definitions() {
  const found = await ask("/v1/definitions");
  const rows = found.items.map(each => [
    `${each.namespace}:${each.name}:${each.version}`, each.title ?? "", each.summary ?? "",
    link(`#/start/${[each.namespace, each.name, each.version].map(encodeURIComponent).join("/")}`, "Start"),
    link(`#/?name=${encodeURIComponent(each.name)}`, "Instances"),
  ]);
  const nothing = "Nothing is served yet: write a YAML file into the folder of workflows.";
  return { nodes: [make("h1", {}, "Definitions"), table(["Workflow", "Title", "Summary", "", ""], rows, nothing)], changes: true };
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
    definition.document.summary ? note(definition.document.summary) : null,
    form("Input (JSON)", JSON.stringify(example(schema), null, 2), "Start", begin, act),
    schema ? json("what the input must be", schema) : null,
    make("h2", {}, "Tasks"), outline(definition, [], []), json("definition", definition),
  ];
  return { nodes };
}

export async function events(_path, _query, _go, act) {
  const event = { specversion: "1.0", id: crypto.randomUUID?.() ?? String(Date.now()), source: "/ui", type: "com.example.approved", data: {} };
  const send = async text => {
    const { accepted } = await ask("/v1/events", "POST", text, "application/cloudevents+json");
    return accepted ? "The event is durable, and was offered to all that listen." : "This source and id had been accepted before: no effect.";
  };
  return { nodes: [make("h1", {}, "Send an event"), form("CloudEvent (JSON)", JSON.stringify(event, null, 2), "Send", send, act)] };
}

function form(label, text, verb, work, act) {
  const area = make("textarea", { rows: 12, spellcheck: "false" });
  area.value = text;
  const submit = event => {
    event.preventDefault();
    act(async () => {
      if (area.value.trim()) JSON.parse(area.value);
      return work(area.value);
    });
  };
  return make("form", { onsubmit: submit }, make("label", {}, label, area), make("button", {}, verb));
}

// What an input could look like, as far as its schema says.
function example(schema, depth = 0) {
  if (!schema || typeof schema !== "object" || depth > 5) return {};
  if ("default" in schema) return schema.default;
  if (schema.enum?.length) return schema.enum[0];
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type ?? "object";
  const plain = { string: "", integer: 0, number: 0, boolean: false, array: [], null: null };
  if (type in plain) return plain[type];
  return Object.fromEntries(Object.entries(schema.properties ?? {}).map(([name, each]) => [name, example(each, depth + 1)]));
}
