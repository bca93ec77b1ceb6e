import { act, fireEvent, screen, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { FakeServer } from "../../fake/server";
import { click, customers, fill, findRole, findText, openApp, payments, press, report } from "../app";

const at = (ref: string, rest = "") => `/asset?ref=${encodeURIComponent(ref)}${rest}`;
const row = (path: string) => expect.poll(() => document.querySelector(`[title="${path}"]`)?.closest('[role="row"]') ?? null).not.toBeNull().then(() => document.querySelector(`[title="${path}"]`)!.closest<HTMLElement>('[role="row"]')!);
const details = async (path: string) => within(await findRole("complementary", { name: path }));

describe("an asset's columns", () => {
  it("show each tag, and open its why: who says so and the evidence", async () => {
    openApp(at(customers), "Ana");
    await row("contact.email");
    await click("button", /^user\.contact\.email, proposed/);
    await findText("The last part of the name is email.");
    expect(screen.queryByRole("button", { name: "Confirm" })).toBeNull();
  });

  it("offer no tagging of what others answer for, though some assets are mine", async () => {
    const server = new FakeServer();
    server.catalog.owns = () => false;
    openApp(at(customers, "&column=contact.email"), "Otto", server);
    await row("contact.email");
    await findText("Who gets what");
    expect(screen.queryByRole("checkbox")).toBeNull();
    expect(screen.queryByRole("button", { name: "Confirm" })).toBeNull();
  });

  it("say what I see, by which rule, with a made-up example", async () => {
    openApp(at(customers), "Ana");
    const line = within(await row("customer_id"));
    await act(async () => fireEvent.click(line.getByRole("button", { name: "Analysts: mask · hash" })));
    await findText("b1946ac92492d234");
    await findText("mask.identifier");
  });

  it("say that untouched columns are in no view", async () => {
    openApp(at(customers), "Ana");
    const line = within(await row("address.geo.lat"));
    await act(async () => fireEvent.click(line.getByRole("button", { name: "untouched" })));
    await findText(/Until somebody does, it is in no view/);
  });

  it("fold, unfold and filter", async () => {
    const { history } = openApp(at(customers), "Otto");
    await row("contact.email");
    await click("button", "Fold contact");
    await expect.poll(() => document.querySelector('[title="contact.email"]')).toBeNull();
    await fill("searchbox", "Filter columns", "email");
    await row("contact.email");
    await findText("2 of 21 columns");
    expect(history.location.search).toContain("find=email");
  });

  it("draw only the rows in sight of two thousand", async () => {
    openApp(at("bigquery/halden-energy.raw.events_wide"), "Otto");
    await row("event_0001");
    await findText("2,000 columns");
    expect(document.querySelectorAll("[data-row]").length).toBeLessThan(120);
    expect((await findRole("treegrid")).getAttribute("aria-rowcount")).toBe("2001");
  });

  it("walk by arrow and open by Enter", async () => {
    const { history } = openApp(at(customers), "Otto");
    const top = await row("customer_id");
    await press("ArrowDown", top);
    await press("Enter", await row("name"));
    await expect.poll(() => history.location.search).toContain("column=name");
    expect((await row("name")).tabIndex).toBe(0);
  });
});

describe("deciding on a column", () => {
  it("confirms what was proposed, and the effect follows", async () => {
    openApp(at(customers, "&column=contact.email"), "Otto");
    const panel = await details("contact.email");
    expect(await panel.findByRole("button", { name: "analysts: deny" })).toBeTruthy();
    await act(async () => fireEvent.click(panel.getByRole("button", { name: "Confirm" })));
    await findText("Confirmed user.contact.email.");
    expect(await panel.findByRole("button", { name: "analysts: mask · email" })).toBeTruthy();
    await expect.poll(() => panel.queryByText("It says proposed; a person's word stands before it.")).not.toBeNull();
  });

  it("takes it back by the notice, by click or by key", async () => {
    const { server } = openApp(at(customers, "&column=contact.email"), "Otto");
    const panel = await details("contact.email");
    for (const undo of [() => click("button", "Undo"), () => press("u")]) {
      await act(async () => fireEvent.click(panel.getByRole("button", { name: "Confirm" })));
      await findText("Confirmed user.contact.email.");
      await undo();
      await findText("Undone.");
      expect(server.catalog.tagsOf(`${customers}#contact.email`).map((t) => t.state)).toEqual(["proposed"]);
      await panel.findByRole("button", { name: "Confirm" });
    }
  });

  it("adds a label with a reason", async () => {
    const { server } = openApp(at(customers, "&column=address.postal_code"), "Otto");
    const panel = await details("address.postal_code");
    await panel.findByRole("option", { name: /Postal code/ });
    await act(async () => void fireEvent.change(panel.getByLabelText("Choose a label"), { target: { value: "user.contact.address.postal_code" } }));
    await act(async () => void fireEvent.change(panel.getByLabelText(/^Reason/), { target: { value: "as the schema says" } }));
    await act(async () => fireEvent.click(panel.getByRole("button", { name: "Add a tag" })));
    await findText("Confirmed user.contact.address.postal_code.");
    expect(server.catalog.tagsOf(`${customers}#address.postal_code`)[0]).toMatchObject({ state: "confirmed", provenance: { kind: "person", why: "as the schema says" } });
  });

  it("says of several at once that they are nothing personal", async () => {
    const { server } = openApp(at(customers), "Otto");
    await row("created_at");
    for (const path of ["created_at", "address.city"]) await click("checkbox", `Select ${path}`);
    await findText("2 columns selected");
    await click("button", "Nothing personal");
    await findText("2 columns marked: nothing personal.");
    expect(server.catalog.assessment(`${customers}#created_at`)).toBe("none");
    expect(screen.queryByRole("toolbar")).toBeNull();
  });

  it("shows the API's refusal and keeps the selection", async () => {
    const server = new FakeServer();
    openApp(at(customers), "Otto", server);
    await row("created_at");
    server.catalog.allow = () => {
      throw Object.assign(new Error("only owners of customers may tag it; ask platform@halden.example"), { extensions: { code: "DENIED" } });
    };
    await click("checkbox", "Select created_at");
    await click("button", "Nothing personal");
    await findText("only owners of customers may tag it; ask platform@halden.example");
    await findText("1 column selected");
  });

  it("offers nothing to who may not tag", async () => {
    openApp(at(customers, "&column=contact.email"), "Ana");
    const panel = await details("contact.email");
    await panel.findByRole("button", { name: "Analysts: deny" });
    expect(panel.queryByRole("button", { name: "Confirm" })).toBeNull();
    expect(panel.queryByLabelText("Choose a label")).toBeNull();
    expect(screen.queryByRole("checkbox")).toBeNull();
  });
});

describe("what an asset's page says when there is little to say", () => {
  it("shows a name and whom to ask where only the name is known", async () => {
    openApp(at(payments), "Ana");
    await findText("You know this asset by name only");
    await findText("Its owner can tell you more: otto@halden.example.");
    expect(screen.queryByRole("treegrid")).toBeNull();
    expect(document.body.textContent).not.toContain("iban");
  });

  it("says that an asset does not exist or may not be known of", async () => {
    openApp(at("bigquery/p.d.nothing"), "Ana");
    await findText("It does not exist, or you may not know of it.");
  });

  it("says why columns could not be read", async () => {
    openApp(at("kafka://broker.halden.example:9092/payments"), "Otto");
    await findText(/not valid Avro/);
  });

  it("shows the SQL, how much of it is understood and what is missing", async () => {
    openApp(at("bigquery/halden-energy.reporting.arrears", "&tab=sql"), "Otto");
    await findText("partial");
    await findText("partner-project.scores.credit");
    expect((await findRole("region", { name: "What the job runs" })).textContent).toContain("SHA256(p.iban)");
  });

  it("leads to plans where no view stands", async () => {
    openApp(at(report, "&tab=views"), "Otto");
    await click("link", "Go to views");
    await findRole("heading", { name: "Views" });
  });
});
