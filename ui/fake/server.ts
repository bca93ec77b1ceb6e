/**
 * The API over the fake catalog: graphql-js executing the real schema. Tests
 * hand `answer` to the client as its fetch; the development server serves it.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { buildSchema, graphql, GraphQLError, Kind, parse, type DocumentNode, type GraphQLSchema } from "graphql";
import { audiences, people, vocabulary } from "./company.ts";
import { Catalog, Refusal } from "./catalog.ts";
import { lineage, search, whoCouldSee, type LineageArguments, type SearchArguments } from "./lookup.ts";
import { advance, apply, approve, makePlan, undo, viewRef } from "./plans.ts";
import type { FakeAsset, FakeColumn, FakePerson, FakePlan } from "./types.ts";

interface Context {
  person: FakePerson;
  catalog: Catalog;
  /** The revision that @asOf names; absent is now. */
  asOf?: number | undefined;
}

/** What has no answer as of the past. */
const ofNow = ["activity", "audiences", "audit", "auditSigning", "auditVerification", "plan", "plans", "runs", "sources", "tokens", "undoPreview", "vocabulary"];

/** The revision that a document names with @asOf, after refusing what cannot be asked then. */
function asOfIn(document: DocumentNode, catalog: Catalog): number | undefined {
  const operation = document.definitions.find((d) => d.kind === Kind.OPERATION_DEFINITION);
  const directive = operation?.directives?.find((d) => d.name.value === "asOf");
  if (!operation || !directive) return undefined;
  const value = (name: string) => directive.arguments?.find((a) => a.name.value === name)?.value as { value: string } | undefined;
  const revision = value("revision")?.value;
  if (revision && Number(revision) > catalog.head) throw new Refusal("NOT_FOUND", `as of revision ${revision}: it is not there yet; the newest is ${catalog.head}: not found`);
  for (const s of operation.selectionSet.selections) {
    if (s.kind === Kind.FIELD && ofNow.includes(s.name.value)) throw new Refusal("INVALID", `${s.name.value} tells of the present alone`);
  }
  return catalog.seen(revision ? Number(revision) : null, value("time")?.value).revision;
}

export function readSchema(folder = join(import.meta.dirname, "../../graph/api/schema")): GraphQLSchema {
  const text = readdirSync(folder).filter((n) => n.endsWith(".graphql")).sort().map((n) => readFileSync(join(folder, n), "utf8")).join("\n");
  return buildSchema(text);
}

