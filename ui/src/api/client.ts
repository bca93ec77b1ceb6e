/** The way to the API: one client, a cache keyed by ref, errors by code. */
import { cacheExchange, type Cache } from "@urql/exchange-graphcache";
import { Client, fetchExchange, mapExchange, type CombinedError } from "urql";
import type { Moment } from "../lib/moment";
import { asOfExchange } from "./asof";

export type Code = "NOT_FOUND" | "INVALID" | "DENIED" | "STALE" | "CONFLICT" | "UNAVAILABLE" | "INTERNAL" | "UNAUTHENTICATED" | "OFFLINE";

/** What went wrong, as the API names it; OFFLINE where no answer came. */
export function codeOf(error: CombinedError): Code {
  const code = error.graphQLErrors.map((e) => e.extensions["code"]).find((c) => typeof c === "string");
  if (code !== undefined) return code as Code;
  if ((error.response as Response | undefined)?.status === 401) return "UNAUTHENTICATED";
  return error.networkError ? "OFFLINE" : "INTERNAL";
}

/** The API's own sentence, for people. */
export function sentenceOf(error: CombinedError): string {
  return error.graphQLErrors.map((e) => e.message).join("; ");
}

/** What is asked again after a write: all but what no write changes. */
const lasting = new Set(["me", "audiences", "vocabulary", "asset"]);

function forgetReads(cache: Cache, more: readonly string[] = []): void {
  for (const field of cache.inspectFields("Query")) {
    if (!lasting.has(field.fieldName) && !more.includes(field.fieldName)) cache.invalidate("Query", field.fieldKey);
  }
}

/** A tag changes what its column is, and may spread: known columns are read again. */
function forgetColumns(cache: Cache): void {
  forgetReads(cache);
  for (const field of cache.inspectFields("Query")) {
    if (field.fieldName === "asset") cache.invalidate("Query", field.fieldKey);
  }
}

const whole = () => null;

export interface ClientConfig {
  /** Defaults to the browser's fetch. */
  fetch?: typeof fetch;
  /** Is told when the API says that nobody is signed in. */
  onSignedOut?: () => void;
  /** The moment of which all is asked. Defaults to now. */
  moment?: Moment;
}

export function makeClient({ fetch: ask, onSignedOut, moment }: ClientConfig = {}): Client {
  return new Client({
    url: "/graphql",
    preferGetMethod: false,
    ...(ask ? { fetch: ask } : {}),
    fetchOptions: { credentials: "same-origin" },
    exchanges: [
      mapExchange({
        onError: (error) => {
          if (codeOf(error) === "UNAUTHENTICATED") onSignedOut?.();
        },
      }),
      cacheExchange({
        keys: {
          Me: () => "me",
          Asset: (a) => a["ref"] as string,
          Column: (c) => c["ref"] as string,
          Audience: (a) => a["name"] as string,
          Source: (s) => s["name"] as string,
          Event: (e) => String(e["seq"]),
          Token: (k) => k["id"] as string,
          LabelTerm: (t) => t["label"] as string,
          Statement: (s) => s["id"] as string,
          ...Object.fromEntries(
            ["Activity", "AttributeChange", "AuditCheckpoint", "AuditSigning", "AnnotatePayload", "AuditVerification", "BreakGlass", "Changes", "ColumnEffect", "ColumnHit", "EventConnection", "EventEdge", "Explanation", "Facet", "FacetValue", "Finding", "History", "HistoryChange", "HistoryEdge", "HistoryEntry", "HeldRemoval", "HeldScope", "Label", "Lineage", "LineageEdge", "LineageNode", "NewToken", "Owner", "OwnerSaid", "PageInfo", "PlanConnection", "PlanEdge", "Provenance", "PublishedView", "Rule", "Run", "Said", "SearchEdge", "SearchResult", "Span", "Standing", "Step", "Tag", "TagConnection", "TagEdge", "TagPayload", "UndoRun", "Way", "WhoCouldSee"].map((name) => [name, whole]),
          ),
        },
        updates: {
          Mutation: {
            tag: (_result, _args, cache) => forgetColumns(cache),
            annotate: (_result, _args, cache) => forgetColumns(cache),
            own: (_result, _args, cache) => forgetColumns(cache),
            undoRun: (_result, _args, cache) => forgetColumns(cache),
            plan: (_result, _args, cache) => forgetReads(cache),
            approve: (_result, _args, cache) => forgetReads(cache, ["plan", "plans"]),
            apply: (_result, _args, cache) => forgetReads(cache, ["plan", "plans"]),
            undo: (_result, _args, cache) => forgetReads(cache, ["plan", "plans"]),
            breakGlass: (_result, _args, cache) => forgetColumns(cache),
            endBreakGlass: (_result, _args, cache) => forgetColumns(cache),
            crawl: (_result, _args, cache) => forgetReads(cache, ["search"]),
            createToken: (_result, _args, cache) => forgetReads(cache, ["tokens", "sources"]),
          },
        },
      }),
      ...(moment ? [asOfExchange(moment)] : []),
      fetchExchange,
    ],
  });
}
