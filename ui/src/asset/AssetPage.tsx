/** One asset: what it is, its columns, where it comes from, who sees what. */
import { getRouteApi, Link } from "@tanstack/react-router";
import { useEffect, type ReactNode } from "react";
import { useQuery } from "urql";
import { useReadAgainAfterWrites } from "../api/again";
import { useAsOf } from "../api/asof";
import { useMe } from "../api/session";
import { AssetDocument, type AssetQuery } from "../gql/graphql";
import { baseName, container, principalName } from "../lib/ref";
import { noteOpened } from "../lib/recent";
import { Badge, Empty, Problem, TabLinks, Time, Waiting } from "../parts/base";
import { KindIcon, RefLink } from "../parts/refs";
import { Sql } from "../parts/sql";
import { StatementNote } from "../parts/statement";
import { MayDescribe, SaidText } from "../parts/said";
import { MayTag, TagBadge } from "../parts/tags";
import { text } from "../text";
import { AssetLineage } from "./AssetLineage";
import { Columns } from "./Columns";
import { History } from "./History";
import { Owners } from "./Owners";

const route = getRouteApi("/asset");

export type Asset = NonNullable<AssetQuery["asset"]>;

export function AssetPage() {
  const { ref } = route.useSearch();
  if (!ref) {
    return (
      <Empty title={text.asset.noRef.title} lead={text.asset.noRef.lead}>
        <Link to="/" className="link">{text.asset.noRef.do}</Link>
      </Empty>
    );
  }
  return <OneAsset key={ref} refOf={ref} />;
}

function OneAsset({ refOf }: { refOf: string }) {
  const me = useMe();
  const past = useAsOf() !== undefined;
  const [{ data, error, fetching }, again] = useQuery({ query: AssetDocument, variables: { ref: refOf }, requestPolicy: "cache-and-network" });
  useReadAgainAfterWrites(again);
  const asset = data?.asset;
  useEffect(() => {
    if (asset) noteOpened(me.id, asset);
  }, [asset, me.id]);
  if (error && !asset) return <Problem error={error} again={() => again({ requestPolicy: "network-only" })} />;
  if (!data || (fetching && !asset)) return <Waiting lines={9} />;
  if (!asset) {
    return (
      <Empty title={text.asset.missing.title} lead={past ? text.time.missing : text.asset.missing.lead}>
        <Link to="/" search={{ q: baseName(refOf) }} className="link">{text.asset.missing.do}</Link>
      </Empty>
    );
  }
  return (
    <MayTag value={asset.mayTag}>
      <MayDescribe value={asset.mayDescribe}>
        <article>
          <Head asset={asset} />
          {asset.visibility === "discoverable" ? <Stub asset={asset} /> : <Body asset={asset} />}
        </article>
      </MayDescribe>
    </MayTag>
  );
}

function Head({ asset }: { asset: Asset }) {
  return (
    <>
      <p className="mb-1 flex flex-wrap items-center gap-2 text-muted">
        <KindIcon kind={asset.kind} />
        <span>{asset.kind}</span>
        {asset.parent ? <RefLink refTo={asset.parent} className="hover:text-accent" /> : <span className="[overflow-wrap:anywhere]">{container(asset.ref)}</span>}
        {asset.source && <span>{text.asset.seenBy(asset.source)}</span>}
        {asset.lastSeen && <span><Time at={asset.lastSeen} ago /></span>}
        {asset.location && <span>{text.asset.location(asset.location)}</span>}
      </p>
      <header className="mb-4">
        <div className="flex flex-wrap items-baseline gap-x-2">
          <h1 className="text-xl font-semibold tracking-tight [overflow-wrap:anywhere]">{asset.name}</h1>
          <SaidText of={asset.ref} attribute="title" says={asset.says}>
            {asset.title.toLowerCase() !== asset.name.toLowerCase() && <span className="text-xl tracking-tight text-muted [overflow-wrap:anywhere]">{asset.title}</span>}
          </SaidText>
        </div>
        <div className="mt-1 max-w-3xl text-muted">
          <SaidText of={asset.ref} attribute="description" says={asset.says}>
            <span className="whitespace-pre-line [overflow-wrap:anywhere]">{asset.description}</span>
          </SaidText>
        </div>
      </header>
      <dl className="mb-5 flex flex-wrap gap-x-8 gap-y-3">
        <Fact title={text.asset.owners}>
          <Owners asset={asset} />
        </Fact>
        {asset.labels.length > 0 && (
          <Fact title={text.asset.labels}>
            {asset.labels.map((label) => (
              <Badge key={label.key}>{`${label.key}: ${label.value}`}</Badge>
            ))}
          </Fact>
        )}
        {asset.tags.length > 0 && (
          <Fact title={text.asset.tags}>
            {asset.tags.map((tag) => (
              <TagBadge key={tag.label + tag.provenance.kind} tag={tag} among={asset.tags} />
            ))}
          </Fact>
        )}
      </dl>
    </>
  );
}

