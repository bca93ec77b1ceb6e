import { fireEvent, screen, within, act } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import { FakeServer } from "../../fake/server";
import { click, customers, fill, findRole, findText, first, openApp, press, report } from "../app";

describe("lineage as a list", () => {
  const list = (ref: string, rest = "") => openApp(`/lineage?ref=${encodeURIComponent(ref)}&list=1${rest}`, "Otto");

  it("says how one thing is made from another, and shows the SQL", async () => {
    const { history } = list(`${report}#email`, "&columns=1");
    await click("button", "changed by LOWER");
    await findText("Changed by LOWER, as the view says.");
    expect((await findRole("region", { name: "What the view runs" })).textContent).toContain("LOWER(c.contact.email)");
    expect(history.location.search).toContain("edge=");
  });

  it("shows counts before more, and grows where one opens", async () => {
    const { history } = list(report);
    await click("button", "1 more");
    await expect.poll(() => screen.getAllByRole("row")).toHaveLength(3);
    expect(history.location.search).toContain("open=");
  });

  it("says first what is missing", async () => {
    list("bigquery/halden-energy.reporting.arrears");
    const note = await findRole("note");
    expect(note.textContent).toContain("partner-project.scores.credit");
  });

  it("goes one way only when asked", async () => {
    list(customers);
    await expect.poll(() => screen.queryAllByRole("row").length).toBe(3);
    await click("button", "Made from");
    await expect.poll(() => screen.queryAllByRole("row").length).toBe(2);
  });

  it("says that nothing is known rather than showing nothing", async () => {
    list("bigquery/halden-energy.raw.events_wide");
    await findText("Nothing is known before or after it");
  });

  it("starts from what is found by typing", async () => {
    const { history } = openApp("/lineage", "Otto");
    await fill("combobox", "Find an asset or column", "contact.email");
    const options = await screen.findAllByRole("option");
    expect(options.length).toBeGreaterThan(1);
    const field = await first("combobox", "Find an asset or column");
    await press("ArrowDown", field);
    await press("Enter", field);
    await expect.poll(() => history.location.search).toContain("contact.email&columns=1");
  });
});

