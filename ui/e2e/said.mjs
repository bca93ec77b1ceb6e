// What an owner says of an asset, by the keyboard alone, and a run that is
// looked at before it is undone. Everything is taken back at the end.
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { equal } from "./checks.mjs";
import { open, signIn } from "./browser.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

async function clean(page, name, folder) {
  if (folder) {
    mkdirSync(folder, { recursive: true });
    await page.screenshot({ path: `${folder}/${name}.png` });
  }
  await page.evaluate(axe);
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  const serious = found.violations.filter((v) => v.impact === "serious" || v.impact === "critical");
  equal(serious.map((v) => `${v.id}: ${v.nodes[0].html.slice(0, 160)}`).join("\n"), "", "axe");
}

async function sayByKeyboard(page, base, ref) {
  await page.goto(`${base}/asset?ref=${encodeURIComponent(ref.split("#")[0])}`);
  await page.getByRole("button", { name: "Edit the description" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("textbox", { name: "Description" }).waitFor();
  await page.keyboard.press("Control+a");
  await page.keyboard.type("Whom we sell power to, one row each.");
}

export async function said(browser, base, checks, { ref, folder }) {
  const { page, faults, context } = await open(browser);
  page.setDefaultTimeout(15_000);
  await signIn(page, base, "Otto");
  await checks.that("an owner describes an asset by the keyboard", async () => {
    await sayByKeyboard(page, base, ref);
    await clean(page, "describe", folder);
    await page.keyboard.press("Enter");
    await page.getByText("Whom we sell power to, one row each.").waitFor();
    await page.getByText("source says otherwise").first().click();
    await page.getByText(/The source warehouse says/).waitFor();
    await clean(page, "described", folder);
  });
  await checks.that("Escape leaves what was typed", async () => {
    await page.getByRole("button", { name: "Edit the description" }).click();
    await page.keyboard.type("never mind");
    await page.keyboard.press("Escape");
    await page.getByRole("textbox", { name: "Description" }).waitFor({ state: "detached" });
    await page.waitForFunction(() => document.activeElement?.getAttribute("aria-label") === "Edit the description");
  });
  await checks.that("owners are named in place", async () => {
    await page.getByRole("button", { name: "Edit the owners" }).click();
    await page.getByRole("textbox", { name: "Add an owner: technical" }).fill("user:ana@lumen.example");
    await page.keyboard.press("Enter");
    await clean(page, "owners", folder);
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByRole("button", { name: "ana@lumen.example, technical" }).waitFor();
    await page.getByRole("button", { name: "Edit the owners" }).click();
    await page.getByRole("button", { name: "Use the source's owners" }).click();
    await page.getByRole("button", { name: "ana@lumen.example, technical" }).waitFor({ state: "detached" });
  });
  await checks.that("a word is taken back", async () => {
    await page.getByRole("button", { name: "Edit the description" }).click();
    await page.getByRole("button", { name: "Use the source's word" }).click();
    await page.getByText("source says otherwise").first().waitFor({ state: "detached" });
  });
  await checks.that("a run says what undoing would change, and is kept", async () => {
    await page.goto(`${base}/sources`);
    await page.locator("summary", { hasText: "Last runs" }).first().focus();
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: /^Undo this run/ }).first().click();
    await page.getByText(/It would take back what the run did/).waitFor();
    await clean(page, "undo-run", folder);
    await page.getByRole("button", { name: "Keep it" }).click();
  });
  await checks.that("no console error while saying", async () => equal(faults.join("\n"), "", "faults"));
  await context.close();
}
