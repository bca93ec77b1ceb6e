import { describe, expect, it } from "vitest";
import { screen, within } from "@testing-library/react";
import { FakeServer } from "../../fake/server";
import { people } from "../../fake/company";
import { text } from "../../src/text";
import { click, customers, fill, findRole, findText, openApp, press } from "../app";

const column = `${customers}#contact.email`;
const otto = people.find((p) => p.name === "Otto")!;

/** A catalog at revision 43, in which Otto confirmed a tag; at 42 he had not. */
function tagged(): FakeServer {
  const server = new FakeServer();
  server.catalog.tag(otto, [{ ref: column, label: "user.contact.email", state: "confirmed" }]);
  return server;
}

const banner = () => findRole("region", { name: text.time.banner });

describe("the past", () => {
  it("is said loudly, shows what was, and cannot be changed", async () => {
    openApp(`/asset?ref=${encodeURIComponent(customers)}&asOf=42`, "Otto", tagged());
    const said = await banner();
    expect(said.textContent).toContain(text.time.looking);
    expect(said.textContent).toContain("revision 42");
    expect(said.textContent).toContain(text.time.readOnly);
    await findRole("treegrid");
    expect(screen.queryAllByRole("checkbox")).toEqual([]);
    expect(screen.queryAllByText(/^confirmed/)).toEqual([]);
  });

  it("leaves by one button, and then the present is there and can be changed", async () => {
    const { history } = openApp(`/asset?ref=${encodeURIComponent(customers)}&asOf=42`, "Otto", tagged());
    const said = await banner();
    within(said).getByRole("button", { name: text.time.toNow });
    await click("button", text.time.toNow);
    await expect.poll(() => screen.queryByRole("region", { name: text.time.banner })).toBeNull();
    expect(history.location.search).not.toContain("asOf");
    await expect.poll(() => screen.queryAllByRole("checkbox").length).toBeGreaterThan(0);
  });

  it("is kept from page to page", async () => {
    const { history } = openApp("/?asOf=42&all=1", "Otto", tagged());
    await banner();
    await click("link", text.shell.lineage);
    await expect.poll(() => history.location.pathname).toBe("/lineage");
    expect(history.location.search).toContain("asOf=42");
    await banner();
  });

  it("is chosen with the keyboard: a revision, and now again", async () => {
    const { history } = openApp("/?all=1", "Otto", tagged());
    await click("button", `${text.time.choose}: ${text.time.now}`);
    await fill("spinbutton", text.time.atRevision, "42");
    await click("button", text.time.show);
    await expect.poll(() => history.location.search).toContain("asOf=42");
    await banner();
    await click("button", `${text.time.choose}: ${text.time.past}`);
    await findText(/Revisions 42 to 43 can be seen/);
    await press("Escape");
  });

  it("is chosen by a time", async () => {
    const { history } = openApp("/?all=1", "Otto", tagged());
    await click("button", `${text.time.choose}: ${text.time.now}`);
    const field = await screen.findByLabelText(text.time.atTime);
    expect(field.getAttribute("type")).toBe("datetime-local");
    await fill("spinbutton", text.time.atRevision, "");
    const { fireEvent, act } = await import("@testing-library/react");
    await act(async () => void fireEvent.change(field, { target: { value: "2999-01-01T10:00" } }));
    await click("button", text.time.show);
    await expect.poll(() => decodeURIComponent(history.location.search)).toMatch(/asOf=2\d{3}-\d\d-\d\dT\d\d:\d\d:00\.000Z/);
    await banner();
  });

  it("says where a moment is not there", async () => {
    openApp("/?asOf=99", "Otto", tagged());
    await findText(/revision 99: it is not there yet/);
    expect((await banner()).textContent).toContain(text.time.asked("99"));
    expect(screen.queryByRole("searchbox")).toBeNull();
  });

  it.each(["/views", "/sources", "/audit", "/policies", "/inbox"])("has no %s", async (path) => {
    openApp(`${path}?asOf=42`, "Otto", tagged());
    await banner();
    await findText(text.time.presentOnly.title);
  });

  it.each(["yesterday", "0", "2026-03-03T12:00"])("shows nothing as of %s, which is no moment", async (asOf) => {
    const { history } = openApp(`/?asOf=${asOf}&all=1`, "Otto", tagged());
    await findText(text.time.noMoment.title);
    expect((await banner()).textContent).toContain(asOf);
    expect(screen.queryByRole("searchbox")).toBeNull();
    await click("button", text.time.toNow);
    await findRole("searchbox");
    expect(history.location.search).not.toContain("asOf");
  });
});

describe("an asset's history", () => {
  it("tells what became of it, and each entry leads to its moment", async () => {
    const { history } = openApp(`/asset?ref=${encodeURIComponent(customers)}&tab=history`, "Otto", tagged());
    const link = await findRole("link", { name: "revision 43" });
    const entry = link.closest("li")!;
    expect(entry.textContent).toContain("by otto@halden.example");
    expect(entry.textContent).toContain("began");
    expect(entry.textContent).toContain("user.contact.email");
    expect(entry.textContent).toContain("on contact.email");
    expect(entry.textContent).toContain("confirmed");
    await click("link", "revision 42");
    await expect.poll(() => history.location.search).toContain("asOf=42");
    expect((await banner()).textContent).toContain("revision 42");
  });
});
