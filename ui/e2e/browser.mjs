// A browser for the scripts beside this one, and what each page did wrong.
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const quiet = ["--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"];

/** Chromium as Debian or macOS installs it; CHROMIUM names another. */
export function chromiumPath() {
  const known = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome", "/Applications/Chromium.app/Contents/MacOS/Chromium", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"];
  const found = known.find((path) => path && existsSync(path));
  if (!found) throw new Error("no Chromium found: install it, or name it in CHROMIUM");
  return found;
}

export async function launch() {
  return chromium.launch({ executablePath: chromiumPath(), args: quiet });
}

/** Opens a page that notes its console errors and failed requests. */
export async function open(browser, { colorScheme = "light", width = 1440, height = 900 } = {}) {
  const context = await browser.newContext({ colorScheme, viewport: { width, height }, timezoneId: "Europe/Berlin", locale: "en-GB", reducedMotion: "reduce" });
  const page = await context.newPage();
  const faults = [];
  page.on("console", (message) => {
    // A 401 before signing in is how the app learns that nobody is signed in.
    if (message.type() === "error" && !/401/.test(message.text())) faults.push(`${message.text()} (${message.location().url})`);
  });
  page.on("pageerror", (error) => faults.push(String(error)));
  return { context, page, faults };
}

/** Signs in by the demo's provider as the person whose name begins so. */
export async function signIn(page, base, name) {
  await page.goto(base);
  await page.getByRole("link", { name: "Sign in" }).click();
  await page.waitForURL((url) => !url.pathname.startsWith("/auth/callback"));
  const person = new RegExp(`\\b${name}\\b`, "i");
  await page.getByRole("button", { name: person }).or(page.getByRole("link", { name: person })).first().click();
  await page.getByRole("navigation", { name: "Pages" }).waitFor();
}

export async function signOut(page) {
  await page.getByRole("button", { name: /^You: / }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in to Cadastre" }).waitFor();
}
