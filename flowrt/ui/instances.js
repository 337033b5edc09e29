// Instances: the list, and one of them.

import { ask, Refused } from "/ui/ask.js";
import { badge, json, lasted, link, make, note, table, time } from "/ui/make.js";
import { outline } from "/ui/outline.js";

const STATUSES = ["pending", "running", "waiting", "suspended", "completed", "faulted", "cancelled"];
const ENDED = ["completed", "faulted", "cancelled"];
const FIRST = "50";
const MOST = 1000;
const MOST_TASKS = 500;
const NONE = "No instance is like that. Start one from Definitions.";

const addressOf = id => `#/instances/${encodeURIComponent(id)}`;
const nameOf = ({ namespace, name, version }) => `${namespace}:${name}:${version}`;
export const pathOf = ({ namespace, name, version }) =>
  `/v1/definitions/${[namespace, name, version].map(encodeURIComponent).join("/")}`;

export async function instances(_path, query, go) {
  const wanted = new URLSearchParams([...query].filter(([, value]) => value));
  if (!wanted.has("limit")) wanted.set("limit", FIRST);
  const [found, definitions] = await Promise.all([ask(`/v1/instances?${wanted}`), ask("/v1/definitions")]);
  const change = (name, value) => {
    const next = new URLSearchParams(query);
    if (value) next.set(name, value);
    else next.delete(name);
    go(`#/?${next}`);
  };
  const rows = found.items.map(each => [
    badge(each.status),
    link(addressOf(each.id), each.id),
    nameOf(each),
    time(each.startedAt),
    lasted(each.startedAt, each.endedAt),
    Object.entries(each.tags).map(pair => pair.join(":")).join(" "),
  ]);
  const more = Math.min(MOST, 2 * Number(wanted.get("limit")));
  const nodes = [
    make("h1", {}, "Instances"),
    filters(query, [...new Set(definitions.items.map(each => each.name))].sort(), change),
    table(["Status", "Id", "Workflow", "Started", "Time", "Tags"], rows, NONE),
    found.next && more > rows.length && make("button", { onclick: () => change("limit", String(more)) }, "Show more"),
  ];
  return { nodes, changes: true };
}

function filters(query, names, change) {
  const choice = (name, label, values) => {
    const options = values.map(value => make("option", { value, selected: query.get(name) === value }, value));
    const chosen = event => change(name, event.target.value);
    const all = make("option", { value: "" }, "all");
    return make("label", {}, label, make("select", { onchange: chosen }, all, ...options));
  };
  const tag = { value: query.get("tag") ?? "", placeholder: "name:value", size: 14 };
  const tagged = make("input", { ...tag, onchange: event => change("tag", event.target.value.trim()) });
  return make(
    "div", { class: "filters" },
    choice("status", "Status", STATUSES), choice("name", "Workflow", names), make("label", {}, "Tag", tagged),
  );
}

export async function instance([id], _query, go, act) {
  const path = `/v1/instances/${encodeURIComponent(id)}`;
  const [found, tasks] = await Promise.all([ask(path), ask(`${path}/tasks`)]);
  const definition = await ask(pathOf(found)).catch(unserved);
  const nodes = [
    make("h1", {}, found.id),
    actions(path, found.status, go, act),
    facts(found),
    found.error && fault(found.error),
    make("h2", {}, "Where it stands"),
    definition ? outline(definition, found.standing, tasks.items) : note("Its definition is not served any more."),
    make("h2", {}, "Data"),
    ...["input", "context", "output"].map(name => json(name, found[name], true)),
    json("error", found.error),
    make("h2", {}, "Completed tasks"),
    ...history(tasks.items),
  ];
  return { nodes, changes: !ENDED.includes(found.status) };
}

function unserved(error) {
  if (error instanceof Refused) return null;
  throw error;
}

function actions(path, status, go, act) {
  const button = (label, work, sure) => {
    const pressed = () => (!sure || confirm(sure)) && act(work);
    return make("button", { class: sure ? "grave" : "", onclick: pressed }, label);
  };
  const say = verb => async () => {
    await ask(`${path}/${verb}`, "POST");
  };
  const remove = async () => {
    await ask(path, "DELETE");
    go("#/");
  };
  const buttons = ENDED.includes(status)
    ? [status === "faulted" && button("Retry", say("retry")), button("Remove", remove, "Remove it, and its history?")]
    : [
        status === "suspended" ? button("Resume", say("resume")) : button("Suspend", say("suspend")),
        button("Cancel", say("cancel"), "Cancel it? It cannot go on afterwards."),
      ];
  return make("div", { class: "actions" }, ...buttons);
}

function facts(found) {
  const said = [
    ["Status", badge(found.status)],
    ["Workflow", nameOf(found)],
    ["Started", time(found.startedAt)],
    [found.endedAt ? "Took" : "For", lasted(found.startedAt, found.endedAt)],
  ];
  if (found.wakeAt) said.push(["Wakes", time(found.wakeAt)]);
  if (found.parent) said.push(["Begun by", link(addressOf(found.parent), found.parent)]);
  return make("dl", {}, ...said.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
}

function fault(error) {
  const title = make("b", {}, `${error.title ?? "Fault"} (${error.status})`);
  const place = make("code", {}, error.instance ?? "");
  return make("div", { class: "fault", role: "alert" }, title, ` ${error.detail ?? ""} `, place);
}

function history(tasks) {
  const last = tasks.slice(-MOST_TASKS);
  const rows = last.map(each => [
    each.name,
    each.kind,
    make("code", {}, each.position),
    each.iteration ? String(each.iteration + 1) : "",
    each.attempt ? String(each.attempt) : "",
    lasted(each.startedAt, each.endedAt),
    json("output", each.output, false, `${each.position} ${each.iteration} ${each.attempt}`),
  ]);
  const before = tasks.length - last.length;
  return [
    before > 0 && note(`The last ${last.length}; ${before} came before them.`),
    table(["Task", "Kind", "Position", "Round", "Retry", "Took", "Output"], rows, "None yet."),
  ];
}
