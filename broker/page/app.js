// The page of the broker. It asks the broker what a code stands for, lets the
// person confirm, and then either leaves for the sign-in or encrypts a form.
// Nothing a person types leaves this page in clear.
import { algorithm, available, fingerprint, seal } from "./envelope.js";
import { expected } from "./link.js";

const $ = (id) => document.getElementById(id);

// ---- showing -------------------------------------------------------------

// In the person's language; these two in case that the table does not arrive.
let texts = {
  failedTitle: "That did not work",
  failedText: "The broker could not be reached or is not well. Reload this page to try again.",
};

function say(key, values = {}) {
  return (texts[key] || key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

// speak takes the first language that the person prefers and the page has.
async function speak() {
  const table = await ask("/static/texts.json");
  const wished = navigator.languages.map((tag) => tag.toLowerCase().split("-")[0]);
  const language = wished.find((tag) => Object.hasOwn(table, tag)) || "en";
  texts = table[language];
  document.documentElement.lang = language;
  document.title = say("title");
  for (const element of document.querySelectorAll("[data-text]")) {
    element.textContent = say(element.dataset.text);
  }
}

function show(id) {
  for (const section of document.querySelectorAll("main > section")) {
    section.hidden = section.id !== id;
  }
  const title = document.querySelector(`#${id} h1`);
  document.title = title.textContent;
  // The focus makes a screen reader read the heading; a field is read with its label.
  const field = document.querySelector(`#${id} input`);
  if (field) return field.focus();
  title.focus();
}

function end(what) {
  clearTimeout(deadline);
  $("end-title").textContent = say(`${what}Title`);
  $("end-text").textContent = say(`${what}Text`);
  $("end-title").classList.toggle("error", what === "key" || what === "insecure");
  show("end");
}

function complain(id, text) {
  $(id).textContent = text;
  $(id).hidden = text === "";
}

// endFor explains an answer after which nothing more can be done here.
function endFor(problem) {
  end({ 404: "gone", 409: "taken", 429: "many" }[problem.status] || "failed");
}

// ---- asking the broker ---------------------------------------------------

class Problem extends Error {
  constructor(status) {
    super(`HTTP ${status}`);
    this.status = status;
  }
}

// ask returns the answer's JSON, or throws a Problem.
async function ask(path, init) {
  let answer;
  try {
    answer = await fetch(path, { credentials: "same-origin", redirect: "error", ...init });
  } catch {
    throw new Problem(0);
  }
  if (!answer.ok) throw new Problem(answer.status);
  return answer.status === 204 ? null : answer.json().catch(() => { throw new Problem(0); });
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

const linked = location.pathname.split("/")[2] || ""; // the code in the link, encoded
const pathOf = (code) => `/v1/connect/${code}`;

async function start() {
  await speak();
  if (!available()) return end("insecure");
  if (!linked) return show("enter");
  // After the trip to a provider the broker is asked how it went: anybody can
  // write ?status=success into a link.
  const returned = new URLSearchParams(location.search).has("status");
  try {
    if (returned) return await outcome(linked);
    await present(await ask(pathOf(linked)));
  } catch (problem) {
    if (problem.status !== 404) return endFor(problem);
    if (returned) return end("stranger");
    // Perhaps this very browser has been here before.
    await outcome(linked).catch(() => endFor(problem));
  }
}

// outcome shows how the session stands that this browser confirmed, and goes
// on to the step that follows it.
async function outcome(code) {
  const { status, step, steps, error } = await ask(`${pathOf(code)}/status`);
  const more = step < steps;
  switch (status) {
    case "pending":
      return present(await ask(pathOf(code)));
    case "ready":
    case "consumed":
      if (error) return end("denied");
      if (!more) return end("done");
      show("wait");
      return waitFor(code);
    case "failed":
      return end("denied");
    default:
      return end("open");
  }
}

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

// waitFor asks the broker until the next step is there. A hidden tab asks less
// often, because browsers slow its timers down.
async function waitFor(code) {
  for (;;) {
    await pause(1000);
    try {
      const { status, step } = await ask(`${pathOf(code)}/status`);
      if (step > 1 || status === "failed") return await outcome(code);
    } catch (problem) {
      if (problem.status === 404) return end("done"); // the session is over; so is the wait
      if (problem.status === 429) await pause(10_000);
    }
  }
}

async function present(described) {
  session = described;
  const oauth = session.template_type === "oauth";
  const next = session.step > 1;
  const wanted = expected(session.code);
  // Before anything can be pressed or typed.
  if (wanted && (await fingerprint(session.public_key)) !== wanted.toUpperCase()) return end("key");

  $("ask-step").textContent = say("stepOf", session);
  $("ask-step").hidden = !(session.steps > 1);
  $("ask-title").textContent = say(next ? "askNext" : oauth ? "askOAuth" : "askForm");
  $("ask-code-label").textContent = say(next ? "codeLabelNext" : "codeLabel");
  $("ask-code").textContent = session.code;
  $("ask-code").classList.toggle("small", next);
  $("ask-warning").hidden = next;
  $("ask-name").textContent = session.display_name || say("nameNone");
  row("ask-by", session.asked_by);
  $("ask-where-label").textContent = say(next ? "whereLabelNext" : "whereLabel");
  row("ask-where", session.destination);
  $("ask-scopes").replaceChildren(...(session.scopes || []).map(scope));
  $("ask-scopes-row").hidden = !(session.scopes && session.scopes.length);
  $("ask-broker").textContent = location.host;
  $("ask-password").hidden = !oauth;
  const until = new Date(session.expires_at);
  $("ask-until").dateTime = session.expires_at;
  $("ask-until").textContent = until.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  clearTimeout(deadline);
  deadline = setTimeout(() => end("expired"), Math.max(0, until - Date.now()));
  $("confirm").textContent = say(next ? "confirmNextButton" : "confirmButton");
  $("confirm").disabled = false;
  show("ask");
}

function row(id, text) {
  $(id).textContent = text || "";
  $(`${id}-row`).hidden = !text;
}

// scope says in words what a scope allows, with the raw scope beside it.
function scope(raw) {
  const item = document.createElement("li");
  const code = document.createElement("code");
  code.textContent = raw;
  if (texts.scopes && Object.hasOwn(texts.scopes, raw)) {
    item.append(texts.scopes[raw], " ");
    code.className = "quiet";
  }
  item.append(code);
  return item;
}

async function confirm() {
  $("confirm").disabled = true;
  try {
    token = (await post(`${pathOf(session.code)}/confirm`)).connect_token;
    if (session.template_type === "oauth") return await leave();
    fill();
  } catch (problem) {
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
  if (target.protocol !== "https:" && target.protocol !== "http:") throw new Problem(0);
  location.assign(target.href);
}

// ---- the form ------------------------------------------------------------

function fill() {
  $("fill-text").textContent = say("fillText", session);
  $("inputs").replaceChildren(...session.fields.flatMap(input));
  show("fill");
}

function input(field, index) {
  const label = document.createElement("label");
  label.htmlFor = `field-${index}`;
  label.textContent = field.required ? field.label : say("fillOptional", field);
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
  $("send").disabled = true;
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
    $("send").disabled = false;
    return complain("fill-error", say("fillNoCrypto"));
  }
  try {
    await post(`${pathOf(session.code)}/complete`, { ciphertext, algorithm, connect_token: token });
  } catch (problem) {
    if (problem.status === 0 || problem.status >= 500) {
      $("send").disabled = false;
      return complain("fill-error", say("fillNoAnswer"));
    }
    forget();
    return endFor(problem);
  }
  forget();
  if (session.step < session.steps) return outcome(session.code).catch(endFor);
  $("end-title").textContent = say("sentTitle");
  $("end-text").textContent = say("doneText");
  show("end");
}

// forget clears what was typed.
function forget() {
  clearTimeout(deadline);
  token = "";
  $("fill-form").reset();
  $("inputs").replaceChildren();
}

// ---- beginning -----------------------------------------------------------

$("enter-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const typed = $("typed").value.trim();
  if (!typed) return complain("enter-error", say("enterEmpty"));
  complain("enter-error", "");
  try {
    await present(await post("/v1/connect/resolve", { user_code: typed }));
  } catch (problem) {
    if (problem.status !== 404) return endFor(problem);
    complain("enter-error", say("enterWrong"));
    $("typed").select();
  }
});
$("confirm").addEventListener("click", confirm);
// A page that the Back button brings out of a cache shows what no longer holds.
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
$("fill-form").addEventListener("submit", submit);
start().catch(endFor);
