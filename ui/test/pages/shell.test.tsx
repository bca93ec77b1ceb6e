import { act, screen } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import { FakeServer } from "../../fake/server";
import { click, fill, findRole, findText, first, openApp, press } from "../app";

describe("the shell", () => {
  it("asks who is not signed in to sign in, and to come back", async () => {
    openApp("/inbox", null);
    const link = await findRole("link", { name: "Sign in" });
    expect(link.getAttribute("href")).toMatch(/^\/auth\/login\?return=/);
  });

  it("asks to sign in again when the session ends on the way", async () => {
    const server = new FakeServer();
    let person: string | null = "Otto";
    const { history } = openApp("/", null, server, (...args) => server.fetchAs(person)(...args));
    await findRole("navigation", { name: "Pages" });
    person = null;
    await act(async () => history.push("/sources"));
    await findRole("heading", { name: "Sign in to Cadastre" });
  });

  it("says that the server does not answer, and tries again", async () => {
    const server = new FakeServer();
    let down = true;
    openApp("/", null, server, async (...args) => (down ? Promise.reject(new TypeError("refused")) : server.fetchAs("Otto")(...args)));
    await findText("No answer from the server");
    down = false;
    await click("button", "Try again");
    await findRole("navigation", { name: "Pages" });
  });

  it("marks the page that one is on, and counts what waits", async () => {
    openApp("/inbox", "Otto");
    const link = await findRole("link", { name: /Inbox/ });
    expect(link.getAttribute("aria-current")).toBe("page");
    await expect.poll(() => link.textContent).toBe("Inbox7");
  });

  it("has no count for who decides nothing", async () => {
    openApp("/sources", "Ana");
    expect((await findRole("link", { name: /Inbox/ })).textContent).toBe("Inbox");
  });

  it("keeps the chosen colours", async () => {
    openApp("/", "Otto");
    await press("Enter", await first("button", /^You: Otto/));
    await click("menuitemradio", "Dark");
    expect(document.documentElement.dataset["theme"]).toBe("dark");
    expect(localStorage.getItem("cadastre.theme")).toBe("dark");
    await click("menuitemradio", "As the system");
    expect(document.documentElement.dataset["theme"]).toBeUndefined();
  });

  it("signs out at the server, and says when that did not work", async () => {
    const asked = vi.spyOn(globalThis, "fetch").mockResolvedValue(new Response(null, { status: 500 }));
    openApp("/", "Otto");
    await press("Enter", await first("button", /^You: Otto/));
    await click("menuitem", "Sign out");
    await findText("Signing out did not work; check the connection and try again.");
    expect(asked.mock.calls[0]).toEqual(["/auth/logout", { method: "POST", credentials: "same-origin" }]);
  });

  it("breaks the glass for a reason, says so on every page, and mends it", async () => {
    const left = vi.spyOn(window.location, "assign").mockImplementation(() => undefined);
    const { server, history } = openApp("/", "Fay");
    await press("Enter", await first("button", /^You: Fay/));
    await click("menuitem", "Break the glass…");
    expect((await first("button", "Break the glass")).hasAttribute("disabled")).toBe(true);
    await fill("textbox", "Why (kept in the audit log)", "the billing run fails");
    await click("button", "Break the glass");
    const banner = await findRole("alert");
    expect(banner.textContent).toContain("everything you look at is recorded");
    expect(banner.textContent).toContain("Your reason: the billing run fails");
    expect(server.catalog.events.at(-1)).toMatchObject({ actor: "fay@halden.example", action: "break_glass" });
    await act(async () => history.push("/policies"));
    await findText("Purpose: fraud_detection");
    await findRole("alert");
    await click("button", "End now");
    await expect.poll(() => server.catalog.events.at(-1)!.action).toBe("break_glass_end");
    await expect.poll(() => left.mock.calls).toEqual([["/"]]);
  });

  it("offers the glass to nobody else", async () => {
    openApp("/", "Otto");
    await press("Enter", await first("button", /^You: Otto/));
    await first("menuitem", "Sign out");
    expect(screen.queryByRole("menuitem", { name: "Break the glass…" })).toBeNull();
    expect(screen.queryByRole("alert")).toBeNull();
  });

  it("opens the palette by key, and goes where it says", async () => {
    const { history } = openApp("/", "Otto");
    await findRole("navigation", { name: "Pages" });
    await press("k", document.body, { metaKey: true });
    await fill("combobox", "Find anything", "contact.email");
    await click("option", /^contact\.email ?customers/);
    await expect.poll(() => history.location.href).toMatch(/^\/asset\?ref=.*&column=contact\.email/);
  });

  it("says when there is no such page", async () => {
    openApp("/no/such/page", "Otto");
    await findText("There is no such page");
  });

  it("leaves keys to the field in which one types", async () => {
    openApp("/", "Otto");
    const field = await findRole("searchbox", { name: "Search assets and columns" });
    const event = new KeyboardEvent("keydown", { key: "/", bubbles: true, cancelable: true });
    field.dispatchEvent(event);
    expect(event.defaultPrevented).toBe(false);
    field.blur();
    await press("/");
    expect(document.activeElement).toBe(screen.getByRole("searchbox", { name: "Search assets and columns" }));
  });
});
