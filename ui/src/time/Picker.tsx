/** Chooses the moment that the pages look at: a time, a revision, or now. */
import { useNavigate } from "@tanstack/react-router";
import { History } from "lucide-react";
import { Popover } from "radix-ui";
import { useState } from "react";
import { useQuery } from "urql";
import { StandingDocument } from "../gql/graphql";
import { momentOf } from "../lib/moment";
import { fieldOf, instantOf } from "../lib/time";
import { Button, Time } from "../parts/base";
import { text } from "../text";

export function Picker({ asOf }: { asOf: string | undefined }) {
  const [open, setOpen] = useState(false);
  const label = asOf === undefined ? text.time.now : text.time.past;
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger title={text.time.choose} aria-label={`${text.time.choose}: ${label}`} className={`flex shrink-0 items-center gap-2.5 rounded-[7px] px-2.5 py-1.5 text-left font-medium ${asOf === undefined ? "text-muted hover:bg-sunken hover:text-ink" : "bg-warn-soft text-warn"}`}>
        <History aria-hidden className="size-[1.15rem] shrink-0" />
        <span className="max-md:sr-only">{label}</span>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content side="right" align="end" sideOffset={8} collisionPadding={8} aria-label={text.time.choose} className="z-50 w-[22rem] max-w-[calc(100vw-1rem)] rounded-[10px] border border-line bg-raised p-4 shadow-xl">
          <Choice asOf={asOf} close={() => setOpen(false)} />
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

function Choice({ asOf, close }: { asOf: string | undefined; close: () => void }) {
  const navigate = useNavigate();
  const moment = momentOf(asOf);
  const [time, setTime] = useState(moment && "time" in moment ? fieldOf(moment.time) : "");
  const [revision, setRevision] = useState(moment && "revision" in moment ? String(moment.revision) : "");
  const [{ data }] = useQuery({ query: StandingDocument, requestPolicy: "cache-and-network" });
  const set = (next: string | undefined) => {
    void navigate({ to: ".", search: ((was: object) => ({ ...was, asOf: next })) as never });
    close();
  };
  const chosen = revision.trim() !== "" ? revision.trim() : instantOf(time);
  const since = data?.standing;
  return (
    <form className="flex flex-col gap-3" onSubmit={(event) => { event.preventDefault(); if (chosen && momentOf(chosen)) set(chosen); }}>
      <p className="font-semibold">{text.time.choose}</p>
      <label className="flex flex-col gap-1 text-[0.9rem] text-muted">
        {text.time.atTime}
        <input type="datetime-local" value={time} max={fieldOf(new Date().toISOString())} onChange={(e) => { setTime(e.target.value); setRevision(""); }} className="field text-ink" />
      </label>
      <label className="flex flex-col gap-1 text-[0.9rem] text-muted">
        {text.time.atRevision}
        <input type="number" min={since?.since ?? 1} max={since?.head} value={revision} onChange={(e) => { setRevision(e.target.value); setTime(""); }} className="field text-ink" />
      </label>
      {since?.sinceAt && (
        <p className="text-[0.9rem] text-muted">
          {text.time.since(since.since, since.head)} <Time at={since.sinceAt} />
          {since.forgottenAt && ` ${text.time.forgotten}`}
        </p>
      )}
      <div className="flex flex-wrap gap-2">
        <Button type="submit" look="primary" disabled={!chosen}>{text.time.show}</Button>
        <Button disabled={asOf === undefined} onClick={() => set(undefined)}>{text.time.toNow}</Button>
      </div>
    </form>
  );
}
