// Plays the person at a form in a real browser: opens the broker's page,
// agrees to the code, types a secret into the page's one field and sends it.
// The page's own script encrypts.
//
//   node prove.mjs LINK CODE SECRET
import { chromium } from "playwright-core";

const [link, code, secret] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
try {
  const page = await browser.newPage({ locale: "en-US" });
  page.setDefaultTimeout(20_000);
  await page.goto(link);
  await page.getByText(code).filter({ visible: true }).first().waitFor();
  const button = page.locator("main button:visible");
  await button.first().click();
  const field = page.locator("main input:visible");
  await field.first().fill(secret);
  const sent = page.waitForResponse((r) => r.url().endsWith("/complete"));
  await page.locator("main form button:visible").first().click();
  const status = (await sent).status();
  if (status !== 204) throw new Error(`the page's script was answered with status ${status}`);
} finally {
  await browser.close();
}
