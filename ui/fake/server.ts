/**
 * The API over the fake catalog: graphql-js executing the real schema. Tests
 * hand `answer` to the client as its fetch; the development server serves it.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { buildSchema, graphql, type GraphQLSchema } from "graphql";
import { audiences, people, vocabulary } from "./company.ts";
import { Catalog, Refusal } from "./catalog.ts";
import { lineage, search, whoCouldSee, type LineageArguments, type SearchArguments } from "./lookup.ts";
import { advance, apply, approve, makePlan, undo, viewRef } from "./plans.ts";
import type { FakeAsset, FakeColumn, FakePerson, FakePlan } from "./types.ts";

interface Context {
  person: FakePerson;
  catalog: Catalog;
}

export function readSchema(folder = join(import.meta.dirname, "../../graph/api/schema")): GraphQLSchema {
  const text = readdirSync(folder).filter((n) => n.endsWith(".graphql")).sort().map((n) => readFileSync(join(folder, n), "utf8")).join("\n");
  return buildSchema(text);
}

function assetFields(asset: FakeAsset, { catalog, person }: Context) {
  const visibility = catalog.visibility(asset, person);
  const mine = catalog.audiencesOf(person);
  const columns = asset.columns.map((c: FakeColumn) => ({
    ...c,
    assessment: () => catalog.assessment(c.ref),
    tags: () => catalog.tagsOf(c.ref),
    whatISee: () => mine.map((a) => catalog.explain(c.ref, a.name)),
  }));
  if (visibility === "discoverable") return { ...asset, visibility, parent: null, source: "", location: "", title: "", description: "", labels: [], definition: "", unread: "", columns: [], tags: [], statement: null, views: [], mayTag: false };
  const views = [...catalog.published].filter((p) => p.endsWith(` ${asset.ref}`)).map((p) => p.split(" ")[0]!).map((audience) => ({ audience, ref: viewRef(audience, asset.ref) }));
  return { ...asset, visibility, columns, views, tags: catalog.tagsOf(asset.ref), mayTag: catalog.owns(person) };
}

/** The most that the API gives in one page. */
const mostPage = 200;

function size(first: number): number {
  if (first < 1 || first > mostPage) throw new Refusal("INVALID", `first: want 1 to ${mostPage}, not ${first}`);
  return first;
}

function page<T>(all: T[], first: number, after?: string | null) {
  size(first);
  const start = after ? Number(after) : 0;
  const nodes = all.slice(start, start + first);
  return {
    total: all.length,
    edges: nodes.map((node, i) => ({ node, cursor: String(start + i + 1) })),
    pageInfo: { hasNextPage: start + first < all.length, endCursor: nodes.length > 0 ? String(start + nodes.length) : null },
  };
}

type Paged = { first: number; after?: string | null };

