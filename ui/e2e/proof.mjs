// The main path by clicking: the owner confirms what customers.contact.email
// is, plans, approves and applies; the analyst sees it masked; the auditor
// learns who could see it, before and after.
import { equal } from "./checks.mjs";
import { open, signIn, signOut } from "./browser.mjs";

const label = "user.contact.email";
const path = "contact.email";
const longest = 120_000;

/** Goes by search to the column's page, and returns that page's address. */
async function openColumn(page, base) {
  await page.goto(`${base}/?kind=table&all=1`);
  await page.getByRole("searchbox", { name: "Search assets and columns" }).fill("customers");
  await page.waitForURL(/[?&]q=customers/);
  const hit = page.locator("li").filter({ has: page.getByRole("link", { name: "customers", exact: true }) }).filter({ has: page.getByText(/\.raw$/) }).first();
  await hit.getByRole("link", { name: "customers", exact: true }).click();
  await page.getByRole("searchbox", { name: "Filter columns" }).fill(path);
  await page.locator("[role=row]").filter({ has: page.getByTitle(path, { exact: true }) }).click();
  await details(page).waitFor();
  return page.url();
}

const details = (page) => page.getByRole("complementary", { name: path });

/** What the details say that an audience gets. */
async function gets(page, audience) {
  const line = details(page).getByRole("listitem").filter({ hasText: audience }).filter({ has: page.getByRole("button", { name: new RegExp(`: (allow|mask|deny)`) }) }).first();
  return (await line.getByRole("button").first().innerText()).trim();
}

async function until(read, wanted, what) {
  const deadline = Date.now() + longest;
  for (let got; ; ) {
    got = await read();
    if (wanted(got)) return got;
    if (Date.now() > deadline) throw new Error(`${what}: still ${JSON.stringify(got)}`);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

async function confirm(page) {
  const card = details(page).getByRole("listitem").filter({ hasText: label }).filter({ has: page.getByRole("button", { name: "Confirm" }) });
  if ((await card.count()) > 0) {
    await card.first().getByRole("button", { name: "Confirm" }).click();
  } else {
    await details(page).getByLabel("Choose a label").selectOption(label);
    await details(page).getByRole("button", { name: "Add a tag" }).click();
  }
  await page.getByText(`Confirmed ${label}.`).waitFor();
}

/** Opens the step that makes the analysts' view over the asset. */
async function openStep(page, asset) {
  const steps = page.getByRole("button", { name: /(Create|Replace) view .*customers.* for analysts/ });
  await steps.first().waitFor();
  for (const step of await steps.all()) {
    await step.click();
    if ((await page.getByRole("definition").getByTitle(asset, { exact: true }).count()) > 0) return;
  }
  throw new Error(`no step makes the analysts' view over ${asset}`);
}

async function planApproveApply(page, base, asset, checks) {
  await page.goto(`${base}/views`);
  await page.getByRole("button", { name: "Make a plan" }).click();
  await page.waitForURL(/\/views\/\w+/, { timeout: longest });
  await checks.that("the plan shows that the column becomes masked, and why", async () => {
    await openStep(page, asset);
    const row = page.getByRole("row").filter({ has: page.getByRole("link", { name: path, exact: true }) });
    equal((await row.getByRole("button").innerText()).startsWith("mask"), true, "effect is mask");
    equal((await row.getByRole("cell").last().innerText()).length > 10, true, "a reason stands beside it");
  });
  await checks.that("the plan is approved", async () => {
    await page.getByRole("button", { name: "Approve" }).click();
    await page.getByText("approved", { exact: true }).waitFor();
  });
  await checks.that("the plan is applied, with progress on the way", async () => {
    await page.getByRole("button", { name: "Apply" }).click();
    await page.getByRole("progressbar", { name: "Steps done" }).waitFor();
    await page.getByText("applied", { exact: true }).waitFor({ timeout: longest });
  });
}

/** The ways by which somebody could see the column, as the page lists them. */
async function ways(page, base, ref, revision) {
  await page.goto(`${base}/audit?tab=who&column=${encodeURIComponent(ref)}${revision ? `&revision=${revision}` : ""}`);
  const section = page.getByRole("region", { name: "Who could see" });
  await section.waitFor();
  return section.innerText();
}

export async function proof(browser, base, checks) {
  const { page, faults, context } = await open(browser);
  page.setDefaultTimeout(20_000);
  let address = "";
  let before = 0;
  await checks.that("the owner signs in", () => signIn(page, base, "Otto"));
  const found = await checks.that("the owner finds the column by search", async () => {
    address = await openColumn(page, base);
  });
  if (!found) throw new Error("without the column nothing else can be proved");
  await checks.that("before anyone has decided, analysts get nothing of it", async () => equal(await gets(page, "Analysts"), "deny", "effect"));
  await page.getByRole("button", { name: /^You: / }).click();
  before = Number(/revision (\d+)/.exec(await page.getByRole("menu").innerText())?.[1]);
  await page.keyboard.press("Escape");
  await checks.that("the owner confirms the label", () => confirm(page));
  await checks.that("from then on analysts get it masked", () => until(() => gets(page, "Analysts"), (effect) => effect.startsWith("mask"), "effect"));
  await planApproveApply(page, base, new URL(address).searchParams.get("ref"), checks);
  await checks.that("the owner signs out", () => signOut(page));
  await checks.that("the analyst sees that it is masked, and an example", async () => {
    await signIn(page, base, "Ana");
    await page.goto(address);
    const row = page.locator("[role=row]").filter({ has: page.getByTitle(path, { exact: true }) });
    await row.getByRole("button", { name: /: mask/ }).click();
    await page.getByRole("dialog").getByText("Example, made up").waitFor();
    await page.keyboard.press("Escape");
    await signOut(page);
  });
  const ref = `${new URL(address).searchParams.get("ref")}#${path}`;
  await checks.that("the auditor signs in", () => signIn(page, base, "Audra"));
  await checks.that("before, no view showed it to analysts", async () => equal(/audience analysts/.test(await ways(page, base, ref, before)), false, "a way through the analysts' view"));
  await checks.that("now, analysts see it masked through their view", async () => {
    const text = await ways(page, base, ref);
    equal(/masked[^\n]*\n[^]*audience analysts/.test(text), true, `a masked way through the analysts' view in:\n${text}`);
  });
  await checks.that("the audit log holds and says so", () => page.getByText(/The log is whole: \d+ events? verified/).waitFor());
  await checks.that("no console error on the way", async () => equal(faults.join("\n"), "", "faults"));
  await context.close();
  return { ref };
}
