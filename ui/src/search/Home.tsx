/** What one sees before searching: one's own, what was opened, what waits. */
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useQuery } from "urql";
import { useMe, useMay } from "../api/session";
import { HomeDocument } from "../gql/graphql";
import { recent } from "../lib/recent";
import { baseName, container } from "../lib/ref";
import { Badge, Problem, Time, Waiting } from "../parts/base";
import { KindIcon } from "../parts/refs";
import { text } from "../text";

export function Home() {
  const me = useMe();
  const mayTag = useMay("tag");
  const owners = [`user:${me.id}`, ...me.groups.map((g) => `group:${g}`)];
  const [{ data, error }, again] = useQuery({ query: HomeDocument, variables: { owners }, requestPolicy: "cache-and-network" });
  if (error && !data) return <Problem error={error} again={() => again({ requestPolicy: "network-only" })} />;
  if (!data) return <Waiting />;
  const waiting = data.inbox.total;
  return (
    <div className="grid grid-cols-1 items-start gap-4 md:grid-cols-2 xl:grid-cols-3">
      <Block title={text.home.recent}>
        <AssetList refs={recent(me.id).map((r) => ({ ref: r.ref, kind: r.kind }))} none={text.home.recentNone} />
      </Block>
      <Block title={text.home.mine}>
        <AssetList refs={data.mine.edges.map((e) => ({ ref: e.node.ref, kind: e.node.kind }))} none={text.home.mineNone} />
      </Block>
      <div className="flex min-w-0 flex-col gap-4">
        {mayTag && (
          <Block title={text.shell.inbox}>
            <p className="px-1">{waiting > 0 ? text.home.waiting(waiting) : text.home.waitingNone}</p>
            {waiting > 0 && <Link to="/inbox" className="link px-1">{text.home.open}</Link>}
          </Block>
        )}
        <Block title={text.home.health}>
          <ul className="flex flex-col gap-1.5 px-1">
            {data.sources.map((source) => (
              <li key={source.name} className="flex flex-wrap items-center gap-2">
                <Link to="/sources" className="font-medium hover:text-accent">{source.name}</Link>
                <span className="text-muted">{text.home.assets(source.assets)}</span>
                <span className="ml-auto text-[0.88rem] text-muted">{source.crawledAt && <Time at={source.crawledAt} ago />}</span>
                {source.problems.length > 0 && <Badge tone="bad">{text.home.problems(source.problems.length)}</Badge>}
              </li>
            ))}
          </ul>
          <Link to="/" search={{ all: true }} className="link mt-1 px-1">{text.home.browse}</Link>
        </Block>
      </div>
    </div>
  );
}

function Block({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="card flex flex-col gap-2 p-3.5">
      <h2 className="px-1 text-[0.9rem] font-semibold text-muted">{title}</h2>
      {children}
    </section>
  );
}

function AssetList({ refs, none }: { refs: { ref: string; kind: string }[]; none: string }) {
  if (refs.length === 0) return <p className="px-1 text-muted">{none}</p>;
  return (
    <ul>
      {refs.map(({ ref, kind }) => (
        <li key={ref}>
          <Link to="/asset" search={{ ref }} className="flex items-center gap-2 rounded-md px-1 py-1 hover:bg-sunken">
            <KindIcon kind={kind} />
            <span className="truncate font-medium">{baseName(ref)}</span>
            <span className="ml-auto truncate text-[0.88rem] text-muted">{container(ref)}</span>
          </Link>
        </li>
      ))}
    </ul>
  );
}