const queries = {
  me: (_: object, { person, catalog }: Context) => ({ ...person, audiences: catalog.audiencesOf(person), head: catalog.head }),
  asset: ({ ref }: { ref: string }, context: Context) => {
    const asset = context.catalog.asset(ref);
    return asset ? assetFields(asset, context) : null;
  },
  search: (args: SearchArguments, context: Context) => {
    size(args.first);
    const found = search(context.catalog, context.person, args);
    return { ...found, edges: found.edges.map((e) => ({ ...e, node: assetFields(e.node, context) })) };
  },
  vocabulary: () => vocabulary,
  inbox: ({ first, after }: Paged, { catalog, person }: Context) => page(person.actions.includes("tag") ? catalog.inbox() : [], first, after),
  audiences: () => audiences,
  explain: ({ column, audience }: { column: string; audience?: string | null }, { catalog }: Context) => {
    if (catalog.column(column).column.dataType === "RECORD") throw new Refusal("NOT_FOUND", "not found, or not yours to know of");
    return audiences.filter((a) => !audience || a.name === audience).map((a) => catalog.explain(column, a.name));
  },
  whoCouldSee: (args: { column: string; revision?: number; at?: string }, { catalog, person }: Context) => whoCouldSee(catalog, person, args),
  lineage: (args: LineageArguments, { catalog, person }: Context) => lineage(catalog, person, args),
  plans: ({ first, after }: Paged, { catalog }: Context) => page([...catalog.plans].reverse(), first, after),
  plan: ({ id }: { id: string }, { catalog }: Context): FakePlan | null => {
    const plan = catalog.plans.find((p) => p.id === id);
    if (plan) advance(catalog, plan);
    return plan ?? null;
  },
  audit: ({ filter, first, after }: Paged & { filter?: { actor?: string; action?: string; object?: string } }, { catalog, person }: Context) => {
    catalog.allow(person, "audit");
    const fits = catalog.events.filter((e) => (!filter?.actor || e.actor === filter.actor) && (!filter?.action || e.action === filter.action) && (!filter?.object || e.object === filter.object));
    return page(fits.reverse(), first, after);
  },
  auditVerification: (_: object, { catalog, person }: Context) => {
    catalog.allow(person, "audit");
    return { ok: true, events: catalog.events.length, broken: null, reason: "" };
  },
  sources: (_: object, { catalog }: Context) => [
    { name: "warehouse", platform: "bigquery", assets: catalog.assets.filter((a) => a.source === "warehouse").length, crawledAt: catalog.events[0]!.at, schedule: "@hourly", nextCrawlAt: new Date(Date.parse(catalog.events[0]!.at) + 3_600_000).toISOString(), problems: [] },
    { name: "registry", platform: "registry", assets: 3, crawledAt: catalog.events[0]!.at, schedule: null, nextCrawlAt: null, problems: ["subject payments-value at http://registry.halden.example: field iban has no type; mend the schema there and crawl again"] },
  ],
  activity: (_: object, { catalog }: Context) => {
    catalog.activity = catalog.activity.map((a) => (a.state === "retrying" || a.state === "failed" ? a : { ...a, state: "running", done: a.done + 4, startedAt: catalog.time(), attempt: 1 })).filter((a) => a.state !== "running" || a.done < a.total);
    return catalog.activity;
  },
};

const mutations = {
  tag: ({ input }: { input: { ref: string; label: string; state: string }[] }, { catalog, person }: Context) => ({ tags: catalog.tag(person, input), revision: catalog.head }),
  plan: ({ audiences: names }: { audiences?: string[] | null }, { catalog, person }: Context) => makePlan(catalog, person, names),
  approve: ({ id }: { id: string }, { catalog, person }: Context) => approve(catalog, person, id),
  apply: ({ id }: { id: string }, { catalog, person }: Context) => apply(catalog, person, id),
  undo: ({ id }: { id: string }, { catalog, person }: Context) => undo(catalog, person, id),
  crawl: ({ source }: { source: string }, { catalog, person }: Context) => {
    catalog.allow(person, "crawl");
    catalog.activity.push({ kind: "crawl", subject: source, state: "waiting", done: 0, total: 12, attempt: 0, attempts: 5, startedAt: null, nextAt: null, endedAt: null, error: "" });
    catalog.log(person.id, "crawl", source);
    return queries.sources({}, { catalog, person }).find((s) => s.name === source);
  },
};

export class FakeServer {
  readonly catalog: Catalog;
  private readonly schema = readSchema();

  constructor(catalog = new Catalog()) {
    this.catalog = catalog;
  }

  /** Answers one request of a person; nobody signed in is null. */
  async answer(body: { query?: string; variables?: Record<string, unknown> }, person: FakePerson | null): Promise<{ status: number; body: object }> {
    if (!person) return { status: 401, body: { errors: [{ message: "you are not signed in, or your session has ended; sign in again", extensions: { code: "UNAUTHENTICATED" } }] } };
    const result = await graphql({ schema: this.schema, source: body.query ?? "", variableValues: body.variables, rootValue: { ...queries, ...mutations, plan: body.query?.trimStart().startsWith("mutation") ? mutations.plan : queries.plan }, contextValue: { person, catalog: this.catalog } });
    return { status: 200, body: result };
  }

  /** A fetch that a client can be given, signed in as the one with that name. */
  fetchAs(name: string | null): typeof fetch {
    const person = people.find((p) => p.name === name) ?? null;
    return async (_input, init) => {
      const { status, body } = await this.answer(JSON.parse(String(init?.body)), person);
      return new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
    };
  }
}
