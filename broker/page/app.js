// The page of the broker. It asks the broker what a code stands for, lets the
// person confirm, and then either leaves for the sign-in or encrypts a form.
// Nothing a person types leaves this file in clear.
"use strict";

const algorithm = "RSA-OAEP-256+AES-256-GCM";
const $ = (id) => document.getElementById(id);

// ---- showing -------------------------------------------------------------

function show(id) {
  for (const section of document.querySelectorAll("main > section")) {
    section.hidden = section.id !== id;
  }
  const title = document.querySelector(`#${id} h1`);
  if (title && title.tabIndex === -1) title.focus();
}

function end(title, text) {
  $("end-title").textContent = title;
  $("end-text").textContent = text;
  document.title = title;
  show("end");
}

function complain(id, text) {
  $(id).textContent = text;
  $(id).hidden = text === "";
}

const newLink = "Ask your assistant for a new link.";

// endFor explains an answer after which nothing more can be done here.
function endFor(problem) {
  switch (problem.status) {
    case 404:
      return end("This link does not work any more", `It has been used, it has run out, or the code is wrong. ${newLink}`);
    case 409:
      return end("This link is already in use", `It was opened before, here or in another browser. ${newLink}`);
    case 429:
      return end("Too many attempts", "There were too many wrong codes from your network. Wait ten minutes, then open the link again.");
    default:
      return end("That did not work", problem.detail || "The broker could not be reached. Reload the page to try again.");
  }
}

// ---- asking the broker ---------------------------------------------------

class Problem extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
    this.detail = detail;
  }
}

// ask returns the answer's JSON, or throws a Problem.
async function ask(path, init) {
  let answer;
  try {
    answer = await fetch(path, { credentials: "same-origin", redirect: "error", ...init });
  } catch {
    throw new Problem(0, "");
  }
  const body = answer.status === 204 ? null : await answer.json().catch(() => null);
  if (!answer.ok) {
    const detail = body && typeof body.detail === "string" ? body.detail : "";
    throw new Problem(answer.status, detail);
  }
  return body;
}

function post(path, body) {
  const init = { method: "POST", headers: { Accept: "application/json" } };
  if (body instanceof URLSearchParams) {
    init.body = body;
  } else if (body !== undefined) {
    init.headers["Content-Type"] = "application/json";
    init.body = JSON.stringify(body);
  }
  return ask(path, init);
}

// ---- the steps -----------------------------------------------------------

let session = null; // what the broker told about the code
let token = ""; // the connect token, for this tab only
let deadline = 0;

const pathOf = (code) => `/v1/connect/${code}`; // the path has it encoded already

async function start() {
  const code = location.pathname.split("/")[2] || "";
  const returned = new URLSearchParams(location.search).has("status");
  if (!code) return show("enter");
  try {
    // After the trip to a provider the broker is asked how it went: anybody
    // can write ?status=success into a link.
    if (returned) return await outcome(code);
    present(await ask(pathOf(code)));
  } catch (problem) {
    if (problem.status === 404 && !returned) {
      return outcome(code).catch(() => endFor(problem));
    }
    if (problem.status === 404) {
      return end("You can close this tab", "This browser has no open sign-in here. Your assistant knows how it went.");
    }
    endFor(problem);
  }
}

// outcome shows how the session stands that this browser confirmed.
async function outcome(code) {
  const { status } = await ask(`${pathOf(code)}/status`);
  switch (status) {
    case "ready":
    case "consumed":
      return end("Connected", "You can close this tab and go back to your assistant.");
    case "failed":
      return end("Not connected", `Access was not granted. ${newLink}`);
    default:
      return end("Not finished", `You have opened this link before and not finished. ${newLink}`);
  }
}

function present(described) {
  session = described;
  const oauth = session.template_type === "oauth";
  const name = session.display_name || "An assistant";
  $("ask-title").textContent = oauth ? "Connect an account to your assistant?" : "Give your assistant a credential?";
  $("ask-name").textContent = name;
  $("ask-code").textContent = session.code;
  $("ask-broker").textContent = location.host;
  row("ask-by", session.asked_by);
  row("ask-where", session.destination);
  const scopes = session.scopes || [];
  $("ask-scopes").replaceChildren(...scopes.map((scope) => {
    const item = document.createElement("li");
    item.textContent = scope;
    return item;
  }));
  $("ask-scopes-row").hidden = scopes.length === 0;
  $("ask-password").hidden = !oauth;
  const until = new Date(session.expires_at);
  $("ask-until").dateTime = session.expires_at;
  $("ask-until").textContent = until.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  deadline = setTimeout(() => endFor(new Problem(404)), Math.max(0, until - Date.now()));
  if (!oauth && !(window.isSecureContext && window.crypto && crypto.subtle)) {
    $("confirm").disabled = true;
    complain("ask-error", "This page was not opened over https, so your browser does not allow it to encrypt. " +
      "Nothing can be entered here. The operator of this broker has to set up TLS.");
  }
  show("ask");
}

