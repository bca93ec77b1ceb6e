/** The audit log, newest first, narrowed by who, what and on what. */
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { useQuery } from "urql";
import { AuditLogDocument, type AuditFilter, type AuditLogQuery } from "../gql/graphql";
import { parseRef, shortHash } from "../lib/ref";
import { Button, Empty, Problem, Time, Waiting, type Tone } from "../parts/base";
import { Why } from "../parts/why";
import { text } from "../text";

const route = getRouteApi("/audit");
const pageSize = 50;
const actionTones: Record<string, Tone> = { refused: "bad", tag: "warn", apply: "ok", approve: "accent", plan: "info", undo: "bad", denied_read: "bad", break_glass: "bad", break_glass_read: "bad", break_glass_end: "warn", export: "warn", audit_key: "warn", checkpoint: "ok" };
const actions = ["commit", "tag", "describe", "own", "plan", "approve", "apply", "step", "undo", "undo_run", "crawl", "decide", "hold_removal", "allow_removal", "create_token", "revoke_token", "sign_in", "sign_out", "read", "export", "refused", "denied_read", "break_glass", "break_glass_read", "break_glass_end", "checkpoint", "audit_key"];

type LogEvent = AuditLogQuery["audit"]["edges"][number]["node"];

export function Log() {
  const { actor, action, object } = route.useSearch();
  const filter: AuditFilter = { ...(actor ? { actor } : {}), ...(action ? { action } : {}), ...(object ? { object } : {}) };
  const narrowed = Object.keys(filter).length > 0;
  return (
    <>
      <Filters narrowed={narrowed} />
      <Page key={JSON.stringify(filter)} filter={narrowed ? filter : null} narrowed={narrowed} />
    </>
  );
}

function Filters({ narrowed }: { narrowed: boolean }) {
  const at = route.useSearch();
  const navigate = route.useNavigate();
  const set = (key: "actor" | "action" | "object", value: string) => void navigate({ search: (was) => ({ ...was, [key]: value || undefined }), replace: true, resetScroll: false });
  const field = (key: "actor" | "object", label: string) => (
    <input key={`${key} ${at[key] ?? ""}`} defaultValue={at[key] ?? ""} aria-label={label} placeholder={label} onKeyDown={(e) => { if (e.key === "Enter") set(key, e.currentTarget.value.trim()); }} onBlur={(e) => { if (e.currentTarget.value.trim() !== (at[key] ?? "")) set(key, e.currentTarget.value.trim()); }} className="field min-w-0 flex-1 basis-48" />
  );
  return (
    <div className="mb-3 flex flex-wrap gap-2">
      {field("actor", text.audit.filter.actor)}
      <select value={at.action ?? ""} aria-label={text.audit.filter.action} onChange={(e) => set("action", e.target.value)} className="field">
        <option value="">{text.audit.filter.any}</option>
        {actions.map((a) => (
          <option key={a}>{a}</option>
        ))}
      </select>
      {field("object", text.audit.filter.object)}
      {narrowed && <Button look="quiet" onClick={() => void navigate({ search: { tab: "log" } })}>{text.search.clear}</Button>}
    </div>
  );
}

function Page({ filter, narrowed, after }: { filter: AuditFilter | null; narrowed: boolean; after?: string }) {
  const [next, setNext] = useState(false);
  const [{ data, error }, again] = useQuery({ query: AuditLogDocument, variables: { filter, first: pageSize, after: after ?? null }, requestPolicy: "cache-and-network" });
  if (error && !data) return <Problem error={error} again={() => again({ requestPolicy: "network-only" })} />;
  if (!data) return <Waiting />;
  const { edges, pageInfo } = data.audit;
  if (edges.length === 0 && !after) return <Empty title={text.audit.none.title} lead={narrowed ? text.audit.none.narrowed : text.audit.none.lead} />;
  return (
    <>
      <ol className={`card divide-y divide-line ${after ? "mt-3" : ""}`} aria-label={text.audit.log}>
        {edges.map(({ node }) => (
          <Line key={node.seq} event={node} />
        ))}
      </ol>
      {pageInfo.hasNextPage && !next && (
        <p className="mt-3 text-center">
          <Button onClick={() => setNext(true)}>{text.search.more}</Button>
        </p>
      )}
      {next && <Page filter={filter} narrowed={narrowed} after={pageInfo.endCursor ?? ""} />}
    </>
  );
}

function Line({ event }: { event: LogEvent }) {
  const { name, path } = parseRef(event.object);
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-0.5 px-4 py-2">
      <span className="w-9 text-right text-muted tabular-nums">{event.seq}</span>
      <Why tone={actionTones[event.action] ?? "plain"} label={`${text.audit.event} ${event.seq}: ${event.action}`} badge={event.action}>
        <Detail event={event} />
      </Why>
      <span className="font-medium [overflow-wrap:anywhere]">{event.actor}</span>
      <span className="min-w-0 truncate text-muted" title={event.object}>
        {shortHash(name)}
        {path && <code className="font-mono">{` ${path}`}</code>}
      </span>
      {event.detail.length > 0 && <span className="min-w-0 truncate text-[0.9rem] text-muted max-lg:hidden">{event.detail.filter((d) => d.value !== "").map((d) => `${d.key} ${shortHash(d.value)}`).join(", ")}</span>}
      <span className="ml-auto text-[0.9rem] text-muted"><Time at={event.at} /></span>
    </li>
  );
}

function Detail({ event }: { event: LogEvent }) {
  const rows: [string, string][] = [
    [text.audit.object, event.object],
    ...(event.revision > 0 ? ([[text.audit.revision, String(event.revision)]] as [string, string][]) : []),
    ...event.detail.map((d): [string, string] => [d.key, d.value]),
    [text.audit.hash, event.hash],
  ];
  return (
    <dl className="flex flex-col gap-1.5 text-[0.93rem]">
      {rows.map(([key, value]) => (
        <div key={key}>
          <dt className="text-muted">{key}</dt>
          <dd className="font-mono text-[0.93em] [overflow-wrap:anywhere]">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
