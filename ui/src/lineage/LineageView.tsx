/** Lineage as a graph or a list, with what is missing said first. */
import { TriangleAlert } from "lucide-react";
import { lazy, Suspense } from "react";
import type { Direction } from "../gql/graphql";
import { useMedia } from "../lib/media";
import { Button, Empty, Problem, Waiting } from "../parts/base";
import { directions } from "../router";
import { text } from "../text";
import { EdgePanel } from "./EdgePanel";
import { LineageList } from "./LineageList";
import { useLineage } from "./useLineage";

const LineageGraph = lazy(() => import("./LineageGraph"));

export interface LineageState {
  direction?: Direction | undefined;
  columns?: true | undefined;
  open?: string[] | undefined;
  list?: true | undefined;
  edge?: string[] | undefined;
}

interface Props {
  refOf: string;
  state: LineageState;
  change: (next: LineageState) => void;
  go: (ref: string) => void;
}

export function LineageView({ refOf, state, change, go }: Props) {
  const wide = useMedia("(min-width: 48rem)");
  const open = state.open ?? [];
  const { graph, error, fetching, again } = useLineage({ ref: refOf, direction: state.direction ?? "BOTH", columns: state.columns ?? false, open });
  const asList = state.list ?? !wide;
  const chosen = graph?.edges.filter((e) => e.from === state.edge?.[0] && e.to === state.edge?.[1]) ?? [];
  const openMore = (ref: string) => change({ open: [...open, ref] });
  const choose = (from: string, to: string) => change({ edge: [from, to] });
  return (
    <section aria-label={text.lineage.title} aria-busy={fetching}>
      <Controls state={state} change={change} asList={asList} wide={wide} />
      {error && <Problem error={error} again={again} />}
      {!graph && !error && <Waiting />}
      {graph && <Incomplete reasons={graph.complete ? [] : graph.reasons} />}
      {graph && graph.edges.length === 0 && <Empty title={text.lineage.alone.title} lead={text.lineage.alone.lead} />}
      {graph && graph.edges.length > 0 && (
        <div className={`grid grid-cols-1 items-start gap-4 ${chosen.length > 0 ? "lg:grid-cols-[minmax(0,1fr)_26rem]" : ""}`}>
          {asList ? (
            <LineageList graph={graph} open={openMore} choose={choose} />
          ) : (
            <Suspense fallback={<Waiting />}>
              <LineageGraph graph={graph} chosen={state.edge} open={openMore} choose={choose} go={go} />
            </Suspense>
          )}
          {chosen.length > 0 && <EdgePanel edges={chosen} close={() => change({ edge: undefined })} />}
        </div>
      )}
    </section>
  );
}

function Controls({ state, change, asList, wide }: { state: LineageState; change: Props["change"]; asList: boolean; wide: boolean }) {
  const now = state.direction ?? "BOTH";
  return (
    <div className="mb-3 flex flex-wrap items-center gap-x-5 gap-y-2">
      <div role="group" aria-label={text.lineage.direction} className="flex">
        {directions.map((d) => (
          <button key={d} type="button" aria-pressed={d === now} onClick={() => change({ direction: d === "BOTH" ? undefined : d, open: undefined, edge: undefined })} className={`border border-line-strong px-3 py-1 first:rounded-l-[7px] last:rounded-r-[7px] not-first:-ml-px ${d === now ? "bg-accent-soft font-medium text-accent" : "bg-surface"}`}>
            {text.lineage.directions[d]}
          </button>
        ))}
      </div>
      <label className="flex items-center gap-2">
        <input type="checkbox" checked={state.columns ?? false} onChange={(e) => change({ columns: e.target.checked || undefined, open: undefined, edge: undefined })} className="accent-(--accent)" />
        {text.lineage.columns}
      </label>
      {wide && (
        <Button small onClick={() => change({ list: asList ? undefined : true })}>{asList ? text.lineage.asGraph : text.lineage.asList}</Button>
      )}
    </div>
  );
}

function Incomplete({ reasons }: { reasons: readonly string[] }) {
  if (reasons.length === 0) return null;
  return (
    <div role="note" className="mb-3 flex gap-3 rounded-[10px] border border-warn bg-warn-soft px-4 py-2.5">
      <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-warn" />
      <div>
        <p className="font-semibold text-warn">{text.lineage.incomplete}</p>
        <ul>
          {reasons.map((reason) => (
            <li key={reason} className="[overflow-wrap:anywhere]">{reason}</li>
          ))}
        </ul>
      </div>
    </div>
  );
}
