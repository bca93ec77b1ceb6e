/** Some SQL that made an asset, with how much of its lineage is known. */
import type { StatementPartsFragment } from "../gql/graphql";
import { text } from "../text";
import { Badge, type Tone } from "./base";
import { Sql } from "./sql";

export const outcomeTones: Record<string, Tone> = { exact: "ok", partial: "warn", failed: "bad", unanalyzed: "plain" };

export function StatementNote({ statement }: { statement: StatementPartsFragment }) {
  return (
    <section className="flex flex-col gap-2">
      <h2 className="flex flex-wrap items-center gap-2 font-semibold">
        {text.asset.statement(statement.because)}
        <Badge tone={outcomeTones[statement.outcome] ?? "plain"}>{statement.outcome}</Badge>
      </h2>
      <p className="text-muted">
        {text.outcome[statement.outcome]}
        {statement.reason && ` ${sentence(statement.reason)}`}
        {statement.because === "job" && ` ${text.asset.literals}`}
      </p>
      {statement.unresolved.length > 0 && (
        <p className="text-muted">
          {`${text.outcome["unresolved"]}: `}
          {statement.unresolved.map((name) => (
            <code key={name} className="mr-2 font-mono text-ink [overflow-wrap:anywhere]">{name}</code>
          ))}
        </p>
      )}
      {statement.sql === "" ? (
        <p className="text-muted">{text.asset.withheld}</p>
      ) : (
        <Sql label={text.asset.statement(statement.because)}>{statement.sql}</Sql>
      )}
    </section>
  );
}

function sentence(words: string): string {
  const whole = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}
