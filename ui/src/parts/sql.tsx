/** SQL for reading, alone or before and after. */
import { Fragment } from "react";
import { sideBySide, tokens } from "../lib/sql";
import { text } from "../text";

function Coloured({ sql }: { sql: string }) {
  return tokens(sql).map((token, i) => (token.kind === "other" ? <Fragment key={i}>{token.text}</Fragment> : <span key={i} className={`sql-${token.kind}`}>{token.text}</span>));
}

export function Sql({ children, label }: { children: string; label: string }) {
  return (
    <pre tabIndex={0} role="region" aria-label={label} className="max-h-[32rem] overflow-auto rounded-[10px] border border-line bg-sunken p-3 font-mono text-[0.88rem] leading-relaxed">
      <code>
        <Coloured sql={children} />
      </code>
    </pre>
  );
}

/** Two texts side by side, equal lines at one height. */
export function SqlDiff({ before, after }: { before: string; after: string }) {
  const rows = sideBySide(before, after);
  const line = (value: string | null, tone: string) => (
    <td className={`whitespace-pre-wrap px-2 align-top [overflow-wrap:anywhere] ${value === null ? "bg-page" : tone}`}>{value !== null && <Coloured sql={value} />}</td>
  );
  return (
    <div tabIndex={0} role="region" aria-label={text.diff.label} className="max-h-[36rem] overflow-auto rounded-[10px] border border-line">
      <table className="w-full min-w-[42rem] table-fixed border-collapse bg-surface font-mono text-[0.86rem] leading-relaxed">
        <thead className="sticky top-0 bg-sunken font-sans text-left text-muted">
          <tr>
            <th className="px-2 py-1 font-medium">{before === "" ? text.diff.nothing : text.diff.before}</th>
            <th className="border-l border-line px-2 py-1 font-medium">{after === "" ? text.diff.gone : text.diff.after}</th>
          </tr>
        </thead>
        <tbody className="[&_td+td]:border-l [&_td+td]:border-line">
          {rows.map((row, i) => (
            <tr key={i}>
              {line(row.before, row.changed ? "bg-bad-soft" : "")}
              {line(row.after, row.changed ? "bg-ok-soft" : "")}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
