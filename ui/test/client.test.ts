import { describe, expect, it } from "vitest";
import { pipe, subscribe } from "wonka";
import { FakeServer } from "../fake/server";
import { codeOf, makeClient, sentenceOf } from "../src/api/client";
import * as documents from "../src/gql/graphql";
import { customers } from "./app";

const column = `${customers}#contact.email`;

describe("the client", () => {
  it("reads a column again after a tag, and all that depends on it", async () => {
    const server = new FakeServer();
    const client = makeClient({ fetch: server.fetchAs("Otto") });
    const seen: string[] = [];
    const totals: number[] = [];
    const reads = [
      pipe(client.query(documents.AssetDocument, { ref: customers }), subscribe((r) => seen.push(r.data?.asset?.columns.find((c) => c.ref === column)?.tags.map((t) => t.state).join() ?? ""))),
      pipe(client.query(documents.InboxDocument, { first: 50 }), subscribe((r) => totals.push(r.data?.inbox.total ?? -1))),
    ];
    await expect.poll(() => [seen.at(-1), totals.at(-1)]).toEqual(["proposed", 7]);
    const { error } = await client.mutation(documents.TagDocument, { input: [{ ref: column, label: "user.contact.email", state: "confirmed" }] }).toPromise();
    expect(error).toBeUndefined();
    await expect.poll(() => [seen.at(-1), totals.at(-1)]).toEqual(["proposed,confirmed", 6]);
    reads.forEach((r) => r.unsubscribe());
  });

  it("shows a plan's progress on whatever holds the plan", async () => {
    const server = new FakeServer();
    const client = makeClient({ fetch: server.fetchAs("Otto") });
    const made = await client.mutation(documents.MakePlanDocument, { audiences: ["analysts"] }).toPromise();
    const id = made.data!.plan.id;
    const states: string[] = [];
    const read = pipe(client.query(documents.PlanDocument, { id }), subscribe((r) => states.push(`${r.data?.plan?.state}`)));
    await client.mutation(documents.ApproveDocument, { id }).toPromise();
    await client.mutation(documents.ApplyDocument, { id }).toPromise();
    for (let i = 0; i < made.data!.plan.steps.length; i++) await client.query(documents.PlanProgressDocument, { id }, { requestPolicy: "network-only" }).toPromise();
    await expect.poll(() => states.at(-1)).toBe("applied");
    expect(states).toContain("applying");
    read.unsubscribe();
  });

  const refusals = [
    { name: "NOT_FOUND", ask: { column: `${customers}#nowhere`, revision: null, at: null }, person: "Audra", code: "NOT_FOUND", says: /does not exist/ },
    { name: "DENIED", ask: { column, revision: null, at: null }, person: "Ana", code: "DENIED", says: /ask Audra/ },
  ];
  it.each(refusals)("names $name and keeps the API's sentence", async ({ ask, person, code, says }) => {
    const client = makeClient({ fetch: new FakeServer().fetchAs(person) });
    const { error } = await client.query(documents.WhoCouldSeeDocument, ask).toPromise();
    expect(codeOf(error!)).toBe(code);
    expect(sentenceOf(error!)).toMatch(says);
  });

  it("is told when nobody is signed in", async () => {
    let told = 0;
    const client = makeClient({ fetch: new FakeServer().fetchAs(null), onSignedOut: () => (told += 1) });
    const { error } = await client.query(documents.MeDocument, {}).toPromise();
    expect(codeOf(error!)).toBe("UNAUTHENTICATED");
    expect(told).toBe(1);
  });

  it("names a 401 without a body and an unreachable server", async () => {
    const bare = makeClient({ fetch: async () => new Response("", { status: 401 }) });
    expect(codeOf((await bare.query(documents.MeDocument, {}).toPromise()).error!)).toBe("UNAUTHENTICATED");
    const silent = makeClient({ fetch: async () => Promise.reject(new TypeError("connection refused")) });
    expect(codeOf((await silent.query(documents.MeDocument, {}).toPromise()).error!)).toBe("OFFLINE");
  });
});

describe("every document of the app", () => {
  it("is answered by the schema without an error", async () => {
    const server = new FakeServer();
    const client = { Otto: makeClient({ fetch: server.fetchAs("Otto") }), Audra: makeClient({ fetch: server.fetchAs("Audra") }) };
    const first = { first: 5 };
    const plan = await client.Otto.mutation(documents.MakePlanDocument, {}).toPromise();
    const id = plan.data!.plan.id;
    const answers = await Promise.all([
      client.Otto.query(documents.MeDocument, {}).toPromise(),
      client.Otto.query(documents.StandingDocument, {}).toPromise(),
      client.Otto.query(documents.HistoryDocument, { ref: customers, ...first }).toPromise(),
      client.Otto.query(documents.VocabularyDocument, {}).toPromise(),
      client.Otto.query(documents.AudiencesDocument, {}).toPromise(),
      client.Otto.query(documents.ExplainDocument, { column }).toPromise(),
      client.Otto.query(documents.SearchDocument, { query: "email", ...first }).toPromise(),
      client.Otto.query(documents.SuggestDocument, { query: "email", ...first }).toPromise(),
      client.Otto.query(documents.HomeDocument, { owners: ["user:otto@halden.example"] }).toPromise(),
      client.Otto.query(documents.AssetDocument, { ref: customers }).toPromise(),
      client.Otto.query(documents.LineageDocument, { ref: column, direction: "BOTH", depth: 1, limit: 10, columns: true }).toPromise(),
      client.Otto.query(documents.InboxDocument, first).toPromise(),
      client.Otto.query(documents.InboxCountDocument, {}).toPromise(),
      client.Otto.query(documents.PlansDocument, first).toPromise(),
      client.Otto.query(documents.PlanDocument, { id }).toPromise(),
      client.Otto.query(documents.PlanProgressDocument, { id }).toPromise(),
      client.Otto.query(documents.SourcesDocument, {}).toPromise(),
      client.Audra.query(documents.AuditLogDocument, first).toPromise(),
      client.Audra.query(documents.AuditVerificationDocument, {}).toPromise(),
      client.Audra.query(documents.WhoCouldSeeDocument, { column }).toPromise(),
    ]);
    expect(answers.map((a) => a.error?.message)).toEqual(answers.map(() => undefined));
    for (const verb of [documents.ApproveDocument, documents.ApplyDocument, documents.UndoDocument]) {
      expect((await client.Otto.mutation(verb, { id }).toPromise()).error).toBeUndefined();
    }
    expect((await client.Otto.mutation(documents.CrawlDocument, { source: "warehouse" }).toPromise()).error).toBeUndefined();
  });
});
