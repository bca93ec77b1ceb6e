// The browser test. BASE_URL is a running `cadastre demo`. SCREENSHOTS names a
// folder, from the repository's root, in which pictures of the pages are left.
// Exit 1 on any failure.
import { resolve } from "node:path";
import { launch } from "./browser.mjs";
import { Checks } from "./checks.mjs";
import { keys } from "./keys.mjs";
import { pages } from "./pages.mjs";
import { proof } from "./proof.mjs";
import { said } from "./said.mjs";
import { time } from "./time.mjs";

const base = (process.env.BASE_URL ?? "http://127.0.0.1:8080").replace(/\/$/, "");
const folder = process.env.SCREENSHOTS ? resolve(import.meta.dirname, "../..", process.env.SCREENSHOTS) : "";
const checks = new Checks();
const browser = await launch();
try {
  console.log(`browser test of ${base}`);
  const { ref } = await proof(browser, base, checks);
  await keys(browser, base, checks, { ref });
  await said(browser, base, checks, { ref, folder });
  await time(browser, base, checks, { ref });
  await pages(browser, base, checks, { ref, folder });
} catch (error) {
  await checks.that("the browser test comes to its end", () => Promise.reject(error));
} finally {
  await browser.close();
}
console.log(checks.summary());
process.exitCode = checks.failed === 0 ? 0 : 1;
