/** Planning and applying on the fake: each look at a plan does one more step. */
import { audiences, customers, report } from "./company.ts";
import { Catalog, Refusal } from "./catalog.ts";
import type { FakePerson, FakePlan, FakeStep } from "./types.ts";

const planned = [customers, report];

function container(audience: string): string {
  return `bigquery/halden-energy.${audience}_views`;
}

export function viewRef(audience: string, asset: string): string {
  return `${container(audience)}.${asset.slice(asset.lastIndexOf(".") + 1)}`;
}

function select(catalog: Catalog, asset: string, audience: string): string {
  const leaves = catalog.asset(asset)!.columns.filter((c) => c.dataType !== "RECORD");
  const lines = leaves.flatMap((c) => {
    const e = catalog.explain(c.ref, audience);
    if (e.effect === "deny") return [];
    const quoted = c.path.split(".").map((p) => "`" + p + "`").join(".");
    if (e.effect === "allow") return [`  ${quoted}`];
    return [e.method === "email" ? `  CONCAT(SUBSTR(TO_HEX(SHA256(${quoted})), 1, 2), '@', SPLIT(${quoted}, '@')[SAFE_OFFSET(1)]) AS \`${c.name}\`` : e.method === "hash" ? `  TO_HEX(SHA256(CONCAT(${quoted}, @key))) AS \`${c.name}\`` : `  CAST(NULL AS ${c.dataType}) AS \`${c.name}\``];
  });
  return `SELECT\n${lines.join(",\n")}\nFROM \`${asset.replace("bigquery/", "")}\``;
}

function viewStep(catalog: Catalog, asset: string, audience: string): FakeStep {
  const object = viewRef(audience, asset);
  const before = catalog.plans.filter((p) => p.state === "applied").flatMap((p) => p.steps).findLast((s) => s.object === object && s.after.startsWith("SELECT"));
  return {
    kind: before ? "replace_view" : "create_view", object, audience, base: asset,
    why: before ? "the policy decides otherwise than when the view was made" : `${audience} may read this asset and no view stands for them`,
    before: before?.after ?? "", after: select(catalog, asset, audience), principal: "", role: "",
    undo: before ? "the view gets its SQL of before" : "the view is dropped",
    columns: catalog.asset(asset)!.columns.filter((c) => c.dataType !== "RECORD").map((c) => {
      const e = catalog.explain(c.ref, audience);
      return { path: c.path, effect: e.effect, method: e.method, rules: e.rules, was: before?.columns.find((b) => b.path === c.path)?.effect ?? "" };
    }),
  };
}

function steps(catalog: Catalog, audience: string): FakeStep[] {
  const blank = { audience, base: null, before: "", principal: "", role: "", columns: [] };
  const grantee = audiences.find((a) => a.name === audience)!.groups[0]!;
  const views = planned.map((asset) => viewStep(catalog, asset, audience)).filter((s) => s.before !== s.after);
  const fresh = !planned.some((a) => catalog.published.has(`${audience} ${a}`));
  if (!fresh) return views;
  return [
    { ...blank, kind: "create_container", object: container(audience), why: `the views of ${audience} need a home of their own`, after: "location EU", undo: "the container is deleted if it is empty" },
    ...views,
    { ...blank, kind: "authorize", object: "bigquery/halden-energy.raw", base: container(audience), why: "the views read the raw tables on behalf of their readers", after: `${audience}_views may read raw`, principal: `${audience}_views`, role: "authorized", undo: "the authorization is taken back" },
    { ...blank, kind: "grant", object: container(audience), why: "members of the audience read its views", after: `group:${grantee} READER`, principal: `group:${grantee}`, role: "READER", undo: "the grant is taken back" },
  ];
}

export function makePlan(catalog: Catalog, person: FakePerson, names: string[] | null | undefined): FakePlan {
  catalog.allow(person, "plan");
  const chosen = names?.length ? names : audiences.map((a) => a.name);
  const unknown = chosen.find((n) => !audiences.some((a) => a.name === n));
  if (unknown) throw new Refusal("INVALID", `audience ${unknown} does not exist`);
  const now = catalog.time();
  const plan: FakePlan = {
    id: Array.from({ length: 4 }, (_, i) => (((catalog.head + catalog.plans.length) * 40503 * (i + 7) + 0x1f3b) >>> 0).toString(16).padStart(8, "0").repeat(2)).join(""),
    state: "planned", target: "warehouse", revision: catalog.head, policy: "9f2c41d7a6b05e83", audiences: chosen,
    plannedBy: person.id, plannedAt: now, approvedBy: "", changedAt: now, done: 0, reason: "",
    steps: chosen.flatMap((a) => steps(catalog, a)),
    findings: [
      { ref: customers, level: "warn", code: "untouched-columns", what: "11 columns of customers are untouched and stay out of every view.", do: "Look at them in the inbox or on the asset's page." },
      { ref: "bigquery/halden-energy.raw", level: "info", code: "direct-read", what: "group:platform@halden.example reads the base tables directly.", do: "Nothing, if they run the platform; else revoke the grant in the warehouse." },
    ],
  };
  catalog.plans.push(plan);
  catalog.log(person.id, "plan", plan.id);
  return plan;
}

export function find(catalog: Catalog, id: string): FakePlan {
  const plan = catalog.plans.find((p) => p.id === id);
  if (!plan) throw new Refusal("NOT_FOUND", `plan ${id} does not exist`);
  return plan;
}

function move(catalog: Catalog, plan: FakePlan, state: string): FakePlan {
  plan.state = state;
  plan.changedAt = catalog.time();
  return plan;
}

export function approve(catalog: Catalog, person: FakePerson, id: string): FakePlan {
  catalog.allow(person, "approve");
  const plan = find(catalog, id);
  if (plan.state !== "planned") throw new Refusal("CONFLICT", `plan is ${plan.state}, only a planned one can be approved`);
  plan.approvedBy = person.id;
  catalog.log(person.id, "approve", id);
  return move(catalog, plan, "approved");
}

export function apply(catalog: Catalog, person: FakePerson, id: string): FakePlan {
  catalog.allow(person, "apply");
  const plan = find(catalog, id);
  if (plan.revision < catalog.head && catalog.plans.some((p) => p !== plan && p.state === "applied" && p.revision >= plan.revision)) {
    plan.reason = "the dataset's access changed since the plan was made; nothing was written; make a new plan";
    return move(catalog, plan, "stale");
  }
  catalog.log(person.id, "apply", id);
  return move(catalog, plan, "applying");
}

export function undo(catalog: Catalog, person: FakePerson, id: string): FakePlan {
  catalog.allow(person, "apply");
  const plan = find(catalog, id);
  catalog.log(person.id, "undo", id);
  for (const step of plan.steps) if (step.base && step.kind === "create_view") catalog.published.delete(`${step.audience} ${step.base}`);
  catalog.commit();
  return move(catalog, plan, "undone");
}

/** Does one more step of a plan that is being applied. */
export function advance(catalog: Catalog, plan: FakePlan): void {
  if (plan.state !== "applying") return;
  plan.done += 1;
  catalog.log("service:publisher", "step", plan.steps[plan.done - 1]?.object ?? plan.id);
  if (plan.done < plan.steps.length) return;
  plan.done = plan.steps.length;
  for (const step of plan.steps) if (step.kind.endsWith("_view") && step.base) catalog.published.add(`${step.audience} ${step.base}`);
  catalog.commit();
  move(catalog, plan, "applied");
}
