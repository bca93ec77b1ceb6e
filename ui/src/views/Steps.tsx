/** The steps in their order; one is opened, and the URL says which. */
import { getRouteApi } from "@tanstack/react-router";
import { Check, ChevronDown, ChevronRight } from "lucide-react";
import { sumEffects } from "../lib/effects";
import { baseName } from "../lib/ref";
import { Badge } from "../parts/base";
import { RefLink } from "../parts/refs";
import { SqlDiff } from "../parts/sql";
import { text } from "../text";
import { ColumnEffects } from "./ColumnEffects";
import type { Plan } from "./PlanPage";

const route = getRouteApi("/views/$id");

export type Step = Plan["steps"][number];

export function Steps({ plan }: { plan: Plan }) {
  const { step: open } = route.useSearch();
  const navigate = route.useNavigate();
  const toggle = (n: number) => void navigate({ search: open === n ? {} : { step: n }, replace: true, resetScroll: false });
  return (
    <section aria-label={text.plan.steps}>
      <h2 className="mb-2 font-semibold">{text.plan.steps}</h2>
      <ol className="card divide-y divide-line">
        {plan.steps.map((step, i) => (
          <StepLine key={i} step={step} number={i + 1} isDone={i < plan.done && plan.state !== "undone"} isOpen={open === i + 1} toggle={() => toggle(i + 1)} />
        ))}
      </ol>
    </section>
  );
}

function StepLine({ step, number, isDone, isOpen, toggle }: { step: Step; number: number; isDone: boolean; isOpen: boolean; toggle: () => void }) {
  const Caret = isOpen ? ChevronDown : ChevronRight;
  return (
    <li>
      <button type="button" aria-expanded={isOpen} onClick={toggle} className="flex w-full flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2.5 text-left hover:bg-page">
        <Caret aria-hidden className="size-4 shrink-0 text-muted" />
        <span className="w-5 text-right text-muted tabular-nums">{isDone ? <Check aria-label={text.plan.stepDone} className="inline size-4 text-ok" /> : number}</span>
        <span className="font-medium">{text.plan.kinds[step.kind] ?? step.kind}</span>
        <span className="[overflow-wrap:anywhere]">{baseName(step.object)}</span>
        {step.audience && <span className="text-muted">{text.asset.viewFor(step.audience)}</span>}
        <EffectCounts step={step} />
      </button>
      {isOpen && <StepBody step={step} />}
    </li>
  );
}

/** Columns gained, lost, masked, told apart before anything is opened. */
function EffectCounts({ step }: { step: Step }) {
  const sum = sumEffects(step.columns);
  if (step.columns.length === 0) return null;
  return (
    <span className="ml-auto flex flex-wrap gap-1.5 max-sm:ml-8">
      {sum.clearer > 0 && <Badge tone="warn">{text.plan.clearer(sum.clearer)}</Badge>}
      {sum.gained > 0 && <Badge tone="info">{text.plan.gained(sum.gained)}</Badge>}
      {sum.masked > 0 && <Badge tone="accent">{text.plan.masked(sum.masked)}</Badge>}
      {sum.lost > 0 && <Badge tone="bad">{text.plan.lost(sum.lost)}</Badge>}
      {sum.denied > 0 && <Badge>{text.plan.denied(sum.denied)}</Badge>}
    </span>
  );
}

function StepBody({ step }: { step: Step }) {
  const isView = step.kind.endsWith("_view");
  return (
    <div className="flex flex-col gap-4 border-t border-line bg-page px-4 py-4 md:px-12">
      <dl className="grid gap-x-6 gap-y-1 sm:grid-cols-[8rem_minmax(0,1fr)] [&_dt]:text-muted">
        <dt>{text.plan.why}</dt>
        <dd>{step.why}</dd>
        <dt>{text.plan.object}</dt>
        <dd className="[overflow-wrap:anywhere]">{step.object}</dd>
        {step.base && (
          <>
            <dt>{text.plan.base}</dt>
            <dd><RefLink refTo={step.base} /></dd>
          </>
        )}
        {step.principal && (
          <>
            <dt>{text.plan.principal}</dt>
            <dd className="[overflow-wrap:anywhere]">{step.role ? `${step.principal}, ${step.role}` : step.principal}</dd>
          </>
        )}
        <dt>{text.plan.undone}</dt>
        <dd>{step.undo}</dd>
      </dl>
      {step.columns.length > 0 && <ColumnEffects columns={step.columns} base={step.base ?? null} />}
      {isView && (step.before !== "" || step.after !== "") && (
        <div>
          <h3 className="mb-2 font-semibold">{text.plan.sql}</h3>
          <SqlDiff before={step.before} after={step.after} />
        </div>
      )}
      {!isView && (step.before !== "" || step.after !== "") && <p>{[step.before, step.after].filter(Boolean).join(" → ")}</p>}
    </div>
  );
}
