/** The last runs of a source, and the way to take one back. */
import { useState } from "react";
import { useClient, useMutation, useQuery } from "urql";
import { failure } from "../api/tagging";
import { RunsDocument, UndoPreviewDocument, UndoRunDocument, type ChangesPartsFragment, type RunsQuery, type UndoPreviewQuery } from "../gql/graphql";
import { Badge, Button, Problem, Time, Waiting } from "../parts/base";
import { useNotice } from "../parts/notice";
import { RefLink } from "../parts/refs";
import { text } from "../text";

export function Runs({ source, undone }: { source: string; undone: () => void }) {
  const [open, setOpen] = useState(false);
  return (
    <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="w-fit cursor-pointer rounded px-1 text-muted hover:bg-sunken">{text.sources.runs}</summary>
      {open && <RunList source={source} undone={undone} />}
    </details>
  );
}

type Run = RunsQuery["runs"][number];

function RunList({ source, undone }: { source: string; undone: () => void }) {
  const [{ data, error }, again] = useQuery({ query: RunsDocument, variables: { source, first: 10 }, requestPolicy: "cache-and-network" });
  if (error && !data) return <Problem error={error} again={() => again({ requestPolicy: "network-only" })} />;
  if (!data) return <Waiting lines={2} />;
  if (data.runs.length === 0) return <p className="mt-2 text-muted">{text.sources.runsNone}</p>;
  return (
    <ul aria-label={text.sources.runs} className="mt-2 divide-y divide-line border-y border-line">
      {data.runs.map((run) => (
        <RunRow key={run.revision} run={run} undone={() => { again({ requestPolicy: "network-only" }); undone(); }} />
      ))}
    </ul>
  );
}

const inWords = (changes: readonly ChangesPartsFragment[]): string => changes.map((c) => text.sources.change(c.what, c.began, c.changed, c.ended)).join(", ");

function RunRow({ run, undone }: { run: Run; undone: () => void }) {
  const client = useClient();
  const notice = useNotice();
  const [asked, setAsked] = useState<UndoPreviewQuery["undoPreview"] | null>(null);
  const ask = async () => {
    const { data, error } = await client.query(UndoPreviewDocument, { run: run.revision }, { requestPolicy: "network-only" }).toPromise();
    if (error) notice({ text: failure(error), tone: "bad" });
    else setAsked(data?.undoPreview ?? null);
  };
  return (
    <li className="flex flex-col gap-1 py-2">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <span className="font-medium">{text.sources.run(run.revision)}</span>
        <Time at={run.at} />
        {run.undid && <Badge tone="info">{text.sources.undid(run.undid)}</Badge>}
        {run.undid && <span className="text-muted">{text.sources.by(run.actor)}</span>}
        {run.undoneBy && <Badge tone="warn">{text.sources.undoneBy(run.undoneBy)}</Badge>}
        {!run.undoneBy && !asked && <Button small look="quiet" className="ml-auto" aria-label={text.sources.undoOf(run.revision)} onClick={() => void ask()}>{text.sources.undo}</Button>}
      </div>
      <p className="text-[0.9rem] text-muted">{inWords(run.changes)}</p>
      {asked && <Ask would={asked} leave={() => setAsked(null)} undone={undone} />}
    </li>
  );
}

/** What undoing would change, asked once and plainly. */
function Ask({ would, leave, undone }: { would: UndoPreviewQuery["undoPreview"]; leave: () => void; undone: () => void }) {
  const [{ fetching }, undo] = useMutation(UndoRunDocument);
  const notice = useNotice();
  const go = async () => {
    const { error } = await undo({ run: would.run, keepLater: would.laterTotal > 0 });
    if (error) {
      notice({ text: failure(error), tone: "bad" });
      return;
    }
    notice({ text: text.sources.undone(would.run) });
    leave();
    undone();
  };
  return (
    <div role="group" aria-label={text.sources.undoOf(would.run)} className="mt-1 flex flex-col gap-2 rounded-lg border border-warn bg-warn-soft px-3 py-2" onKeyDown={(event) => { if (event.key === "Escape") leave(); }}>
      <p>{text.sources.undoLead(inWords(would.changes))}</p>
      {would.laterTotal > 0 && (
        <div>
          <p>{text.sources.later(would.laterTotal)}</p>
          <ul className="ml-4 list-disc">
            {would.later.map((ref) => <li key={ref}><RefLink refTo={ref} /></li>)}
          </ul>
        </div>
      )}
      <p className="text-[0.9rem]">{text.sources.undoFollows}</p>
      <div className="flex flex-wrap gap-2">
        {would.changes.length > 0 && <Button autoFocus small look="danger" disabled={fetching} onClick={() => void go()}>{would.laterTotal > 0 ? text.sources.undoRest : text.sources.undoYes}</Button>}
        <Button small look="quiet" onClick={leave}>{text.sources.undoNo}</Button>
      </div>
    </div>
  );
}
