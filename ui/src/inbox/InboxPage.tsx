/** Proposals that wait for a person, by asset, decided by key or by click. */
import { Link } from "@tanstack/react-router";
import { useCallback, useEffect, useMemo, useState } from "react";
import { useQuery } from "urql";
import { useReadAgainAfterWrites } from "../api/again";
import { useMay } from "../api/session";
import { useTagging } from "../api/tagging";
import { InboxDocument, type TagPartsFragment } from "../gql/graphql";
import { groupByAsset } from "../lib/inbox";
import { Empty, PageHead, Problem, Waiting } from "../parts/base";
import { isTyping } from "../lib/typing";
import { text } from "../text";
import { Group } from "./Group";

/** As many as the API gives at once; the next come as these are decided. */
const most = 200;

export function InboxPage() {
  const may = useMay("tag");
  const [{ data, error }, again] = useQuery({ query: InboxDocument, variables: { first: most }, requestPolicy: "cache-and-network" });
  useReadAgainAfterWrites(again);
  const tags = useMemo(() => data?.inbox.edges.map((e) => e.node) ?? [], [data]);
  if (error && !data) return <Problem error={error} again={() => again({ requestPolicy: "network-only" })} />;
  return (
    <>
      <PageHead title={text.shell.inbox} lead={data && data.inbox.total > 0 ? text.inbox.lead(data.inbox.total) : undefined} />
      {!data && <Waiting />}
      {data && tags.length === 0 && (
        <Empty title={text.inbox.none.title} lead={may ? text.inbox.none.lead : text.inbox.none.mayNot}>
          <Link to="/" search={{ all: true }} className="link">{text.inbox.none.do}</Link>
        </Empty>
      )}
      {tags.length > 0 && <Proposals tags={tags} />}
      {data?.inbox.pageInfo.hasNextPage && <p className="mt-3 text-muted">{text.inbox.rest(data.inbox.total - tags.length)}</p>}
    </>
  );
}

const keyOf = (tag: TagPartsFragment): string => `${tag.ref} ${tag.label}`;

function Proposals({ tags }: { tags: readonly TagPartsFragment[] }) {
  const groups = useMemo(() => groupByAsset(tags), [tags]);
  const flat = useMemo(() => groups.flatMap((g) => g.tags), [groups]);
  const { busy, say } = useTagging();
  const [at, setAt] = useState(0);
  const active = Math.min(at, flat.length - 1);
  const decide = useCallback((decided: readonly TagPartsFragment[], state: "confirmed" | "rejected") => void say(decided.map(({ ref, label }) => ({ ref, label, state }))), [say]);
  useInboxKeys(flat, active, setAt, busy, decide);
  return (
    <>
      <p className="mb-3 text-muted max-md:hidden">{text.inbox.keys}</p>
      <div className="flex flex-col gap-4">
        {groups.map((group) => (
          <Group key={group.asset} group={group} active={flat[active] ? keyOf(flat[active]) : ""} keyOf={keyOf} busy={busy} decide={decide} choose={(tag) => setAt(flat.indexOf(tag))} />
        ))}
      </div>
    </>
  );
}

/** j and k or the arrows move; a confirms, r rejects. */
function useInboxKeys(flat: readonly TagPartsFragment[], active: number, setAt: (at: number) => void, busy: boolean, decide: (tags: readonly TagPartsFragment[], state: "confirmed" | "rejected") => void): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (isTyping(event.target) || event.metaKey || event.ctrlKey || event.altKey) return;
      const tag = flat[active];
      if (!tag) return;
      if (event.key === "j" || event.key === "ArrowDown") setAt(Math.min(active + 1, flat.length - 1));
      else if (event.key === "k" || event.key === "ArrowUp") setAt(Math.max(active - 1, 0));
      else if ((event.key === "a" || event.key === "r") && !busy) decide([tag], event.key === "a" ? "confirmed" : "rejected");
      else return;
      event.preventDefault();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [flat, active, busy, setAt, decide]);
}
