// Nodes of the page. Whatever comes from the server becomes text, never markup.

export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter(child => child !== null && child !== undefined && child !== false));
  return node;
}

export const link = (href, text) => make("a", { href }, text);
export const badge = status => make("span", { class: `badge ${status}` }, status);
export const note = text => make("p", { class: "note" }, text);

export function table(heads, rows, empty) {
  if (!rows.length) return note(empty);
  const head = make("tr", {}, ...heads.map(text => make("th", { scope: "col" }, text)));
  const body = rows.map(cells => make("tr", {}, ...cells.map(cell => make("td", {}, cell))));
  const whole = make("table", {}, make("thead", {}, head), make("tbody", {}, ...body));
  return make("div", { class: "wide" }, whole);
}

export function json(title, value, open = false, key = title) {
  if (value === null || value === undefined) return null;
  const text = JSON.stringify(value, null, 2);
  return make("details", { "data-key": key, open }, make("summary", {}, title), make("pre", {}, text));
}

export function time(text) {
  if (!text) return "–";
  const shown = new Date(text).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
  return make("time", { datetime: text, title: text }, shown);
}

export function lasted(from, to) {
  const ms = (to ? new Date(to) : new Date()) - new Date(from);
  if (ms < 1000) return `${Math.max(0, ms)} ms`;
  const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  const at = units.findIndex(([, size]) => ms >= size * 1000);
  const [name, size] = units[at];
  const whole = Math.floor(ms / 1000 / size);
  if (at === units.length - 1) return `${(ms / 1000).toFixed(1)} s`;
  const [less, part] = units[at + 1];
  return `${whole} ${name} ${Math.floor((ms / 1000 - whole * size) / part)} ${less}`;
}
