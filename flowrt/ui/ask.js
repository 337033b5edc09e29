// Questions to the server that the page came from. Its token, if it wants one, lives as long as the tab.

const KEY = "flowrt-token";

// The server cannot be reached, or cannot answer right now.
export class Away extends Error {}

export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || `The server answered ${status}.`);
    this.status = status;
    this.title = problem.title || `Status ${status}`;
  }
}

export async function ask(path, method = "GET", body = undefined, type = "application/json") {
  const headers = { Accept: "application/json" };
  const token = sessionStorage.getItem(KEY);
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers["Content-Type"] = type;
  const [response, text] = await said(path, { method, headers, body });
  if (response.status === 401) {
    await enter();
    return ask(path, method, body, type);
  }
  const answer = parsed(text);
  if (response.status >= 500) throw new Away(answer?.detail ?? `The server answered ${response.status}; trying again …`);
  if (!response.ok) throw new Refused(response.status, answer ?? {});
  return answer;
}

async function said(path, options) {
  try {
    const response = await fetch(path, options);
    return [response, await response.text()];
  } catch {
    throw new Away("The server does not answer; trying again …");
  }
}

function parsed(text) {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

let entering = null;

function enter() {
  entering ??= new Promise(resolve => {
    const dialog = document.getElementById("entry");
    const input = document.getElementById("token");
    input.value = "";
    dialog.addEventListener("close", () => {
      entering = null;
      sessionStorage.setItem(KEY, input.value);
      resolve();
    }, { once: true });
    dialog.showModal();
  });
  return entering;
}
