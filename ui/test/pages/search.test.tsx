import { act, screen, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { FakeServer } from "../../fake/server";
import { click, customers, fill, findRole, findText, first, openApp } from "../app";

const type = (words: string) => fill("searchbox", "Search assets and columns", words);

describe("search", () => {
  it("finds as one types, and the URL follows", async () => {
    const { history } = openApp("/", "Otto");
    await type("email");
    await findText(/^3 assets at revision/);
    expect(history.location.search).toBe("?q=email");
    const hit = await first("list", "Matching columns");
    expect(within(hit).getAllByRole("link")[0]!.querySelector("mark")?.textContent).toBe("email");
  });

  it("keeps what was typed while answers come", async () => {
    openApp("/", "Otto");
    await type("cust");
    await findText(/assets? at revision/);
    await type("customers ");
    await expect.poll(() => (screen.getByRole("searchbox", { name: "Search assets and columns" }) as HTMLInputElement).value).toBe("customers ");
  });

  it("narrows by a facet and widens again", async () => {
    const { history } = openApp("/?q=customers", "Otto");
    await findText(/^2 assets/);
    await click("checkbox", /^topic/);
    await findText(/^1 asset at/);
    expect(history.location.search).toContain("kind=topic");
    await click("link", "Clear filters");
    await findText(/^2 assets/);
  });

  it("keeps a chosen value that nothing has any more, to be taken back", async () => {
    openApp("/?q=daily&kind=topic", "Otto");
    await findText("Nothing matches “daily”");
    await click("link", "Clear filters");
    await findText(/^1 asset/);
  });

  it("says that a facet has more values than it shows", async () => {
    const server = new FakeServer();
    const one = server.catalog.assets.find((a) => a.kind === "table")!;
    for (let n = 0; n < 25; n++) server.catalog.assets.push({ ...one, ref: `${one.ref}_${n}`, name: `${one.name}_${n}`, owners: [{ principal: `user:p${n}@example.org`, role: "technical" }] } as typeof one);
    openApp("/?all=1", "Otto", server);
    await findText(/^and \d+ rarer values; narrow the search to see them$/);
  });

  it("says why a hit stands where it stands", async () => {
    openApp("/?q=payments", "Otto");
    await click("button", "Why here: exact name");
    await findText("It matches by exact name.");
  });

  it("marks what is known by name only", async () => {
    openApp("/?q=payments&source=warehouse", "Ana");
    await findText("known by name only");
  });

  it("says what to do where nothing was crawled", async () => {
    const server = new FakeServer();
    server.catalog.assets.length = 0;
    openApp("/?all=1", "Otto", server);
    await findText("The catalog is empty");
    expect((await findRole("link", { name: "See the sources" })).getAttribute("href")).toBe("/sources");
  });

  it("shows the next page when asked", async () => {
    const server = new FakeServer();
    const one = server.catalog.asset(customers)!;
    for (let i = 0; i < 40; i++) server.catalog.assets.push({ ...one, ref: `bigquery/p.d.more_${i}`, name: `more_${i}`, columns: [] });
    openApp("/?q=more_", "Otto", server);
    await findText(/^40 assets/);
    const names = () => screen.getAllByRole("link").map((l) => l.textContent).filter((n) => n?.startsWith("more_"));
    expect(names()).toHaveLength(25);
    await click("button", "Show more");
    await expect.poll(() => new Set(names()).size).toBe(40);
    expect(screen.queryByRole("button", { name: "Show more" })).toBeNull();
  });
});

describe("home", () => {
  it("shows one's own, what was opened last and how sources are", async () => {
    const { history } = openApp("/", "Otto");
    await findText("Assets that you open appear here.");
    await click("link", /customer_contacts/);
    await findRole("heading", { name: "customer_contacts" });
    await act(async () => history.push("/"));
    await findText("7 proposals wait for you");
    await findText("1 problem");
    expect(screen.getAllByRole("link", { name: /customer_contacts/ })).toHaveLength(2);
  });

  it("keeps what one person opened from the next", async () => {
    localStorage.setItem("cadastre.recent.otto@halden.example", JSON.stringify([{ ref: customers, kind: "table" }]));
    openApp("/", "Ana");
    await findText("Assets that you open appear here.");
    await findText("You own no asset. What you own appears here.");
  });
});