function row(id, text) {
  $(id).textContent = text || "";
  $(`${id}-row`).hidden = !text;
}

async function confirm() {
  $("confirm").disabled = true;
  try {
    token = (await post(`${pathOf(session.code)}/confirm`)).connect_token;
    if (session.template_type === "oauth") return await leave();
    fill();
  } catch (problem) {
    clearTimeout(deadline);
    endFor(problem);
  }
}

async function leave() {
  clearTimeout(deadline);
  show("leaving");
  const form = new URLSearchParams({ connect_token: token });
  token = "";
  const { location: where } = await post(`/v1/oauth/authorize/${session.code}`, form);
  const target = new URL(where);
  if (target.protocol !== "https:" && target.protocol !== "http:") throw new Problem(0, "The broker named a strange address.");
  location.assign(target.href);
}

// ---- the form ------------------------------------------------------------

function fill() {
  $("fill-code").textContent = session.code;
  $("inputs").replaceChildren(...session.fields.flatMap(input));
  show("fill");
}

function input(field, index) {
  const label = document.createElement("label");
  label.htmlFor = `field-${index}`;
  label.textContent = field.required ? field.label : `${field.label} (optional)`;
  let control;
  if (field.type === "select") {
    control = document.createElement("select");
    control.append(...field.options.map((text) => new Option(text, text)));
  } else if (field.type === "textarea") {
    control = document.createElement("textarea");
    control.rows = 4;
  } else {
    control = document.createElement("input");
    control.type = field.type === "password" ? "password" : "text";
  }
  control.id = label.htmlFor;
  control.autocomplete = "off";
  control.spellcheck = false;
  control.required = field.required;
  return [label, control];
}

async function submit(event) {
  event.preventDefault();
  const button = event.submitter || $("fill-form").querySelector("button");
  button.disabled = true;
  complain("fill-error", "");
  // No prototype: names come from the agent, and "constructor" is a legal one.
  const values = Object.create(null);
  session.fields.forEach((field, index) => {
    values[field.name] = $(`field-${index}`).value;
  });
  let ciphertext;
  try {
    ciphertext = await seal(session.public_key, new TextEncoder().encode(JSON.stringify(values)));
  } catch {
    button.disabled = false;
    return complain("fill-error", "Your browser could not encrypt this. Nothing was sent.");
  }
  try {
    await post(`${pathOf(session.code)}/complete`, { ciphertext, algorithm, connect_token: token });
  } catch (problem) {
    if (problem.status === 0 || problem.status >= 500) {
      button.disabled = false;
      return complain("fill-error", "The broker could not be reached. Try again.");
    }
    clearTimeout(deadline);
    $("fill-form").reset();
    return endFor(problem);
  }
  clearTimeout(deadline);
  token = "";
  $("fill-form").reset();
  $("inputs").replaceChildren();
  end("Sent", "You can close this tab and go back to your assistant.");
}

// ---- the envelope --------------------------------------------------------

const bytesOf = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

function base64(bytes) {
  let text = "";
  for (const b of new Uint8Array(bytes)) text += String.fromCharCode(b);
  return btoa(text);
}

async function seal(publicKey, plaintext) {
  const agent = await crypto.subtle.importKey("spki", bytesOf(publicKey), { name: "RSA-OAEP", hash: "SHA-256" }, false, ["encrypt"]);
  const key = crypto.getRandomValues(new Uint8Array(32));
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const aes = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt"]);
  const ciphertext = await crypto.subtle.encrypt({ name: "AES-GCM", iv, tagLength: 128 }, aes, plaintext);
  const wrapped = await crypto.subtle.encrypt({ name: "RSA-OAEP" }, agent, key);
  key.fill(0);
  plaintext.fill(0);
  return btoa(JSON.stringify({ wrapped_key: base64(wrapped), iv: base64(iv), ciphertext: base64(ciphertext) }));
}

// ---- beginning -----------------------------------------------------------

$("enter-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const typed = $("typed").value.trim();
  if (!typed) return complain("enter-error", "Type the code that your assistant shows.");
  complain("enter-error", "");
  try {
    present(await post("/v1/connect/resolve", { user_code: typed }));
  } catch (problem) {
    if (problem.status !== 404) return endFor(problem);
    complain("enter-error", "This code is not known. Compare it with the one your assistant shows; codes work for a few minutes.");
    $("typed").select();
  }
});
$("confirm").addEventListener("click", confirm);
$("fill-form").addEventListener("submit", submit);
start();
