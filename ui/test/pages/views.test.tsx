import { screen, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { FakeServer } from "../../fake/server";
import { people } from "../../fake/company";
import { makePlan } from "../../fake/plans";
import { click, customers, findRole, findText, first, openApp } from "../app";

const otto = people.find((p) => p.name === "Otto")!;

describe("making a plan", () => {
  it("takes the audiences that are chosen and leads to the plan", async () => {
    const { server, history } = openApp("/views", "Otto");
    await findText("No plan yet");
    await click("checkbox", /Fraud team/);
    await click("button", "Make a plan");
    await findRole("heading", { name: /^Plan for analysts ?planned$/ });
    expect(history.location.pathname).toBe(`/views/${server.catalog.plans[0]!.id}`);
    expect(server.catalog.plans[0]!.audiences).toEqual(["analysts"]);
  });

  it("cannot be asked for no audience, nor by who may not plan", async () => {
    openApp("/views", "Otto");
    await click("checkbox", /Fraud team/);
    await click("checkbox", /Analysts/);
    expect(((await findRole("button", { name: "Make a plan" })) as HTMLButtonElement).disabled).toBe(true);
  });

  it("is not offered to who may not plan", async () => {
    openApp("/views", "Ana");
    await findText("Those who may plan make one here.");
    expect(screen.queryByRole("button", { name: "Make a plan" })).toBeNull();
  });
});

describe("a plan", () => {
  function planned(change?: (server: FakeServer, plan: ReturnType<typeof makePlan>) => void) {
    const server = new FakeServer();
    server.catalog.tag(otto, [{ ref: `${customers}#contact.email`, label: "user.contact.email", state: "confirmed" }]);
    const plan = makePlan(server.catalog, otto, null);
    change?.(server, plan);
    return { server, plan };
  }

  it("shows what each view does with each column, why, and the SQL after", async () => {
    const { server, plan } = planned();
    const { history } = openApp(`/views/${plan.id}`, "Otto", server);
    await click("button", /Create view ?customers ?for analysts/);
    expect(history.location.search).toBe("?step=2");
    const line = within((await first("link", "contact.email")).closest("tr")!);
    expect(line.getByText("masked")).toBeTruthy();
    expect(line.getByText("mask · email")).toBeTruthy();
    expect(line.getByText(/Contact data is masked for analytics/)).toBeTruthy();
    const sql = await findRole("region", { name: "SQL before and after" });
    expect(sql.textContent).toContain("Before: nothing");
    expect(sql.textContent).toContain("SAFE_OFFSET(1)");
    expect(sql.textContent).not.toContain("`phone`");
  });

  it("is approved, applied with live progress, and undone after one question", async () => {
    const { server, plan } = planned();
    openApp(`/views/${plan.id}`, "Otto", server);
    await click("button", "Approve");
    await findText(/Approved by otto@halden.example/);
    await click("button", "Apply");
    await findText(/^Working: \d of 10 steps done/);
    await expect.poll(() => plan.state, { timeout: 15_000 }).toBe("applied");
    await findText("10 of 10 steps done.");
    await click("button", "Undo this plan");
    await findText("Undo 10 steps, newest first?");
    expect(plan.state).toBe("applied");
    await click("button", "Undo them");
    await findText("undone");
    expect(server.catalog.published.size).toBe(0);
  });

  it("cannot be approved while a finding blocks it", async () => {
    const { server, plan } = planned((_, p) => p.findings.push({ ref: customers, level: "block", code: "direct-read", what: "analysts read customers directly.", do: "Revoke it." }));
    openApp(`/views/${plan.id}`, "Otto", server);
    expect(((await findRole("button", { name: "Approve" })) as HTMLButtonElement).disabled).toBe(true);
    await findText("A finding blocks this plan; it cannot be approved.");
    const findings = within(await findRole("region", { name: "What to know before approving" }));
    expect(findings.getAllByRole("listitem")[0]!.textContent).toContain("analysts read customers directly.");
  });

  it("says when it is stale that nothing was written", async () => {
    const { server, plan } = planned((_, p) => Object.assign(p, { state: "stale", reason: "the dataset's access changed" }));
    openApp(`/views/${plan.id}`, "Otto", server);
    await findText(/Nothing was written; make a new plan/);
    await findText("the dataset's access changed");
    expect(screen.queryByRole("button", { name: "Apply" })).toBeNull();
  });

  it("waits for somebody else where one may not approve", async () => {
    const { server, plan } = planned();
    openApp(`/views/${plan.id}`, "Ana", server);
    await findText("Waits for somebody who may approve.");
  });

  it("shows the API's refusal beside the button", async () => {
    const { server, plan } = planned();
    openApp(`/views/${plan.id}`, "Otto", server);
    await findRole("button", { name: "Approve" });
    plan.state = "approved";
    await click("button", "Approve");
    await findText("plan is approved, only a planned one can be approved");
    await findText("Something else got there first");
  });

  it("that does not exist says so", async () => {
    openApp("/views/0123", "Otto");
    await findText("There is no such plan");
  });

  it("with nothing to do says so", async () => {
    const { server, plan } = planned((_, p) => Object.assign(p, { steps: [], findings: [] }));
    openApp(`/views/${plan.id}`, "Otto", server);
    await findText("The warehouse is as the policy wants it.");
    expect(screen.queryByRole("button", { name: "Approve" })).toBeNull();
  });
});
