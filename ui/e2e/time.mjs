// Looking at the past: the picker by keyboard alone, the banner on every page,
// an asset's history, and the way back to now.
import { equal } from "./checks.mjs";
import { open, signIn } from "./browser.mjs";

export async function time(browser, base, checks, { ref }) {
  const { page, faults, context } = await open(browser);
  page.setDefaultTimeout(15_000);
  await signIn(page, base, "Otto");
  const asset = `${base}/asset?ref=${encodeURIComponent(ref.split("#")[0])}`;
  const banner = page.getByRole("region", { name: "The past" });
  const asOf = () => new URL(page.url()).searchParams.get("asOf");
  let before = "";

  await checks.that("an asset's history tells what became of it, and leads to each moment", async () => {
    await page.goto(`${asset}&tab=history`);
    const oldest = page.getByRole("link", { name: /^revision \d+$/ }).last();
    await oldest.waitFor();
    await page.getByText("began").first().waitFor();
    before = (await oldest.textContent()).replace("revision ", "");
    await oldest.click();
    await banner.waitFor();
    equal(asOf(), before, "the moment in the URL");
  });
  await checks.that("the past says so, and nothing in it can be changed", async () => {
    await page.goto(`${asset}&asOf=${before}`);
    await banner.getByText(`You are looking at the catalog as it was on`).waitFor();
    await banner.getByText(`revision ${before}`).waitFor();
    await page.getByRole("treegrid").waitFor();
    equal(await page.getByRole("checkbox").count(), 0, "columns that can be selected");
  });
  await checks.that("the past is kept from page to page", async () => {
    for (const [link, path] of [["Lineage", "/lineage"], ["Views", "/views"], ["Search", "/"]]) {
      await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: link, exact: true }).click();
      await page.waitForURL((url) => url.pathname === path && url.searchParams.get("asOf") === before);
      await banner.waitFor();
    }
  });
  await checks.that("one key press leads back to now", async () => {
    await banner.getByRole("button", { name: "Back to now" }).focus();
    await page.keyboard.press("Enter");
    await banner.waitFor({ state: "detached" });
    equal(asOf(), null, "the moment in the URL");
  });
  await checks.that("the keyboard alone chooses a moment", async () => {
    await page.getByRole("button", { name: /^Look at the catalog as it was/ }).focus();
    await page.keyboard.press("Enter");
    await page.getByLabel("At a revision").focus();
    await page.keyboard.type(before);
    await page.keyboard.press("Enter");
    await page.waitForURL((url) => url.searchParams.get("asOf") === before);
    await banner.waitFor();
  });
  await checks.that("no console error in the past", async () => equal(faults.join("\n"), "", "faults"));
  await checks.that("a moment that is not there says so", async () => {
    await page.goto(`${asset}&asOf=999999`);
    await page.getByText("it is not there yet").waitFor();
    await banner.getByRole("button", { name: "Back to now" }).waitFor();
  });
  await context.close();
}
