/** The proposals on one asset. */
import { useEffect, useRef } from "react";
import { Link } from "@tanstack/react-router";
import type { TagPartsFragment } from "../gql/graphql";
import type { ProposalGroup } from "../lib/inbox";
import { baseName, parseRef } from "../lib/ref";
import { Badge, Button } from "../parts/base";
import { RefLink } from "../parts/refs";
import { labelTitle } from "../parts/tags";
import { text } from "../text";

type Tag = TagPartsFragment;

interface Props {
  group: ProposalGroup<Tag>;
  active: string;
  keyOf: (tag: Tag) => string;
  busy: boolean;
  decide: (tags: readonly Tag[], state: "confirmed" | "rejected") => void;
  choose: (tag: Tag) => void;
}

export function Group({ group, active, keyOf, busy, decide, choose }: Props) {
  return (
    <section aria-label={group.asset} className="card overflow-hidden">
      <header className="flex flex-wrap items-center justify-between gap-2 border-b border-line bg-page px-4 py-2">
        <h2 className="font-semibold"><RefLink refTo={group.asset} className="hover:text-accent" /></h2>
        {group.tags.length > 1 && (
          <Button small disabled={busy} onClick={() => decide(group.tags, "confirmed")}>{text.inbox.confirmAll(group.tags.length)}</Button>
        )}
      </header>
      <ul className="divide-y divide-line">
        {group.tags.map((tag) => (
          <Proposal key={keyOf(tag)} tag={tag} isActive={keyOf(tag) === active} busy={busy} decide={decide} choose={() => choose(tag)} />
        ))}
      </ul>
    </section>
  );
}

/** Who says so; a column from which a tag came, by its short name. */
function witness({ provenance: { kind, name } }: Tag): string {
  return kind === "propagation" && name.includes("/") ? `${baseName(name.split("#")[0]!)} ${parseRef(name).path}`.trim() : name;
}

function Proposal({ tag, isActive, busy, decide, choose }: { tag: Tag; isActive: boolean; busy: boolean; decide: Props["decide"]; choose: () => void }) {
  const line = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (isActive) line.current?.scrollIntoView?.({ block: "nearest" });
  }, [isActive]);
  const path = parseRef(tag.ref).path;
  const says = text.column.says[tag.provenance.kind] ?? tag.provenance.kind;
  return (
    <li ref={line} aria-current={isActive ? "true" : undefined} onClick={choose} className={`flex flex-wrap items-start gap-x-4 gap-y-2 border-l-[3px] px-4 py-2.5 ${isActive ? "border-l-accent bg-accent-soft" : "border-l-transparent"}`}>
      <div className="min-w-0 flex-1 basis-72">
        <p className="flex flex-wrap items-center gap-2">
          <Link to="/asset" search={{ ref: tag.ref.split("#")[0]!, ...(path ? { column: path } : {}) }} className="font-mono hover:text-accent [overflow-wrap:anywhere]">{path || text.inbox.wholeAsset}</Link>
          <span aria-hidden className="text-muted">→</span>
          <Badge tone="warn">{labelTitle(tag.label)}</Badge>
        </p>
        <p className="mt-0.5 line-clamp-3 text-muted [overflow-wrap:anywhere]" title={tag.evidence.join("\n")}>
          {`${says} ${witness(tag)}, ${text.column.confidence(tag.confidence)}. ${tag.evidence.join(" ")}`}
        </p>
      </div>
      <div className="flex gap-2">
        <Button small look="primary" disabled={busy} onClick={() => decide([tag], "confirmed")} aria-keyshortcuts="a">{text.column.confirm}</Button>
        <Button small disabled={busy} onClick={() => decide([tag], "rejected")} aria-keyshortcuts="r">{text.column.reject}</Button>
      </div>
    </li>
  );
}
