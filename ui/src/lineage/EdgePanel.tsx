/** What lies behind an edge: in words, how surely, and the SQL. */
import { X } from "lucide-react";
import { worst, type Edge } from "../lib/lineage";
import { Badge } from "../parts/base";
import { RefLink } from "../parts/refs";
import { outcomeTones, StatementNote } from "../parts/statement";
import { text } from "../text";
import { edgeWords } from "./words";

export function EdgePanel({ edges, close }: { edges: readonly Edge[]; close: () => void }) {
  const { from, to } = edges[0]!;
  const outcome = worst(edges);
  const statements = new Map(edges.flatMap((e) => (e.statement ? [[e.statement.id, e.statement]] : [])));
  return (
    <aside aria-label={text.lineage.edge} className="card flex flex-col gap-3 p-4">
      <div className="flex items-start justify-between gap-2">
        <p>
          <RefLink refTo={from} short /> <span aria-hidden>→</span> <RefLink refTo={to} short />
        </p>
        <button type="button" aria-label={text.column.close} onClick={close} className="rounded p-0.5 text-muted hover:bg-sunken">
          <X aria-hidden className="size-4" />
        </button>
      </div>
      <ul className="flex flex-col gap-1">
        {edges.map((edge, i) => (
          <li key={i}>{`${capital(edgeWords(edge))}, ${text.lineage.because(edge.because)}.`}</li>
        ))}
      </ul>
      {statements.size === 0 && (
        <p className="flex flex-wrap items-center gap-2 text-muted">
          <Badge tone={outcomeTones[outcome] ?? "plain"}>{outcome}</Badge>
          {text.lineage.noSQL}
        </p>
      )}
      {[...statements.values()].map((statement) => (
        <StatementNote key={statement.id} statement={statement} />
      ))}
    </aside>
  );
}

const capital = (words: string): string => words.charAt(0).toUpperCase() + words.slice(1);
