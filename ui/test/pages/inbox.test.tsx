import { screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { FakeServer } from "../../fake/server";
import { click, customers, findRole, findText, openApp, payments, press } from "../app";

const states = (server: FakeServer, path: string, asset = customers) => server.catalog.tagsOf(`${asset}#${path}`).map((t) => t.state);
const current = () => document.querySelector('[aria-current="true"]')?.textContent ?? "";

describe("the inbox", () => {
  it("shows proposals by asset, with their evidence", async () => {
    openApp("/inbox", "Otto");
    await findText(/^7 proposals wait/);
    await findRole("region", { name: customers });
    await findRole("region", { name: payments });
    await findText(/found by the detector description, confidence 62%. The description says: Name on the account./);
  });

  it("is decided by key: move, confirm, reject, take back", async () => {
    const { server } = openApp("/inbox", "Otto");
    await findText(/^7 proposals wait/);
    expect(current()).toContain("contact.email");
    await press("a");
    await findText("Confirmed user.contact.email.");
    await findText(/^6 proposals wait/);
    expect(states(server, "contact.email")).toEqual(["proposed", "confirmed"]);
    await press("j");
    await press("j");
    await press("k");
    expect(current()).toContain("user.name");
    await press("r");
    await findText("Rejected user.name.");
    await findText(/^5 proposals wait/);
    expect(states(server, "name")).toEqual(["proposed", "rejected"]);
    await press("u");
    await findText("Undone.");
    await findText(/^6 proposals wait/);
    expect(states(server, "name")).toEqual(["proposed"]);
  });

  it("confirms all of an asset at once, and takes all of it back", async () => {
    const { server } = openApp("/inbox", "Otto");
    await click("button", "Confirm all 2");
    await findText("Confirmed 2 tags.");
    expect(states(server, "iban", payments)).toContain("confirmed");
    await click("button", "Undo");
    await findText("Undone.");
    expect(states(server, "iban", payments)).toEqual(["proposed"]);
    expect(states(server, "holder", payments)).toEqual(["proposed"]);
  });

  it("ends with nothing that waits, and says what to do next", async () => {
    const server = new FakeServer();
    server.catalog.tags = [];
    openApp("/inbox", "Otto", server);
    await findText("Nothing waits for you");
    await findText(/Detectors propose labels after each crawl/);
  });

  it("tells who may not tag that others decide", async () => {
    openApp("/inbox", "Ana");
    await findText(/decided by those who may tag/);
    expect(screen.queryByRole("button", { name: "Confirm" })).toBeNull();
  });
});