describe("the audit pages", () => {
  const who = (rest = "") => `/audit?tab=who&column=${encodeURIComponent(`${customers}#contact.email`)}${rest}`;

  it("verify the log and list it, newest first", async () => {
    openApp("/audit", "Audra");
    await findText("The log is whole: 1 event verified, held against 1 signed checkpoint.");
    const log = await findRole("list", { name: "Log" });
    expect(within(log).getAllByRole("listitem")[0]!.textContent).toContain("service:crawler");
    await click("button", "Event 1: crawl");
    await findText("Hash of this event and all before it");
  });

  it("say loudly where the log is broken", async () => {
    const server = new FakeServer();
    const answer = server.answer.bind(server);
    server.answer = async (body, person) => (body.query?.includes("auditVerification") ? { status: 200, body: { data: { auditVerification: { __typename: "AuditVerification", ok: false, events: 9, checkpoints: 0, broken: 4, reason: "its hash does not follow from event 3" } } } } : answer(body, person));
    openApp("/audit", "Audra", server);
    expect((await findRole("alert")).textContent).toContain("The log is broken at event 4. its hash does not follow from event 3");
  });

  it("say what is not to be trusted where no event can be named", async () => {
    const server = new FakeServer();
    const answer = server.answer.bind(server);
    server.answer = async (body, person) => (body.query?.includes("auditVerification") ? { status: 200, body: { data: { auditVerification: { __typename: "AuditVerification", ok: false, events: 9, checkpoints: 2, broken: null, reason: "a checkpoint was taken away" } } } } : answer(body, person));
    openApp("/audit", "Audra", server);
    expect((await findRole("alert")).textContent).toContain("The log is not to be trusted. a checkpoint was taken away");
  });

  it("give the key, the newest checkpoint and the whole log to keep elsewhere", async () => {
    const copied = vi.fn(async () => undefined);
    vi.stubGlobal("navigator", { ...navigator, clipboard: { writeText: copied } });
    openApp("/audit", "Audra");
    await findText("Keep elsewhere");
    await findText("cadastre/halden+1a2b3c4d+AbCd");
    await findText(/^Newest checkpoint, of 1 event/);
    expect((await first("link", "Export the whole log")).getAttribute("href")).toBe("/audit/export");
    expect((await first("link", "Download a checkpoint")).getAttribute("href")).toBe("/audit/checkpoint");
    await click("button", "Copy");
    await findText("Copied");
    expect(copied).toHaveBeenCalledWith("cadastre/halden+1a2b3c4d+AbCd");
    vi.unstubAllGlobals();
  });

  it("say loudly that the log cannot be signed", async () => {
    const server = new FakeServer();
    const answer = server.answer.bind(server);
    server.answer = async (body, person) => (body.query?.includes("auditSigning") ? { status: 200, body: { data: { auditSigning: { __typename: "AuditSigning", key: "", problem: "the key is gone; restore it from a backup", checkpoint: null } } } } : answer(body, person));
    openApp("/audit", "Audra", server);
    expect((await findRole("alert")).textContent).toContain("The log cannot be signed. the key is gone; restore it from a backup");
    await findText("No checkpoint was signed yet.");
  });

  it("narrow the log by what was done", async () => {
    const { server, history } = openApp("/audit", "Audra");
    await findText("The log is whole: 1 event verified, held against 1 signed checkpoint.");
    await act(async () => void fireEvent.change(await screen.findByLabelText("What was done"), { target: { value: "tag" } }));
    await findText("Nothing in the log fits these filters.");
    expect(history.location.search).toContain("action=tag");
    expect(server.catalog.events).toHaveLength(1);
  });

  it("answer who could see a column, clear ways first, with why", async () => {
    openApp(who(), "Audra");
    await findText("1 way to see it, 1 in the clear.");
    await findText("OWNER of the dataset raw");
    await findText("The answer may lack something:");
  });

  it("ask at a revision, and tell what the API says of one that never was", async () => {
    const { history } = openApp(who(), "Audra");
    await findText("1 way to see it, 1 in the clear.");
    await act(async () => void fireEvent.change(await screen.findByLabelText("At revision"), { target: { value: "7" } }));
    await click("button", "Ask");
    await findText("the catalog did not exist then: the first revision is 42");
    expect(history.location.search).toContain("revision=7");
    await click("button", "Now");
    await findText("1 way to see it, 1 in the clear.");
  });

  it("are for auditors alone", async () => {
    openApp(who(), "Ana");
    await findText("The audit log is for auditors");
  });
});

describe("sources", () => {
  it("show how each is, and what to do about problems", async () => {
    openApp("/sources", "Ana");
    await findText(/mend the schema there and crawl again/);
    await findText("Nothing is being done.");
    expect(screen.queryByRole("button", { name: "Crawl now" })).toBeNull();
  });

  it("say when each is crawled next, or that nobody but people crawls it", async () => {
    openApp("/sources", "Ana");
    await findText("@hourly");
    await findText(/only when asked/);
  });

  it("show what is tried again, when and why, and what was given up", async () => {
    const server = new FakeServer();
    const job = { subject: "warehouse", done: 0, total: 0, attempts: 5, startedAt: server.catalog.time() };
    server.catalog.activity.push(
      { ...job, kind: "crawl", state: "retrying", attempt: 2, nextAt: new Date(Date.now() + 60_000).toISOString(), endedAt: null, error: "the warehouse answered 503" },
      { ...job, kind: "analyze", state: "failed", attempt: 5, nextAt: null, endedAt: server.catalog.time(), error: "the worker died" },
    );
    openApp("/sources", "Otto", server);
    await findText("retrying");
    await findText(/^again/);
    await findText("the warehouse answered 503");
    await findText("failed");
    await findText(/given up/);
    await findText("the worker died");
    expect(screen.getAllByText(/run \d of 5/)).toHaveLength(2);
    expect((screen.getByRole("button", { name: "Crawling…" }) as HTMLButtonElement).disabled).toBe(true);
  });

  it("crawl when asked, and show the work until it is done", async () => {
    const { server } = openApp("/sources", "Otto");
    await click("button", "Crawl now");
    await findRole("progressbar", { name: "crawl warehouse" });
    await findText(/assets seen so far/);
    expect(server.catalog.events.at(-1)).toMatchObject({ action: "crawl", object: "warehouse" });
    await expect.poll(() => screen.queryByText("Nothing is being done."), { timeout: 15_000 }).not.toBeNull();
  });
});

