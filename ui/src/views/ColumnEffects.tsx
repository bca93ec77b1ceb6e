/** Every column of a view's base: what becomes of it, and by which rule. */
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { changeOf, type Change } from "../lib/effects";
import { Badge, Button, type Tone } from "../parts/base";
import { Why } from "../parts/why";
import { text } from "../text";
import type { Step } from "./Steps";

const changeTones: Record<Change, Tone> = { clearer: "warn", gained: "info", masked: "accent", lost: "bad", denied: "plain", same: "plain" };
const order: Change[] = ["clearer", "lost", "gained", "masked", "same", "denied"];
const firstShown = 60;

export function ColumnEffects({ columns, base }: { columns: Step["columns"]; base: string | null }) {
  const [all, setAll] = useState(false);
  const sorted = [...columns].sort((a, b) => order.indexOf(changeOf(a)) - order.indexOf(changeOf(b)));
  const shown = all ? sorted : sorted.slice(0, firstShown);
  return (
    <div>
      <h3 className="mb-2 font-semibold">{text.plan.columns}</h3>
      <div className="card overflow-x-auto">
        <table className="w-full border-collapse text-left">
          <thead className="text-[0.86rem] text-muted">
            <tr>
              <th className="px-3 py-1.5 font-medium">{text.plan.column}</th>
              <th className="px-3 py-1.5 font-medium">{text.plan.change}</th>
              <th className="px-3 py-1.5 font-medium">{text.plan.was}</th>
              <th className="px-3 py-1.5 font-medium">{text.plan.becomes}</th>
              <th className="px-3 py-1.5 font-medium max-lg:hidden">{text.plan.reason}</th>
            </tr>
          </thead>
          <tbody className="divide-y divide-line">
            {shown.map((column) => {
              const change = changeOf(column);
              const becomes = column.effect === "mask" ? `${column.effect} · ${column.method}` : column.effect;
              return (
                <tr key={column.path}>
                  <td className="min-w-40 px-3 py-1 font-mono text-[0.93em] [overflow-wrap:anywhere]">{base ? <Link to="/asset" search={{ ref: base, column: column.path }} className="hover:text-accent">{column.path}</Link> : column.path}</td>
                  <td className="px-3 py-1"><Badge tone={changeTones[change]}>{text.plan.changes[change]}</Badge></td>
                  <td className="px-3 py-1 text-muted">{column.was || "–"}</td>
                  <td className="px-3 py-1">
                    <Why tone={column.effect === "deny" ? "plain" : column.effect === "mask" ? "accent" : "info"} label={`${column.path}: ${becomes}`} badge={becomes}>
                      <p className="mb-1">{text.effect.meaning[column.effect]}</p>
                      {column.rules.map((rule) => (
                        <p key={rule.id}>{rule.why} <code className="font-mono text-muted">{rule.id}</code></p>
                      ))}
                    </Why>
                  </td>
                  <td className="px-3 py-1 text-muted max-lg:hidden">{column.rules[0]?.why}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
        {shown.length < sorted.length && (
          <p className="border-t border-line p-2 text-center">
            <Button small onClick={() => setAll(true)}>{text.plan.allColumns(sorted.length)}</Button>
          </p>
        )}
      </div>
    </div>
  );
}
