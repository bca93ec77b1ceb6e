import { act, fireEvent, screen, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { FakeServer } from "../../fake/server";
import { click, customers, fill, findRole, findText, openApp, press, report } from "../app";

const at = (ref: string, rest = "") => `/asset?ref=${encodeURIComponent(ref)}${rest}`;
const field = (name: string) => screen.findByRole<HTMLInputElement>("textbox", { name }, { timeout: 5000 });

describe("what an asset is", () => {
  it("is said in place by Enter, and the source's word stands beside it", async () => {
    const { server } = openApp(at(customers), "Otto");
    await click("button", "Edit the description");
    await fill("textbox", "Description", "Whom we sell power to");
    await press("Enter", await field("Description"));
    await findText("Saved.");
    await findText("Whom we sell power to");
    await findText("source says otherwise");
    expect(screen.getByText(/One row a customer, as the contract system knows them/).closest("details")!.textContent).toContain("The source warehouse says");
    expect(server.catalog.events.at(-1)).toMatchObject({ action: "describe", object: customers });
  });

  it("is left by Escape as it was, and the way back is where it began", async () => {
    const { server } = openApp(at(customers), "Otto");
    await click("button", "Edit the description");
    await fill("textbox", "Description", "never mind");
    await press("Escape", await field("Description"));
    await findText(/One row a customer/);
    expect(server.catalog.words).toEqual([]);
    await expect.poll(() => document.activeElement?.getAttribute("aria-label")).toBe("Edit the description");
  });

  it("goes on in a new line by Shift and Enter", async () => {
    const { server } = openApp(at(customers), "Otto");
    await click("button", "Edit the description");
    await press("Enter", await field("Description"), { shiftKey: true });
    await field("Description");
    expect(server.catalog.words).toEqual([]);
  });

  it("is taken back, so that the source's word counts again, and that too", async () => {
    const server = new FakeServer();
    server.catalog.words = [{ ref: customers, attribute: "title", value: "Clients", provenance: { kind: "person", name: "otto@halden.example", why: "asked sales" } }];
    openApp(at(customers), "Otto", server);
    await findText("Clients");
    await findText("asked sales");
    await click("button", "Edit the title");
    await click("button", "Use the source's word");
    await findText("Taken back; the source's word counts again.");
    await expect.poll(() => screen.queryByText("Clients")).toBeNull();
    await click("button", "Undo");
    await findText("Clients");
  });

  it("is kept as typed where another got there first", async () => {
    const { server } = openApp(at(customers), "Otto");
    await click("button", "Edit the title");
    server.catalog.words = [{ ref: customers, attribute: "title", value: "Meanwhile", provenance: { kind: "person", name: "olga@halden.example", why: "" } }];
    await fill("textbox", "Title", "Clients");
    await press("Enter", await field("Title"));
    await findText(/was changed since you looked/);
    expect((await field("Title")).value).toBe("Clients");
    expect(server.catalog.words.map((w) => w.value)).toEqual(["Meanwhile"]);
  });

  it("is asked for where nobody says anything", async () => {
    openApp(at(report), "Otto");
    await click("button", "Give it a title");
    await fill("textbox", "Title", "Contacts");
    await click("button", "Save");
    await findText("Contacts");
    expect(screen.queryByText("source says otherwise")).toBeNull();
  });

  it("is read, not edited, by who may not describe it", async () => {
    openApp(at(customers, "&column=contact.email"), "Ana");
    await findText(/One row a customer/);
    expect(screen.queryByRole("button", { name: /^(Edit the|Give it|Describe it)/ })).toBeNull();
  });

  it("is said of a column too", async () => {
    const { server } = openApp(at(customers, "&column=contact.email"), "Otto");
    const panel = within(await findRole("complementary", { name: "contact.email" }));
    await act(async () => fireEvent.click(await panel.findByRole("button", { name: "Edit the description" })));
    await act(async () => void fireEvent.change(panel.getByRole("textbox", { name: "Description" }), { target: { value: "as confirmed by mail" } }));
    await press("Enter", panel.getByRole("textbox", { name: "Description" }));
    await panel.findByText("as confirmed by mail");
    expect(server.catalog.words[0]).toMatchObject({ ref: `${customers}#contact.email`, attribute: "description" });
  });
});

describe("who owns an asset", () => {
  it("is named in place, and the source's owners stand beside", async () => {
    const { server } = openApp(at(customers), "Otto");
    await click("button", "Edit the owners");
    const editor = within(await findRole("form", { name: "Edit the owners" }));
    const first = server.catalog.asset(customers)!.owners.find((o) => o.role === "accountable")!;
    await act(async () => fireEvent.click(editor.getAllByRole("button", { name: `Remove ${first.principal}` })[0]!));
    await fill("textbox", "Add an owner: accountable", "user:ana@halden.example");
    await press("Enter", await field("Add an owner: accountable"));
    await click("button", "Save");
    await findText("Saved.");
    expect(server.catalog.named.map((o) => o.principal)).toContain("user:ana@halden.example");
    expect(await findRole("button", { name: "ana@halden.example, accountable" })).toBeTruthy();
    await click("button", "source says otherwise");
    await findText("The source names");
  });

  it("is not left empty where only the source names somebody", async () => {
    const { server } = openApp(at(report), "Otto");
    await click("button", "Edit the owners");
    for (const o of server.catalog.asset(report)!.owners) await click("button", `Remove ${o.principal}`);
    await findText(/Only the source names an owner here/);
    expect((await findRole("button", { name: "Save" })).hasAttribute("disabled")).toBe(true);
    await press("Escape", await field("Add an owner: accountable"));
    expect(screen.queryByRole("form", { name: "Edit the owners" })).toBeNull();
  });

  it("tells what is no owner", async () => {
    openApp(at(report), "Otto");
    await click("button", "Edit the owners");
    await fill("textbox", "Add an owner: technical", "somebody");
    await press("Enter", await field("Add an owner: technical"));
    await click("button", "Save");
    await findText(/"somebody" is no owner/);
    await findRole("form", { name: "Edit the owners" });
  });

  it("is the source's again when a person's word is taken back", async () => {
    const server = new FakeServer();
    const role = server.catalog.asset(report)!.owners[0]!.role;
    server.catalog.named = [{ asset: report, principal: "user:ana@halden.example", role, provenance: { kind: "person", name: "otto@halden.example", why: "" } }];
    openApp(at(report), "Otto", server);
    await click("button", "Edit the owners");
    await click("button", "Use the source's owners");
    await findText("Saved.");
    expect(server.catalog.named).toEqual([]);
  });
});

describe("a run", () => {
  const openRuns = async () => {
    const [summary] = await screen.findAllByText("Last runs", { selector: "summary" }, { timeout: 5000 });
    const details = summary!.closest("details")!;
    await act(async () => {
      details.open = true;
      fireEvent(details, new Event("toggle"));
    });
  };

  it("is undone after one plain question, which says what would change", async () => {
    const { server } = openApp("/sources", "Otto");
    await openRuns();
    await click("button", "Undo this run, revision 42");
    await findText(/It would take back what the run did: 8 assets end, 2 columns change, 61 columns end\./);
    expect(server.catalog.runs).toHaveLength(1);
    await click("button", "Undo it");
    await findText("Revision 42 is undone.");
    await findText("undone by revision 43");
    await findText("undid revision 42");
    expect(screen.queryByRole("button", { name: "Undo this run, revision 42" })).toBeNull();
  });

  it("is kept where one thinks again", async () => {
    const { server } = openApp("/sources", "Otto");
    await openRuns();
    await click("button", "Undo this run, revision 42");
    await press("Escape", await findRole("group", { name: "Undo this run, revision 42" }));
    await expect.poll(() => screen.queryByRole("group", { name: "Undo this run, revision 42" })).toBeNull();
    expect(server.catalog.runs).toHaveLength(1);
  });

  it("is undone but for what is later, which is named first", async () => {
    const server = new FakeServer();
    server.catalog.later = [customers];
    openApp("/sources", "Otto", server);
    await openRuns();
    await click("button", "Undo this run, revision 42");
    await findText(/1 item stays as it is/);
    await click("button", "Undo the rest");
    await findText("Revision 42 is undone.");
  });

  it("is not shown to who may not crawl", async () => {
    openApp("/sources", "Ana");
    await findText("Nothing is being done.");
    expect(screen.queryByText("Last runs")).toBeNull();
  });
});
