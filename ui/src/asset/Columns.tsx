/** The columns as a tree of which only the rows in sight are drawn. */
import { getRouteApi } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useMemo, useRef, useState, type KeyboardEvent } from "react";
import { useMe } from "../api/session";
import { layTree } from "../lib/tree";
import { useMedia } from "../lib/media";
import { text } from "../text";
import type { Asset } from "./AssetPage";
import { ColumnDetails } from "./ColumnDetails";
import { ColumnRow } from "./ColumnRow";
import { Selection } from "./Selection";

const route = getRouteApi("/asset");

export type Column = Asset["columns"][number];

export function Columns({ asset }: { asset: Asset }) {
  const { column: open, find = "" } = route.useSearch();
  const navigate = route.useNavigate();
  const me = useMe();
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set());
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const rows = useMemo(() => layTree(asset.columns, folded, find), [asset.columns, folded, find]);
  const opened = asset.columns.find((c) => c.path === open);
  const show = (path: string | undefined) => void navigate({ search: (was) => ({ ...was, column: path }) as never, replace: true, resetScroll: false });
  const matching = rows.filter((r) => find === "" || r.item.path.toLowerCase().includes(find.toLowerCase())).length;
  return (
    <div className={`grid grid-cols-1 items-start gap-5 ${opened ? "xl:grid-cols-[minmax(0,1fr)_24rem]" : ""}`}>
      <section aria-label={text.asset.tabs.columns} className="min-w-0">
        <div className="mb-2 flex flex-wrap items-center gap-3">
          <input data-search type="search" value={find} aria-label={text.asset.find} placeholder={text.asset.find} onChange={(e) => void navigate({ search: (was) => ({ ...was, find: e.target.value || undefined }) as never, replace: true, resetScroll: false })} className="field w-64 max-w-full" />
          <span role="status" className="text-muted">{text.asset.shown(find === "" ? asset.columns.length : matching, asset.columns.length)}</span>
        </div>
        {me.audiences.length === 0 && <p className="mb-2 text-muted">{text.asset.noAudience}</p>}
        {chosen.size > 0 && <Selection asset={asset} chosen={chosen} done={() => setChosen(new Set())} />}
        {rows.length === 0 ? (
          <p className="card px-4 py-6 text-center text-muted">{text.asset.findNone(find)}</p>
        ) : (
          <Tree rows={rows} total={asset.columns.length} find={find} open={open} chosen={chosen} selectable={asset.mayTag} sees={me.audiences.length > 0} show={show} fold={(path) => setFolded(toggled(folded, path))} choose={(path) => setChosen(toggled(chosen, path))} />
        )}
      </section>
      {opened && <ColumnDetails key={opened.ref} column={opened} leaf={!holdsOthers(opened.path, asset.columns)} close={() => show(undefined)} />}
    </div>
  );
}

/** Whether a column is a record; what views show is decided for its leaves. */
function holdsOthers(path: string, columns: readonly Column[]): boolean {
  return columns.some((c) => c.path.startsWith(`${path}.`) || c.path.startsWith(`${path}[].`));
}

function toggled(set: ReadonlySet<string>, value: string): ReadonlySet<string> {
  const next = new Set(set);
  if (!next.delete(value)) next.add(value);
  return next;
}

interface TreeProps {
  rows: ReturnType<typeof layTree<Column>>;
  total: number;
  find: string;
  open: string | undefined;
  chosen: ReadonlySet<string>;
  selectable: boolean;
  /** Whether views show the person anything. */
  sees: boolean;
  show: (path: string) => void;
  fold: (path: string) => void;
  choose: (path: string) => void;
}

function Tree({ rows, total, find, open, chosen, selectable, sees, show, fold, choose }: TreeProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const wide = useMedia("(min-width: 48rem)");
  const start = Math.max(rows.findIndex((r) => r.item.path === open), 0);
  const [active, setActive] = useState(start);
  const height = wide ? 38 : 64;
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => scroller.current, estimateSize: () => height, overscan: 12, initialOffset: Math.max(start - 4, 0) * height, initialRect: { width: 1000, height: 600 } });
  const move = (to: number) => {
    const next = Math.min(Math.max(to, 0), rows.length - 1);
    setActive(next);
    virtual.scrollToIndex(next);
    requestAnimationFrame(() => scroller.current?.querySelector<HTMLElement>(`[data-row="${next}"]`)?.focus());
  };
  const press = (event: KeyboardEvent) => {
    const row = rows[active];
    if (!row || (event.target as HTMLElement).getAttribute("role") !== "row") return;
    const acts: Record<string, () => void> = {
      ArrowDown: () => move(active + 1),
      ArrowUp: () => move(active - 1),
      Home: () => move(0),
      End: () => move(rows.length - 1),
      PageDown: () => move(active + 12),
      PageUp: () => move(active - 12),
      ArrowLeft: () => row.below > 0 && !row.folded && fold(row.item.path),
      ArrowRight: () => row.folded && fold(row.item.path),
      Enter: () => show(row.item.path),
      " ": () => selectable && choose(row.item.path),
    };
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  };
  return (
    <div role="treegrid" aria-label={text.asset.tabs.columns} aria-rowcount={total + 1} data-sees={sees ? undefined : "nothing"} className="card overflow-hidden" onKeyDown={press}>
      <div role="row" aria-rowindex={1} className="columns-grid hidden border-b border-line bg-page px-3 py-1.5 text-[0.86rem] text-muted md:grid">
        <span role="columnheader">{text.asset.head.column}</span>
        <span role="columnheader">{text.asset.head.type}</span>
        <span role="columnheader">{text.asset.head.tags}</span>
        {sees && <span role="columnheader">{text.asset.head.see}</span>}
      </div>
      <div role="rowgroup" ref={scroller} className="overflow-y-auto" style={{ maxHeight: "min(70dvh, 48rem)", height: rows.length * height }}>
        <div role="presentation" className="relative" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map(({ index, start: top }) => {
            const row = rows[index]!;
            return <ColumnRow key={row.item.path} row={row} index={index} top={top} height={height} find={find} isOpen={row.item.path === open} isActive={index === active} isChosen={chosen.has(row.item.path)} selectable={selectable} sees={sees} show={() => { setActive(index); show(row.item.path); }} fold={() => fold(row.item.path)} choose={() => choose(row.item.path)} />;
          })}
        </div>
      </div>
    </div>
  );
}