function assetFields(asset: FakeAsset, { catalog, person, asOf }: Context) {
  const tags = asOf ? catalog.seen(asOf).tags : catalog.tags;
  const published = asOf ? catalog.seen(asOf).published : [...catalog.published];
  const visibility = catalog.visibility(asset, person);
  const mine = catalog.audiencesOf(person);
  const said = (["title", "description"] as const).flatMap((a) => catalog.says(asset.ref, a, asset[a], asset.source));
  const word = (a: string) => said.find((s) => s.attribute === a)?.value ?? "";
  const ownersSaid = catalog.owners(asset);
  const owners = ownersSaid.filter((o) => o.effective);
  const columns = asset.columns.map((c: FakeColumn) => ({
    ...c,
    description: () => catalog.says(c.ref, "description", c.description, asset.source)[0]?.value ?? "",
    says: () => catalog.says(c.ref, "description", c.description, asset.source),
    assessment: () => catalog.assessment(c.ref, tags),
    tags: () => catalog.tagsOf(c.ref, tags),
    whatISee: () => mine.map((a) => catalog.explain(c.ref, a.name, tags)),
  }));
  const history = (args: Paged) => ({ ...page(catalog.history(asset.ref, asOf), args.first, args.after), complete: true });
  if (visibility === "discoverable") return { ...asset, visibility, parent: null, source: "", location: "", title: "", description: "", says: [], owners, ownersSaid, labels: [], definition: "", unread: "", columns: [], tags: [], statement: null, views: [], lastSeen: null, mayTag: false, mayDescribe: false, history: { edges: [], pageInfo: { hasNextPage: false }, complete: true } };
  const views = published.filter((p) => p.endsWith(` ${asset.ref}`)).map((p) => p.split(" ")[0]!).map((audience) => ({ audience, ref: viewRef(audience, asset.ref) }));
  return { ...asset, visibility, title: word("title"), description: word("description"), says: said, owners, ownersSaid, columns, views, tags: catalog.tagsOf(asset.ref, tags), lastSeen: catalog.events[0]!.at, mayTag: !asOf && catalog.owns(person), mayDescribe: !asOf && catalog.owns(person), history };
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
  me: (_: object, { person, catalog }: Context) => ({ ...person, breakGlass: catalog.glass.get(person.id) ?? null, audiences: catalog.audiencesOf(person), head: catalog.head }),
  standing: (_: object, { catalog, asOf }: Context) => {
    const seen = catalog.seen(asOf);
    return { revision: seen.revision, at: seen.at, newest: seen.revision === catalog.head, head: catalog.head, since: 42, sinceAt: catalog.seen(42).at, forgottenAt: null };
  },
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
  explain: ({ column, audience }: { column: string; audience?: string | null }, { catalog, asOf }: Context) => {
    if (catalog.column(column).column.dataType === "RECORD") throw new Refusal("NOT_FOUND", "not found, or not yours to know of");
    return audiences.filter((a) => !audience || a.name === audience).map((a) => catalog.explain(column, a.name, asOf ? catalog.seen(asOf).tags : catalog.tags));
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
    return { ok: true, events: catalog.events.length, checkpoints: 1, broken: null, reason: "" };
  },
  auditSigning: (_: object, { catalog, person }: Context) => {
    catalog.allow(person, "audit");
    return { key: "cadastre/halden+1a2b3c4d+AbCd", problem: "", checkpoint: { size: 1, at: catalog.events[0]!.at, note: "cadastre/halden\n1\nq1w2e3r4\n\n— cadastre/halden GisoTQ==\n" } };
  },
  sources: (_: object, { catalog }: Context) => [
    { name: "warehouse", platform: "bigquery", assets: catalog.assets.filter((a) => a.source === "warehouse").length, crawledAt: catalog.events[0]!.at, schedule: "@hourly", nextCrawlAt: new Date(Date.parse(catalog.events[0]!.at) + 3_600_000).toISOString(), problems: [], held: null },
    { name: "registry", platform: "registry", assets: 3, crawledAt: catalog.events[0]!.at, schedule: null, nextCrawlAt: null, problems: ["subject payments-value at http://registry.halden.example: field iban has no type; mend the schema there and crawl again", ...(catalog.held ? [`source registry would remove ${catalog.held.total} assets; allow it with \`cadastre crawl registry --remove ${catalog.held.hash}\``] : [])], held: catalog.held },
    ...catalog.tokens.flatMap((k) => k.sources).map((name) => ({ name, platform: "push", assets: 0, crawledAt: null, schedule: null, nextCrawlAt: null, problems: [], held: null })),
  ],
  runs: ({ source, first }: { source: string; first: number }, { catalog, person }: Context) => {
    catalog.allow(person, "crawl");
    return catalog.runs.filter((r) => r.source === source).slice(0, size(first));
  },
  undoPreview: ({ run }: { run: number }, { catalog, person }: Context) => catalog.undoPreview(person, run),
  tokens: (_: object, { catalog, person }: Context) => {
    catalog.allow(person, "administer");
    return [...catalog.tokens].reverse();
  },
  activity: (_: object, { catalog }: Context) => {
    catalog.activity = catalog.activity.map((a) => (a.state === "retrying" || a.state === "failed" ? a : { ...a, state: "running", done: a.done + 4, startedAt: catalog.time(), attempt: 1 })).filter((a) => a.state !== "running" || a.done < a.total);
    return catalog.activity;
  },
};

