// The tasks of a definition as an outline, with what has happened to each in one instance.

import { make } from "/ui/make.js";

const MARKS = { here: "▶", done: "✓", ahead: "·" };
const KINDS = ["call", "do", "emit", "for", "fork", "listen", "raise", "run", "set", "switch", "try", "wait"];
// "for" and "try" have a "do" or a "catch" beside them: what a task is called after comes first.
const kindOf = task => (task.for ? "for" : task.try ? "try" : KINDS.find(kind => kind in task) ?? "task");

// The lists of tasks within a task, by the end of their positions (JSON pointers).
function within(task) {
  const lists = {
    "do": task.do,
    "try": task.try,
    "catch/do": task.catch?.do,
    "fork/branches": task.fork?.branches,
    "foreach/do": task.foreach?.do,
  };
  return Object.entries(lists).filter(([, list]) => Array.isArray(list));
}

export function outline(definition, standing, tasks) {
  const done = new Map();
  for (const task of tasks) done.set(task.position, (done.get(task.position) ?? 0) + 1);
  const here = new Map(standing.map(each => [each.position, each]));
  const known = new Set();
  const listed = list(definition.do ?? [], "/do", done, here, known);
  const elsewhere = standing.filter(each => !known.has(each.position));
  const said = elsewhere.map(each => make("p", { class: "here" }, `${each.position}: ${doing(each)}`));
  return make("div", {}, listed, ...said);
}

function list(items, base, done, here, known) {
  const rows = items.map((item, at) => {
    const [name, task] = Object.entries(item)[0];
    const position = `${base}/${at}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    known.add(position);
    const times = done.get(position) ?? 0;
    const stands = here.get(position);
    const state = stands ? "here" : times ? "done" : "ahead";
    const said = stands ? doing(stands) : times > 1 ? `${times} times` : "";
    return make(
      "li", { class: state, title: position },
      make("span", { class: "mark", "aria-hidden": "true" }, MARKS[state]),
      make("b", {}, name),
      make("span", { class: "kind" }, kindOf(task)),
      make("span", { class: "said" }, said),
      ...within(task).map(([end, inner]) => list(inner, `${position}/${end}`, done, here, known)),
    );
  });
  return make("ol", { class: "outline" }, ...rows);
}

function doing(stands) {
  const words = [stands.waitsFor ? `waits for ${stands.waitsFor}` : "runs"];
  if (stands.until) words.push(`until ${new Date(stands.until).toLocaleString()}`);
  if (stands.iteration) words.push(`round ${stands.iteration + 1}`);
  if (stands.attempt) words.push(`retry ${stands.attempt}`);
  return words.join(", ");
}
