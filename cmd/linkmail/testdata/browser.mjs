// Plays the user in a real browser: opens a link, compares the code, clicks
// through the pages, and keeps a screenshot of each.
//
//   node browser.mjs LINK CODE FOLDER NAME
import { chromium } from "playwright-core";

const [link, code, folder, name] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const context = await browser.newContext({ viewport: { width: 420, height: 800 } });
const page = await context.newPage();
const complaints = [];
page.on("console", (m) => { if (m.type() === "error") complaints.push(`${m.text()} at ${m.location().url}`); });
page.on("pageerror", (e) => complaints.push(String(e)));

let shot = 0;
// The tab moves on by itself, now and then in the middle of a picture.
const look = async () => {
  const path = `${folder}/${name}-${++shot}.png`;
  for (let left = 3; ; left--) {
    try {
      return await page.screenshot({ path, fullPage: true, timeout: 5_000 });
    } catch (e) {
      if (left === 0) throw e;
      await page.waitForLoadState("load");
    }
  }
};

try {
  await page.goto(link);
  await page.getByText(code).first().waitFor({ timeout: 10_000 });
  await look();
  // Every page of the flow has one button that goes on: the first question, the
  // login, the second question, the consent. After the login the tab waits for
  // the assistant, which calls again meanwhile.
  for (let step = 0; step < 4; step++) {
    const forward = page.getByRole("button", { name: /continue|allow/i }).first();
    await forward.click({ timeout: 60_000 });
    await page.waitForLoadState("load");
    await look();
  }
  await page.getByRole("heading", { name: "Connected", exact: true }).waitFor({ timeout: 10_000 });
  await look();
  const text = await page.locator("body").innerText();
  if (new URL(page.url()).origin !== new URL(link).origin) throw new Error(`ended at ${new URL(page.url()).pathname}, not at the broker`);
  console.log(text.trim());
  if (complaints.length) throw new Error("the browser complains: " + complaints.join("; "));
} finally {
  await browser.close();
}