const mutations = {
  annotate: ({ input }: { input: { ref: string; attribute: string; value: string; was: string }[] }, { catalog, person }: Context) => {
    catalog.annotate(person, input);
    return { assets: [], revision: catalog.head };
  },
  own: ({ input }: { input: { ref: string; role: string; principals: string[]; was: string[] }[] }, { catalog, person }: Context) => {
    catalog.own(person, input);
    return { assets: [], revision: catalog.head };
  },
  undoRun: ({ run, keepLater }: { run: number; keepLater?: boolean | null }, { catalog, person }: Context) => catalog.undoRun(person, run, keepLater === true),
  tag: ({ input }: { input: { ref: string; label: string; state: string }[] }, { catalog, person }: Context) => ({ tags: catalog.tag(person, input), revision: catalog.head }),
  plan: ({ audiences: names }: { audiences?: string[] | null }, { catalog, person }: Context) => makePlan(catalog, person, names),
  approve: ({ id }: { id: string }, { catalog, person }: Context) => approve(catalog, person, id),
  apply: ({ id }: { id: string }, { catalog, person }: Context) => apply(catalog, person, id),
  undo: ({ id }: { id: string }, { catalog, person }: Context) => undo(catalog, person, id),
  breakGlass: ({ reason }: { reason: string }, { catalog, person }: Context) => {
    catalog.allow(person, "break_glass");
    if (reason.trim() === "") throw new Refusal("INVALID", "say why, in 1 to 500 characters");
    catalog.glass.set(person.id, { until: new Date(Date.now() + 30 * 60_000).toISOString(), reason });
    catalog.log(person.id, "break_glass", "night", [{ key: "reason", value: reason }]);
    return queries.me({}, { catalog, person });
  },
  endBreakGlass: (_: object, { catalog, person }: Context) => {
    if (catalog.glass.delete(person.id)) catalog.log(person.id, "break_glass_end", "night");
    return queries.me({}, { catalog, person });
  },
  crawl: ({ source, remove }: { source: string; remove?: string | null }, { catalog, person }: Context) => {
    catalog.allow(person, "crawl");
    if (remove && remove !== catalog.held?.hash) throw new Refusal("CONFLICT", "another is held back by now; look at that");
    if (remove) {
      catalog.log(person.id, "allow_removal", source);
      catalog.held = null;
    }
    catalog.activity.push({ kind: "crawl", subject: source, state: "waiting", done: 0, total: 12, attempt: 0, attempts: 5, startedAt: null, nextAt: null, endedAt: null, error: "" });
    catalog.log(person.id, "crawl", source);
    return queries.sources({}, { catalog, person }).find((s) => s.name === source);
  },
  createToken: ({ name, sources, days }: { name: string; sources: string[]; days: number }, { catalog, person }: Context) => {
    catalog.allow(person, "administer");
    if (!/^[a-z0-9_-]+$/.test(name)) throw new Refusal("INVALID", `token: name "${name}" is not a word of a-z, 0-9, _ and -`);
    const token = { id: `t${catalog.tokens.length + 1}`, name, sources, createdBy: person.id, createdAt: catalog.time(), expiresAt: new Date(Date.now() + days * 86_400_000).toISOString(), revokedAt: null, lastUsedAt: null };
    catalog.tokens.push(token);
    return { token, secret: `cdst_made-up-${token.id}` };
  },
  revokeToken: ({ id }: { id: string }, { catalog, person }: Context) => {
    catalog.allow(person, "administer");
    const token = catalog.tokens.find((k) => k.id === id);
    if (!token) throw new Refusal("NOT_FOUND", "token: not found");
    token.revokedAt = catalog.time();
    return token;
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
    let asOf: number | undefined;
    try {
      asOf = asOfIn(parse(body.query ?? ""), this.catalog);
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      return { status: 200, body: { data: null, errors: [new GraphQLError(refusal.message, { extensions: refusal.extensions })] } };
    }
    const result = await graphql({ schema: this.schema, source: body.query ?? "", variableValues: body.variables, rootValue: { ...queries, ...mutations, plan: body.query?.trimStart().startsWith("mutation") ? mutations.plan : queries.plan }, contextValue: { person, catalog: this.catalog, asOf } });
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
