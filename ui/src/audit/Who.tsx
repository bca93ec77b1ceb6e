/** Who can or could see a column: now, at a revision, or at a time. */
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { useQuery } from "urql";
import { WhoCouldSeeDocument, type WhoCouldSeeQuery } from "../gql/graphql";
import { fieldOf, instantOf } from "../lib/time";
import { principalName } from "../lib/ref";
import { Badge, Button, Empty, Problem, Time, Waiting } from "../parts/base";
import { RefField } from "../parts/RefField";
import { RefLink } from "../parts/refs";
import { text } from "../text";

const route = getRouteApi("/audit");

type Answer = WhoCouldSeeQuery["whoCouldSee"];

export function Who() {
  const { column, revision, at } = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <>
      <div className="card mb-4 flex flex-col gap-3 p-4">
        <RefField label={text.audit.column} placeholder={text.refField.column} columnsOnly choose={(ref) => void navigate({ search: (was) => ({ ...was, tab: "who", column: ref }) })} />
        {column && <p>{`${text.audit.column}: `}<RefLink refTo={column} /></p>}
        <When key={`${revision} ${at}`} />
      </div>
      {column ? <Answered key={`${column} ${revision} ${at}`} column={column} revision={revision ?? null} at={at ?? null} /> : <Empty title={text.audit.whoNone.title} lead={text.audit.whoNone.lead} />}
    </>
  );
}

function When() {
  const { revision, at } = route.useSearch();
  const navigate = route.useNavigate();
  const [number, setNumber] = useState(revision ? String(revision) : "");
  const [time, setTime] = useState(at ? fieldOf(at) : "");
  const set = (next: { revision?: number; at?: string }) => void navigate({ search: ({ revision: _r, at: _a, ...was }) => ({ ...was, tab: "who", ...next }) });
  const ask = () => {
    const instant = instantOf(time);
    if (number.trim() !== "") set({ revision: Number(number) });
    else set(instant ? { at: instant } : {});
  };
  return (
    <form className="flex flex-wrap items-end gap-3" onSubmit={(event) => { event.preventDefault(); ask(); }}>
      <label className="flex flex-col gap-1 text-[0.9rem] text-muted">
        {text.audit.atRevision}
        <input type="number" min={1} value={number} onChange={(e) => { setNumber(e.target.value); setTime(""); }} className="field w-36 text-ink" />
      </label>
      <label className="flex flex-col gap-1 text-[0.9rem] text-muted">
        {text.audit.atTime}
        <input type="datetime-local" value={time} onChange={(e) => { setTime(e.target.value); setNumber(""); }} className="field text-ink" />
      </label>
      <Button type="submit" look="primary">{text.audit.ask}</Button>
      {(revision || at) && <Button look="quiet" onClick={() => set({})}>{text.audit.now}</Button>}
    </form>
  );
}

function Answered({ column, revision, at }: { column: string; revision: number | null; at: string | null }) {
  const [{ data, error }, again] = useQuery({ query: WhoCouldSeeDocument, variables: { column, revision, at }, requestPolicy: "network-only" });
  if (error && !data) return <Problem error={error} again={() => again({ requestPolicy: "network-only" })} />;
  if (!data) return <Waiting lines={4} />;
  return <Ways answer={data.whoCouldSee} />;
}

function Ways({ answer }: { answer: Answer }) {
  const clear = answer.ways.filter((w) => w.form === "clear").length;
  return (
    <section aria-label={text.audit.who}>
      <p role="status" className="mb-2">
        <strong>{text.audit.ways(answer.ways.length, clear)}</strong>
        <span className="text-muted">{` ${text.shell.revision(answer.revision)}, `}<Time at={answer.at} /></span>
      </p>
      {answer.reasons.length > 0 && (
        <div role="note" className="mb-3 rounded-[10px] border border-warn bg-warn-soft px-4 py-2.5">
          <p className="font-semibold text-warn">{text.audit.mayLack}</p>
          <ul>{answer.reasons.map((reason) => <li key={reason}>{reason}</li>)}</ul>
        </div>
      )}
      {answer.ways.length > 0 && (
        <ul className="card divide-y divide-line">
          {answer.ways.map((way) => (
            <li key={way.principal + way.through + way.form + way.since} className="flex flex-wrap items-start gap-x-4 gap-y-1 px-4 py-2.5">
              <Badge tone={way.form === "clear" ? "warn" : "accent"}>{way.form === "clear" ? way.form : `${way.form} · ${way.method}`}</Badge>
              <div className="min-w-0 flex-1 basis-72">
                <p className="font-medium [overflow-wrap:anywhere]" title={way.principal}>{principalName(way.principal)}{way.audience && <span className="font-normal text-muted">{` ${text.audit.audience(way.audience)}`}</span>}</p>
                <p className="text-muted">{way.why}</p>
              </div>
              <p className="text-[0.9rem] text-muted">{`${text.audit.through} `}<RefLink refTo={way.through} />{`, ${text.audit.since(way.since)}`}</p>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
