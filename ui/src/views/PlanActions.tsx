/** Approve, apply, undo: each once it may be, with what is going on said live. */
import { useEffect, useState } from "react";
import { useClient, useMutation, type CombinedError } from "urql";
import { useMay } from "../api/session";
import { ApplyDocument, ApproveDocument, PlanDocument, PlanProgressDocument, UndoDocument } from "../gql/graphql";
import { Button, Problem } from "../parts/base";
import { text } from "../text";
import type { Plan } from "./PlanPage";
import { isMoving } from "./states";

const every = 600;

export function PlanActions({ plan, blocked }: { plan: Plan; blocked: boolean }) {
  const [, approve] = useMutation(ApproveDocument);
  const [, apply] = useMutation(ApplyDocument);
  const [, undo] = useMutation(UndoDocument);
  const client = useClient();
  const [error, setError] = useState<CombinedError | null>(null);
  const [asked, setAsked] = useState<"" | "undo">("");
  const [awaited, setAwaited] = useState("");
  const [busy, setBusy] = useState(false);
  const may = { approve: useMay("approve"), apply: useMay("apply") };
  const moving = isMoving(plan.state) || awaited === plan.state;
  useFollow(plan.id, moving);
  const act = async (verb: typeof approve | typeof apply | typeof undo, follows: boolean) => {
    setBusy(true);
    setAsked("");
    const answer = await verb({ id: plan.id });
    setError(answer.error ?? null);
    // A refusal may have changed the plan, as when it is found stale.
    if (answer.error) await client.query(PlanDocument, { id: plan.id }, { requestPolicy: "network-only" }).toPromise();
    // The work runs in the background: until the state leaves this one, look again.
    setAwaited(follows && !answer.error ? plan.state : "");
    setBusy(false);
  };
  const mayUndo = may.apply && (plan.state === "applied" || plan.state === "stopped");
  return (
    <div className="mb-5">
      <Progress plan={plan} moving={moving} />
      <div className="flex flex-wrap items-center gap-3">
        {plan.state === "planned" && may.approve && plan.steps.length > 0 && <Button look="primary" disabled={busy || blocked} onClick={() => void act(approve, false)}>{text.plan.approve}</Button>}
        {plan.state === "planned" && blocked && <span className="text-bad">{text.plan.blocked}</span>}
        {plan.state === "planned" && !may.approve && <span className="text-muted">{text.plan.waitsForApproval}</span>}
        {plan.state === "approved" && may.apply && <Button look="primary" disabled={busy || moving} onClick={() => void act(apply, true)}>{text.plan.apply}</Button>}
        {mayUndo && asked === "" && <Button look="danger" disabled={busy || moving} onClick={() => setAsked("undo")}>{text.plan.undo}</Button>}
        {mayUndo && asked === "undo" && (
          <span role="group" aria-label={text.plan.undo} className="flex flex-wrap items-center gap-2">
            {text.plan.undoAsk(plan.done)}
            <Button look="danger" disabled={busy} onClick={() => void act(undo, true)}>{text.plan.undoYes}</Button>
            <Button look="quiet" onClick={() => setAsked("")}>{text.plan.undoNo}</Button>
          </span>
        )}
      </div>
      {error && <Problem error={error} />}
    </div>
  );
}

function Progress({ plan, moving }: { plan: Plan; moving: boolean }) {
  if (!moving && plan.done === 0) return null;
  const all = plan.steps.length;
  return (
    <div className="mb-3 max-w-xl">
      <p role="status" className="mb-1 text-muted">
        {moving ? text.plan.moving(plan.done, all) : text.plan.done(plan.done, all)}
      </p>
      <div role="progressbar" aria-label={text.plan.progress} aria-valuemin={0} aria-valuemax={all} aria-valuenow={plan.done} className="h-2 overflow-hidden rounded-full bg-sunken">
        <div className="h-full rounded-full bg-accent transition-[width] duration-500" style={{ width: `${all === 0 ? 0 : (plan.done / all) * 100}%` }} />
      </div>
    </div>
  );
}

/** Reads the plan's progress again and again while it moves, then all of it once. */
function useFollow(id: string, moving: boolean): void {
  const client = useClient();
  useEffect(() => {
    if (!moving) return;
    let current = true;
    let timer: ReturnType<typeof setTimeout>;
    const look = async () => {
      await client.query(PlanProgressDocument, { id }, { requestPolicy: "network-only" }).toPromise();
      if (current) timer = setTimeout(() => void look(), every);
    };
    timer = setTimeout(() => void look(), every / 2);
    return () => {
      current = false;
      clearTimeout(timer);
      void client.query(PlanDocument, { id }, { requestPolicy: "network-only" }).toPromise();
    };
  }, [client, id, moving]);
}