describe("a removal that is held back", () => {
  const hold = { hash: "0a1b2c", at: "2026-03-03T12:00:00Z", scopes: [{ parent: null, ends: 5, of: 8 }, { parent: "bigquery/halden-prod.raw", ends: 5, of: 5 }], total: 5, examples: ["bigquery/halden-prod.raw.customers"], allowedBy: null };

  it("is shown with what it would end, asked about once, and allowed", async () => {
    const server = new FakeServer();
    server.catalog.held = hold;
    openApp("/sources", "Otto", server);
    await findText("Would remove 5 assets, and wrote nothing");
    await findText("5 of 8 of the whole source");
    await findText("5 of 5 of bigquery/halden-prod.raw");
    await findText("Among them");
    await findText("2 problems");
    expect(screen.queryByText(/--remove 0a1b2c/)).toBeNull();
    await click("button", "Remove them");
    expect(document.activeElement?.textContent).toBe("Keep them");
    await click("button", "Keep them");
    expect(server.catalog.held).not.toBeNull();
    await click("button", "Remove them");
    await click("button", "Yes, remove");
    await findText("Allowed: the next run removes them.");
    expect(server.catalog.events.some((e) => e.action === "allow_removal" && e.object === "registry")).toBe(true);
    await expect.poll(() => screen.queryByText("Would remove 5 assets, and wrote nothing")).toBeNull();
  });

  it("waits for the next run where somebody allowed it, and offers nothing to those who may not", async () => {
    const server = new FakeServer();
    server.catalog.held = { ...hold, total: 1, allowedBy: "otto@halden.example" };
    openApp("/sources", "Ana", server);
    await findText("Allowed by otto@halden.example; the next run removes them.");
    expect(screen.queryByRole("button", { name: "Remove them" })).toBeNull();
  });
});

describe("an asset", () => {
  it("says when its source last saw it", async () => {
    openApp(`/asset?ref=${encodeURIComponent(customers)}`, "Otto");
    const seen = await findText("seen by warehouse");
    expect(seen.nextElementSibling?.querySelector("time")).not.toBeNull();
  });
});

describe("tokens", () => {
  it("are made, shown once, and revoked", async () => {
    const { server } = openApp("/sources", "Otto");
    await findText("There is no token.");
    const fillIn = async (label: string, value: string) => act(async () => void fireEvent.change(await screen.findByLabelText(label), { target: { value } }));
    await fillIn("Service", "Not a word");
    await fillIn("Sources", "crm, dbt");
    await fillIn("Days", "30");
    await click("button", "Make a token");
    await findText(/is not a word/);
    await fillIn("Service", "loader");
    await click("button", "Make a token");
    await findText("cdst_made-up-t1");
    const copies: string[] = [];
    Object.defineProperty(navigator, "clipboard", { configurable: true, value: { writeText: async (value: string) => void copies.push(value) } });
    await click("button", "Copy");
    await findText("Copied");
    expect(copies).toEqual(["cdst_made-up-t1"]);
    expect(server.catalog.tokens[0]).toMatchObject({ name: "loader", sources: ["crm", "dbt"] });
    await click("button", "I have it");
    expect(screen.queryByText("cdst_made-up-t1")).toBeNull();
    await findText("never used");
    await click("button", "Revoke");
    await findText("The token of loader is revoked.");
    expect(server.catalog.tokens[0]?.revokedAt).not.toBeNull();
    await expect.poll(() => screen.queryByRole("button", { name: "Revoke" })).toBeNull();
  });

  it("are for administrators alone", async () => {
    openApp("/sources", "Ana");
    await findText("Nothing is being done.");
    expect(screen.queryByText("Tokens of services that push")).toBeNull();
  });
});

describe("policies", () => {
  it("name the audiences and answer for any column", async () => {
    const { history } = openApp("/policies", "Ana");
    await findText("Purpose: fraud_detection");
    await fill("combobox", "Who gets what of a column?", "customer_id");
    await click("option", /raw/);
    await expect.poll(() => history.location.search).toContain("customer_id");
    await findText(/Identifiers are replaced by a keyed hash/);
    await findText("b1946ac92492d234");
  });
});