function Fact({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div>
      <dt className="mb-1 text-[0.86rem] text-muted">{title}</dt>
      <dd className="flex flex-wrap gap-1.5">{children}</dd>
    </div>
  );
}

function Stub({ asset }: { asset: Asset }) {
  const owners = [...new Set(asset.owners.map((o) => principalName(o.principal)))];
  return <Empty title={text.asset.stub.title} lead={owners.length > 0 ? text.asset.stub.lead(text.and(owners)) : text.asset.stub.noOwner} />;
}

function Body({ asset }: { asset: Asset }) {
  const { tab = "columns" } = route.useSearch();
  const tabs = [
    { id: "columns", title: text.asset.tabs.columns, count: asset.columns.length },
    { id: "sql", title: text.asset.tabs.sql },
    { id: "lineage", title: text.asset.tabs.lineage },
    { id: "views", title: text.asset.tabs.views, count: asset.views.length },
    { id: "history", title: text.asset.tabs.history },
  ];
  return (
    <>
      <TabLinks label={asset.name} tabs={tabs} now={tab} />
      {tab === "columns" && <ColumnsOrWhyNot asset={asset} />}
      {tab === "sql" && <SqlTab asset={asset} />}
      {tab === "lineage" && <AssetLineage refOf={asset.ref} />}
      {tab === "views" && <ViewsTab asset={asset} />}
      {tab === "history" && <History refOf={asset.ref} />}
    </>
  );
}

function ColumnsOrWhyNot({ asset }: { asset: Asset }) {
  return (
    <>
      {asset.unread !== "" && (
        <div role="alert" className="mb-3 rounded-[10px] border border-warn bg-warn-soft px-4 py-3">
          <p className="font-semibold text-warn">{text.asset.unread}</p>
          <p>{asset.unread}</p>
        </div>
      )}
      {asset.columns.length > 0 && <Columns asset={asset} />}
      {asset.columns.length === 0 && asset.unread === "" && <Empty title={text.asset.noColumns.title} lead={text.asset.noColumns.lead} />}
    </>
  );
}

function SqlTab({ asset }: { asset: Asset }) {
  const { statement, definition } = asset;
  if (!statement && definition === "") return <Empty title={text.asset.sqlNone.title} lead={text.asset.sqlNone.lead} />;
  return (
    <div className="flex flex-col gap-4">
      {statement && <StatementNote statement={statement} />}
      {definition !== "" && statement?.sql !== definition && (
        <section>
          <h2 className="mb-2 font-semibold">{text.asset.definition}</h2>
          <Sql label={text.asset.definition}>{definition}</Sql>
        </section>
      )}
    </div>
  );
}

function ViewsTab({ asset }: { asset: Asset }) {
  if (asset.views.length === 0) {
    return (
      <Empty title={text.asset.viewsNone.title} lead={text.asset.viewsNone.lead}>
        <Link to="/views" className="link">{text.asset.viewsNone.do}</Link>
      </Empty>
    );
  }
  return (
    <ul className="card divide-y divide-line">
      {asset.views.map((view) => (
        <li key={view.ref} className="flex flex-wrap items-center gap-3 px-4 py-2.5">
          <KindIcon kind="view" />
          <RefLink refTo={view.ref} />
          <span className="ml-auto text-muted">{text.asset.viewFor(view.audience)}</span>
        </li>
      ))}
    </ul>
  );
}
