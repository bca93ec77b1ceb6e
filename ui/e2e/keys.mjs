// What the keyboard alone does: the palette, the search field, the tree.
import { equal } from "./checks.mjs";
import { open, signIn } from "./browser.mjs";

export async function keys(browser, base, checks, { ref }) {
  const { page, context } = await open(browser);
  page.setDefaultTimeout(15_000);
  await signIn(page, base, "Otto");
  await checks.that("/ goes to the search field", async () => {
    await page.goto(`${base}/sources`);
    await page.getByRole("heading", { name: "Sources" }).waitFor();
    await page.keyboard.press("/");
    await page.waitForURL((url) => url.pathname === "/");
    await page.waitForFunction(() => document.activeElement?.matches("input[data-search]"));
  });
  await checks.that("the palette opens an asset", async () => {
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox").fill("customers");
    await page.getByRole("option", { name: /customers/ }).first().waitFor();
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/asset\?ref=/);
  });
  await checks.that("arrows walk the columns and Enter opens one", async () => {
    await page.goto(`${base}/asset?ref=${encodeURIComponent(ref.split("#")[0])}`);
    const first = page.locator('[role="row"][data-row="0"]');
    await first.focus();
    await page.keyboard.press("ArrowDown");
    await page.waitForFunction(() => document.activeElement?.getAttribute("data-row") === "1");
    await page.keyboard.press("Enter");
    await page.getByRole("complementary").waitFor();
    equal(new URL(page.url()).searchParams.has("column"), true, "the URL names the column");
  });
  await checks.that("every page is reached by Tab from its first link", async () => {
    await page.goto(`${base}/policies`);
    await page.getByRole("heading", { name: "Policies" }).waitFor();
    await page.keyboard.press("Tab");
    equal(await page.evaluate(() => document.activeElement?.textContent), "Skip to the page", "first stop");
  });
  await context.close();
}
