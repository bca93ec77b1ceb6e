/** All about one column: what witnesses say, who gets what, and what to do. */
import { Link } from "@tanstack/react-router";
import { X } from "lucide-react";
import { useContext, useState, type ReactNode } from "react";
import { useQuery } from "urql";
import { useReadAgainAfterWrites } from "../api/again";
import { useMay } from "../api/session";
import { useTagging } from "../api/tagging";
import { AudiencesDocument, ExplainDocument } from "../gql/graphql";
import { Button, Problem, Waiting } from "../parts/base";
import { LabelChoice } from "../parts/labels";
import { SaidText } from "../parts/said";
import { bySpeaker, EffectBadge, MayTag, TagStory } from "../parts/tags";
import { text } from "../text";
import { typeOf } from "./ColumnRow";
import type { Column } from "./Columns";

export function ColumnDetails({ column, leaf, close }: { column: Column; leaf: boolean; close: () => void }) {
  const mayAudit = useMay("audit");
  const mayTag = useContext(MayTag);
  return (
    <aside aria-label={column.path} className="card top-6 flex max-xl:order-first flex-col gap-5 p-4 xl:sticky xl:max-h-[calc(100dvh-3rem)] xl:overflow-y-auto">
      <header>
        <div className="flex items-start justify-between gap-2">
          <h2 className="font-mono font-semibold [overflow-wrap:anywhere]">{column.path}</h2>
          <button type="button" aria-label={text.column.close} onClick={close} className="rounded p-0.5 text-muted hover:bg-sunken">
            <X aria-hidden className="size-4" />
          </button>
        </div>
        <p className="text-muted">{`${typeOf(column)}, ${text.column.mode[column.mode] ?? column.mode}`}</p>
        <div className="mt-1">
          <SaidText of={column.ref} attribute="description" says={column.says}>
            <span className="whitespace-pre-line [overflow-wrap:anywhere]">{column.description}</span>
          </SaidText>
        </div>
      </header>
      <Part title={text.column.tags}>
        {column.tags.length === 0 && <p className="text-muted">{text.asset.assessmentWhy[column.assessment]}</p>}
        <ul className="flex flex-col gap-3">
          {bySpeaker(column.tags).map((tag) => (
            <li key={tag.label + tag.provenance.kind} className="rounded-lg border border-line p-3">
              <TagStory tag={tag} among={column.tags} />
            </li>
          ))}
        </ul>
        {mayTag && <AddTag column={column} />}
      </Part>
      <Part title={text.column.gets}>{leaf ? <WhoGetsWhat column={column.ref} /> : <p className="text-muted">{text.column.record}</p>}</Part>
      <nav className="flex flex-col gap-1">
        <Link to="/lineage" search={{ ref: column.ref, columns: true }} className="link">{text.column.lineage}</Link>
        {mayAudit && <Link to="/audit" search={{ tab: "who", column: column.ref }} className="link">{text.column.who}</Link>}
      </nav>
    </aside>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="flex flex-col gap-2">
      <h3 className="text-[0.9rem] font-semibold text-muted">{title}</h3>
      {children}
    </section>
  );
}

function AddTag({ column }: { column: Column }) {
  const { busy, say } = useTagging();
  const [label, setLabel] = useState("");
  const [reason, setReason] = useState("");
  const add = async (what: string) => {
    if (await say([{ ref: column.ref, label: what, state: "confirmed", ...(reason ? { reason } : {}) }])) {
      setLabel("");
      setReason("");
    }
  };
  return (
    <form className="mt-1 flex flex-col gap-2" onSubmit={(event) => { event.preventDefault(); if (label !== "") void add(label); }}>
      <LabelChoice value={label} choose={setLabel} />
      {label !== "" && <input value={reason} onChange={(event) => setReason(event.target.value)} aria-label={text.column.reason} placeholder={text.column.reason} className="field" />}
      <div className="flex gap-2">
        <Button type="submit" small disabled={busy || label === ""}>{text.column.add}</Button>
        {column.assessment === "untouched" && <Button small disabled={busy} onClick={() => void add("none")}>{text.asset.nothingPersonal}</Button>}
      </div>
    </form>
  );
}

/** Every audience and what its views show of a column. */
export function WhoGetsWhat({ column }: { column: string }) {
  const [{ data, error }, again] = useQuery({ query: ExplainDocument, variables: { column } });
  useReadAgainAfterWrites(again);
  const [{ data: known }] = useQuery({ query: AudiencesDocument });
  if (error && !data) return <Problem error={error} again={() => again({ requestPolicy: "network-only" })} />;
  if (!data) return <Waiting lines={2} />;
  return (
    <ul className="flex flex-col gap-2">
      {data.explain.map((given) => (
        <li key={given.audience}>
          <div className="flex flex-wrap items-center justify-between gap-2">
            <span className="font-medium">{known?.audiences.find((a) => a.name === given.audience)?.title ?? given.audience}</span>
            <EffectBadge given={given} />
          </div>
          <p className="text-[0.9rem] text-muted">
            {given.rules[0]?.why}
            {given.example && (
              <>
                {` ${text.effect.example}: `}
                <code className="rounded bg-sunken px-1 font-mono text-ink [overflow-wrap:anywhere]">{given.example}</code>
              </>
            )}
          </p>
        </li>
      ))}
    </ul>
  );
}
