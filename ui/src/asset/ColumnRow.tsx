/** One line of the column tree. */
import { ChevronDown, ChevronRight, ShieldCheck } from "lucide-react";
import type { TreeRow } from "../lib/tree";
import { Highlighted } from "../parts/base";
import { Assessment, EffectBadge } from "../parts/tags";
import { Why } from "../parts/why";
import { text } from "../text";
import type { Column } from "./Columns";

interface Props {
  row: TreeRow<Column>;
  index: number;
  top: number;
  height: number;
  find: string;
  isOpen: boolean;
  isActive: boolean;
  isChosen: boolean;
  selectable: boolean;
  sees: boolean;
  show: () => void;
  fold: () => void;
  choose: () => void;
}

export function typeOf(column: Pick<Column, "dataType" | "mode">): string {
  return column.mode === "repeated" ? `${column.dataType}[]` : column.dataType;
}

function found(name: string, find: string) {
  const start = find === "" ? -1 : name.toLowerCase().indexOf(find.toLowerCase());
  return start < 0 ? [] : [{ start, end: start + find.length }];
}

export function ColumnRow({ row, index, top, height, find, isOpen, isActive, isChosen, selectable, sees, show, fold, choose }: Props) {
  const { item: column, depth, below, folded } = row;
  const Caret = folded ? ChevronRight : ChevronDown;
  return (
    <div role="row" data-row={index} aria-rowindex={index + 2} aria-level={depth + 1} {...(below > 0 ? { "aria-expanded": !folded } : {})} aria-selected={isOpen} tabIndex={isActive ? 0 : -1} onClick={show} className={`columns-grid absolute inset-x-0 grid cursor-pointer items-center gap-y-0 border-b border-line px-3 -outline-offset-2 hover:bg-page ${isOpen ? "bg-accent-soft hover:bg-accent-soft" : ""}`} style={{ transform: `translateY(${top}px)`, height }}>
      <div role="gridcell" className="flex min-w-0 items-center gap-1.5" style={{ paddingLeft: `${depth * 1.1}rem` }}>
        {selectable && <input type="checkbox" tabIndex={-1} checked={isChosen} aria-label={text.asset.select(column.path)} onChange={choose} onClick={(e) => e.stopPropagation()} className="size-3.5 shrink-0 accent-(--accent)" />}
        {below > 0 ? (
          <button type="button" tabIndex={-1} aria-label={folded ? text.asset.unfold(column.path) : text.asset.fold(column.path)} onClick={(e) => { e.stopPropagation(); fold(); }} className="grid size-5 shrink-0 place-items-center rounded text-muted hover:bg-sunken">
            <Caret aria-hidden className="size-4" />
          </button>
        ) : (
          <span className="w-5 shrink-0" />
        )}
        <span className="truncate font-mono text-[0.95em]" title={column.path}>
          <Highlighted spans={found(column.name, find)}>{column.name}</Highlighted>
        </span>
        {folded && <span className="shrink-0 text-[0.86rem] text-muted">+{text.count(below)}</span>}
        <span className="ml-2 hidden truncate text-[0.9rem] text-muted 2xl:inline" title={column.description}>{column.description}</span>
      </div>
      <div role="gridcell" className="flex min-w-0 items-center gap-1 truncate text-[0.88rem] text-muted">
        <span className="truncate" title={text.column.mode[column.mode]}>{typeOf(column)}</span>
        {column.policyTags.length > 0 && (
          <Why tone="info" label={text.column.policyTags} badge={<ShieldCheck aria-hidden className="size-3" />}>
            <p className="mb-1 font-semibold">{text.column.policyTags}</p>
            {column.policyTags.map((tag) => <p key={tag} className="font-mono text-[0.9em] [overflow-wrap:anywhere]">{tag}</p>)}
          </Why>
        )}
      </div>
      <div role="gridcell" className="flex min-w-0 gap-1 overflow-hidden p-0.5">
        {(below === 0 || column.tags.length > 0) && <Assessment assessment={column.assessment} tags={column.tags} />}
      </div>
      {sees && (
        <div role="gridcell" className="flex min-w-0 gap-1 overflow-hidden p-0.5 max-md:justify-end">
          {below === 0 && column.whatISee.map((given) => <EffectBadge key={given.audience} given={given} naming={column.whatISee.length > 1} />)}
        </div>
      )}
    </div>
  );
}
