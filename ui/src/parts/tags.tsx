/** Tags and what follows from them, each badge opening its why. */
import { Check, CircleDashed, EyeOff, Minus, X } from "lucide-react";
import { createContext, useContext, type ReactNode } from "react";
import { useMe } from "../api/session";
import { useTagging } from "../api/tagging";
import type { ExplanationPartsFragment, TagPartsFragment } from "../gql/graphql";
import { text } from "../text";
import { Button, type Tone } from "./base";
import { RefLink } from "./refs";
import { Why } from "./why";

/** Whether the person may answer the tags below: that differs by asset. */
export const MayTag = createContext(false);

const tagTones: Record<string, Tone> = { proposed: "warn", confirmed: "accent", rejected: "plain" };
const tagIcons: Record<string, ReactNode> = {
  proposed: <CircleDashed aria-hidden className="size-3 shrink-0" />,
  confirmed: <Check aria-hidden className="size-3 shrink-0" />,
  rejected: <X aria-hidden className="size-3 shrink-0" />,
};

export function labelTitle(label: string): string {
  return label === "none" ? text.asset.nothingPersonal : label;
}

/** Whether a person has spoken of the label, and this is another witness. */
export function isOutspoken(tag: TagPartsFragment, among: readonly TagPartsFragment[]): boolean {
  return tag.provenance.kind !== "person" && among.some((t) => t.label === tag.label && t.provenance.kind === "person");
}

/** What people say first, then what the other witnesses say. */
export function bySpeaker(tags: readonly TagPartsFragment[]): TagPartsFragment[] {
  return [...tags].sort((a, b) => Number(b.provenance.kind === "person") - Number(a.provenance.kind === "person"));
}

/** What one witness says of one label among all that is said, in full. */
export function TagStory({ tag, among }: { tag: TagPartsFragment; among: readonly TagPartsFragment[] }) {
  const { kind, name, why } = tag.provenance;
  const outspoken = isOutspoken(tag, among);
  return (
    <div className="flex flex-col gap-2 text-[0.93rem]">
      <p className="font-semibold [overflow-wrap:anywhere]">{labelTitle(tag.label)}</p>
      <p>{outspoken ? text.column.outspoken(tag.state) : (text.column.state[tag.state] ?? tag.state)}</p>
      <p className="text-muted">
        {text.column.says[kind] ?? kind} {kind === "propagation" && name.includes("/") ? <RefLink refTo={name} /> : <span className="text-ink">{name}</span>}
        {`, ${text.column.confidence(tag.confidence)}, ${text.column.form[tag.form] ?? tag.form}`}
      </p>
      {why && <blockquote className="border-l-2 border-line-strong pl-2 text-muted">{why}</blockquote>}
      {tag.evidence.length > 0 && (
        <ul className="list-disc pl-4 [overflow-wrap:anywhere]">
          {tag.evidence.map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
      )}
      {tag.evidence.length === 0 && kind !== "person" && <p className="text-muted">{text.column.evidenceNone}</p>}
      {!outspoken && <TagActions tag={tag} />}
    </div>
  );
}

/** Confirm, reject, or take back what a person said. */
export function TagActions({ tag }: { tag: TagPartsFragment }) {
  const may = useContext(MayTag);
  const { busy, say } = useTagging();
  if (!may) return null;
  const act = (state: string, title: string, look: "primary" | "plain") => (
    <Button small look={look} disabled={busy} onClick={() => void say([{ ref: tag.ref, label: tag.label, state }])}>
      {title}
    </Button>
  );
  return (
    <div className="flex gap-2 pt-1">
      {tag.state !== "confirmed" && act("confirmed", text.column.confirm, "primary")}
      {tag.state !== "rejected" && act("rejected", text.column.reject, "plain")}
      {tag.provenance.kind === "person" && act("withdrawn", text.column.withdraw, "plain")}
    </div>
  );
}

export function TagBadge({ tag, among }: { tag: TagPartsFragment; among: readonly TagPartsFragment[] }) {
  return (
    <Why
      tone={tagTones[tag.state] ?? "plain"}
      label={`${labelTitle(tag.label)}, ${tag.state}: ${text.search.why.toLowerCase()}`}
      badge={
        <>
          {tagIcons[tag.state]}
          <span className={`truncate ${tag.state === "rejected" ? "line-through" : ""}`}>{labelTitle(tag.label)}</span>
        </>
      }
    >
      <TagStory tag={tag} among={among} />
    </Why>
  );
}

/** One witness a label: a person's word stands before the others'. */
export function leading(tags: readonly TagPartsFragment[]): TagPartsFragment[] {
  const best = new Map<string, TagPartsFragment>();
  for (const tag of tags) {
    const was = best.get(tag.label);
    if (!was || (tag.provenance.kind === "person" && was.provenance.kind !== "person")) best.set(tag.label, tag);
  }
  const order = ["confirmed", "proposed", "rejected"];
  return [...best.values()].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state) || a.label.localeCompare(b.label));
}

export function Assessment({ assessment, tags }: { assessment: string; tags: readonly TagPartsFragment[] }) {
  const shown = leading(tags);
  if (shown.length > 0) return shown.map((tag) => <TagBadge key={tag.label} tag={tag} among={tags} />);
  return (
    <Why tone="plain" label={text.asset.assessment[assessment] ?? assessment} badge={<><Minus aria-hidden className="size-3" />{text.asset.assessment[assessment] ?? assessment}</>}>
      <p>{text.asset.assessmentWhy[assessment]}</p>
    </Why>
  );
}

const effectTones: Record<string, Tone> = { allow: "info", mask: "accent", deny: "plain" };

export function EffectBadge({ given, naming }: { given: ExplanationPartsFragment; naming?: boolean }) {
  const title = useAudienceTitle(given.audience);
  const words = given.effect === "mask" ? `${given.effect} · ${given.method}` : given.effect;
  return (
    <Why
      tone={effectTones[given.effect] ?? "plain"}
      label={`${title}: ${words}`}
      badge={
        <>
          {given.effect === "deny" && <EyeOff aria-hidden className="size-3 shrink-0" />}
          <span className="truncate">{naming ? `${title}: ${words}` : words}</span>
        </>
      }
    >
      <EffectStory given={given} />
    </Why>
  );
}

export function EffectStory({ given }: { given: ExplanationPartsFragment }) {
  return (
    <div className="flex flex-col gap-2 text-[0.93rem]">
      <p>{text.effect.meaning[given.effect] ?? given.effect}</p>
      {given.example && (
        <p>
          <span className="text-muted">{`${text.effect.example}: `}</span>
          <code className="rounded bg-sunken px-1 font-mono [overflow-wrap:anywhere]">{given.example}</code>
        </p>
      )}
      <ul className="flex flex-col gap-1">
        {given.rules.map((rule) => (
          <li key={rule.id}>
            {rule.why} <span className="whitespace-nowrap text-muted">{`${text.effect.rule} `}<code className="font-mono">{rule.id}</code></span>
          </li>
        ))}
      </ul>
      <p className="text-[0.86rem] text-muted">
        {`${text.effect.policy} `}
        <code className="font-mono" title={given.policy}>{given.policy.slice(0, 12)}</code>
      </p>
    </div>
  );
}

function useAudienceTitle(name: string): string {
  return useMe().audiences.find((a) => a.name === name)?.title ?? name;
}
