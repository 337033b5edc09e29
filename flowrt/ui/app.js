// The address after # chooses a page; what changes by itself is asked for again while somebody looks.

import { Away, Refused } from "/ui/ask.js";
import { definitions, events, start } from "/ui/definitions.js";
import { instance, instances } from "/ui/instances.js";
import { make } from "/ui/make.js";

const AGAIN_MS = 2000;
// Address, view, which page of the navigation it belongs to.
const PAGES = [
  [/^\/$/, instances, "#/"],
  [/^\/instances\/([^/]+)$/, instance, "#/"],
  [/^\/definitions$/, definitions, "#/definitions"],
  [/^\/start\/([^/]+)\/([^/]+)\/([^/]+)$/, start, "#/definitions"],
  [/^\/events$/, events, "#/events"],
];
const page = document.getElementById("page");
const state = document.getElementById("state");
let shown = "";
let turn = 0;
let timer = null;

const go = address => {
  if (location.hash === address) show(true);
  else location.hash = address;
};

// Does what a button says, and tells how it went.
async function act(work) {
  page.querySelector(".told")?.remove();
  try {
    const told = await work();
    if (told) tell(told, "told");
    else await show(false);
  } catch (error) {
    tell(error instanceof SyntaxError ? `This is no JSON: ${error.message}` : error.message, "told fault");
  }
}

function tell(text, kind) {
  page.querySelector("h1")?.after(make("p", { class: kind, role: "alert" }, text));
}

async function show(anew) {
  clearTimeout(timer);
  const mine = ++turn;
  const address = location.hash.slice(1) || "/";
  const [path, query] = [address.split("?")[0], new URLSearchParams(address.split("?")[1] ?? "")];
  const [pattern, view, section] = PAGES.find(([each]) => each.test(path)) ?? [/^()/, nothing, ""];
  let again = true;
  try {
    const parts = path.match(pattern).slice(1).map(decodeURIComponent);
    const found = await view(parts, query, go, act);
    if (mine !== turn) return;
    state.textContent = "";
    again = found.changes;
    place(found.nodes.filter(Boolean), anew, section);
  } catch (error) {
    if (mine !== turn) return;
    if (error instanceof Away) state.textContent = error.message;
    else if (error instanceof Refused) again = refused(error, section);
    else throw error;
  }
  if (again && !document.hidden) timer = setTimeout(() => show(false), AGAIN_MS);
}

function refused(error, section) {
  place([make("h1", {}, error.title), make("p", { class: "fault", role: "alert" }, error.message)], true, section);
  return false;
}

// Puts the nodes on the page, unless they are what is there; what was opened stays open.
function place(nodes, anew, section) {
  const next = make("div", {}, ...nodes);
  const text = next.innerHTML;
  if (text === shown && !anew) return;
  const focused = page.contains(document.activeElement) ? document.activeElement : null;
  if (!anew && (focused?.matches("input, select, textarea") || String(getSelection()))) return;
  shown = text;
  if (!anew) {
    const open = new Map([...page.querySelectorAll("details")].map(each => [each.dataset.key, each.open]));
    for (const each of next.querySelectorAll("details")) each.open = open.get(each.dataset.key) ?? each.open;
  }
  page.replaceChildren(...next.childNodes);
  document.title = `${page.querySelector("h1")?.textContent ?? ""} – flowrt`;
  for (const each of document.querySelectorAll("nav a")) {
    if (each.getAttribute("href") === section) each.setAttribute("aria-current", "page");
    else each.removeAttribute("aria-current");
  }
  if (anew) page.focus({ preventScroll: true });
  else if (focused) like(focused)?.focus({ preventScroll: true });
}

const like = node => [...page.querySelectorAll(node.tagName)].find(each => each.textContent === node.textContent);

async function nothing() {
  const back = make("p", {}, make("a", { href: "#/" }, "To the instances"));
  return { nodes: [make("h1", {}, "There is no such page"), back] };
}

addEventListener("hashchange", () => show(true));
document.addEventListener("visibilitychange", () => document.hidden || show(false));
show(true);
