/** Which moment of the catalog is looked at, and the client that asks of it. */
import { createContext, useContext } from "react";
import { makeErrorResult, makeOperation, type AnyVariables, type Client, type Exchange, type Operation, type TypedDocumentNode } from "urql";
import { filter, map, merge, pipe } from "wonka";
import type { Moment } from "../lib/moment";
import { text } from "../text";

/** The client of a moment as the URL names it; each has a cache of its own. */
export const Clients = createContext<((asOf: string | undefined) => Client) | null>(null);

/** The moment that the page looks at; undefined is now. */
export const AsOf = createContext<string | undefined>(undefined);

export function useAsOf(): string | undefined {
  return useContext(AsOf);
}

/** What is configured or signed in now has no past: it is asked of now. */
const ofNow = new Set(["Me", "Audiences", "Vocabulary"]);

type Document = TypedDocumentNode<unknown, AnyVariables>;

function isOfNow(document: Document): boolean {
  return document.definitions.some((d) => d.kind === "OperationDefinition" && ofNow.has(d.name?.value ?? ""));
}

/** The document with the moment on its operation. */
export function pinned(document: Document, moment: Moment): Document {
  const [name, value] = "revision" in moment ? (["revision", { kind: "IntValue", value: String(moment.revision) }] as const) : (["time", { kind: "StringValue", value: moment.time }] as const);
  const directive = { kind: "Directive", name: { kind: "Name", value: "asOf" }, arguments: [{ kind: "Argument", name: { kind: "Name", value: name }, value }] };
  const definitions = document.definitions.map((d) => (d.kind === "OperationDefinition" ? { ...d, directives: [...(d.directives ?? []), directive] } : d));
  return { kind: document.kind, definitions } as unknown as Document;
}

/** Asks every query as of the moment. What was cannot be written: mutations fail here. */
export function asOfExchange(moment: Moment): Exchange {
  const known = new WeakMap<object, Document>();
  const pin = (operation: Operation): Operation => {
    if (operation.kind !== "query" || isOfNow(operation.query)) return operation;
    const query = known.get(operation.query) ?? pinned(operation.query, moment);
    known.set(operation.query, query);
    return makeOperation(operation.kind, { ...operation, query }, operation.context);
  };
  return ({ forward }) =>
    (operations) =>
      merge([
        pipe(operations, filter((o) => o.kind !== "mutation"), map(pin), forward),
        pipe(operations, filter((o) => o.kind === "mutation"), map((o) => makeErrorResult(o, new Error(text.time.readOnly)))),
      ]);
}
