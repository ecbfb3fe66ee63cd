// A real browser that a test drives: one JSON command per line on standard
// input, one JSON answer per line on standard output. Tabs have names; those
// with the same word before the slash share their cookies.
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const contexts = new Map();
const tabs = new Map();

async function tab(name, options = {}) {
  if (tabs.has(name)) return tabs.get(name);
  const who = name.split("/")[0];
  if (!contexts.has(who)) {
    contexts.set(who, await browser.newContext({ locale: "en-GB", viewport: { width: 420, height: 860 }, timezoneId: "UTC", ...options }));
  }
  const page = await contexts.get(who).newPage();
  page.setDefaultTimeout(10_000);
  page.complaints = [];
  page.on("console", (m) => { if (m.type() === "error") page.complaints.push(`${m.text()} at ${m.location().url}`); });
  page.on("pageerror", (e) => page.complaints.push(String(e)));
  tabs.set(name, page);
  return page;
}

const does = {
  open: async (page, { url }) => { await page.goto(url); },
  // Until the heading reads like this; the answer is all that can be read.
  heading: async (page, { text }) => {
    await page.getByRole("heading", { name: text, exact: true }).waitFor();
    return page.locator("main").innerText();
  },
  click: async (page, { text }) => { await page.getByRole("button", { name: text, exact: true }).click(); },
  fill: async (page, { label, text }) => { await page.getByLabel(label, { exact: true }).fill(text); },
  choose: async (page, { label, text }) => { await page.getByLabel(label, { exact: true }).selectOption(text); },
  press: async (page, { text }) => { await page.keyboard.press(text); },
  shot: async (page, { path }) => { await page.screenshot({ path, fullPage: true }); },
  eval: async (page, { script }) => page.evaluate(`(async () => { ${script} })()`),
  freeze: async (page) => { await page.clock.install(); },
  forward: async (page, { ms }) => { await page.clock.fastForward(ms); },
  // What a page finds that came over plain http from another machine.
  insecure: async (page) => {
    await page.addInitScript(() => { Object.defineProperty(window, "isSecureContext", { value: false }); });
  },
  url: async (page) => page.url(),
  // The browser counts these answers as errors; the page expects those.
  complaints: async (page) => page.complaints.filter((c) => !/status of (400|404|409|422|429)/.test(c)),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { tab: name, options, does: what, ...args } = JSON.parse(line);
  let answer;
  try {
    answer = { result: (await does[what](await tab(name, options), args)) ?? null };
  } catch (error) {
    const page = tabs.get(name);
    answer = { error: String(error), text: page ? await page.locator("body").innerText().catch(() => "") : "" };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}
await browser.close();
