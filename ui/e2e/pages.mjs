// Every page as the three people see it: in light, in dark and at 390 px, with
// axe and without a console error. The pictures go to the folder given.
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { equal } from "./checks.mjs";
import { open, signIn } from "./browser.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const modes = {
  light: {},
  dark: { colorScheme: "dark" },
  narrow: { width: 390, height: 844 },
};

function addresses(ref) {
  const asset = encodeURIComponent(ref.split("#")[0]);
  const column = encodeURIComponent(ref);
  return {
    Otto: { home: "/", search: "/?q=email", nothing: "/?q=zzzzzz", asset: `/asset?ref=${asset}&column=${encodeURIComponent(ref.split("#")[1])}`, sql: `/asset?ref=${asset}&tab=sql`, published: `/asset?ref=${asset}&tab=views`, lineage: `/lineage?ref=${asset}`, history: `/asset?ref=${asset}&tab=history`, past: `/asset?ref=${asset}&asOf=9`, "lineage-columns": `/lineage?ref=${column}&columns=1`, inbox: "/inbox", policies: `/policies?column=${column}`, views: "/views", sources: "/sources" },
    Audra: { audit: "/audit", who: `/audit?tab=who&column=${column}` },
    Ana: { analyst: `/asset?ref=${asset}` },
  };
}

async function settle(page) {
  await page.getByRole("navigation", { name: "Pages" }).waitFor();
  await page.waitForLoadState("networkidle");
  await page.waitForFunction(() => document.querySelector('[role="status"][aria-label="Loading"]') === null);
}

/** All pages are pictured in light, and these in the other modes too. */
const pictured = ["sign-in", "home", "asset", "plan", "lineage", "past"];

async function look(page, name, mode, folder) {
  await settle(page);
  if (folder && (mode === "light" || pictured.includes(name))) await page.screenshot({ path: `${folder}/${name}-${mode}.png` });
  await page.evaluate(axe);
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  const serious = found.violations.filter((v) => v.impact === "serious" || v.impact === "critical");
  equal(serious.map((v) => `${v.id}: ${v.nodes[0].html.slice(0, 160)}`).join("\n"), "", "axe");
  const beyond = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  equal(beyond > 0 ? beyond : 0, 0, "pixels beyond the right edge");
}

/** The newest plan with a view's step open; absent where there is none. */
async function openPlan(page, base) {
  await page.goto(`${base}/views`);
  await settle(page);
  const first = page.getByRole("list", { name: "Plans" }).getByRole("link").first();
  if ((await first.count()) === 0) return false;
  await first.click();
  await page.getByRole("button", { name: /(Create|Replace) view .*customers/ }).first().click();
  return true;
}

async function asPerson(browser, base, person, mode, paths, checks, folder) {
  const { page, faults, context } = await open(browser, modes[mode]);
  if (person === "Otto") await checks.that(`sign-in page, ${mode}`, async () => {
    await page.goto(base);
    await page.getByRole("heading", { name: "Sign in to Cadastre" }).waitFor();
    if (folder) await page.screenshot({ path: `${folder}/sign-in-${mode}.png` });
  });
  await signIn(page, base, person);
  for (const [name, path] of Object.entries(paths)) {
    await checks.that(`${name}, ${mode}`, async () => {
      await page.goto(base + path);
      await look(page, name, mode, folder);
    });
  }
  if (person === "Otto" && (await openPlan(page, base))) await checks.that(`plan, ${mode}`, () => look(page, "plan", mode, folder));
  await checks.that(`no console error for ${person}, ${mode}`, async () => equal(faults.join("\n"), "", "faults"));
  await context.close();
}

export async function pages(browser, base, checks, { ref, folder }) {
  if (folder) mkdirSync(folder, { recursive: true });
  for (const mode of Object.keys(modes)) {
    for (const [person, paths] of Object.entries(addresses(ref))) await asPerson(browser, base, person, mode, paths, checks, folder);
  }
}
