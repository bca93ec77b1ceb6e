/** One hit: the asset, the columns that matched, and why it stands here. */
import { Link } from "@tanstack/react-router";
import { Lock } from "lucide-react";
import type { SearchQuery } from "../gql/graphql";
import { assetOf, container, parseRef, principalName } from "../lib/ref";
import { Badge, Highlighted } from "../parts/base";
import { KindIcon } from "../parts/refs";
import { Why } from "../parts/why";
import { text } from "../text";

type Edge = SearchQuery["search"]["edges"][number];

export function Hit({ edge }: { edge: Edge }) {
  const { node } = edge;
  const stub = node.visibility === "discoverable";
  return (
    <li className="px-4 py-3 hover:bg-page">
      <div className="flex flex-wrap items-center gap-x-2.5 gap-y-1">
        <KindIcon kind={node.kind} />
        <Link to="/asset" search={{ ref: node.ref }} className="text-[1.05rem] font-semibold hover:text-accent [overflow-wrap:anywhere]">
          <Highlighted spans={edge.highlights}>{node.name}</Highlighted>
        </Link>
        <span className="text-muted [overflow-wrap:anywhere]">{container(node.ref)}</span>
        <Badge>{node.kind}</Badge>
        {stub && (
          <Badge tone="plain">
            <Lock aria-hidden className="size-3" />
            {text.search.stub}
          </Badge>
        )}
        {edge.why !== "" && (
          <span className="ml-auto max-sm:ml-0">
            <Why tone="plain" label={`${text.search.why}: ${edge.why}`} badge={edge.why}>
              <p>{text.search.whyIs(edge.why)}</p>
              <p className="mt-1 text-muted">{text.search.order}</p>
            </Why>
          </span>
        )}
      </div>
      {node.description && <p className="mt-0.5 line-clamp-2 max-w-4xl text-muted">{node.description}</p>}
      {edge.columns.length > 0 && (
        <ul aria-label={text.search.columns} className="mt-1.5 flex flex-wrap gap-1.5">
          {edge.columns.map((column) => (
            <li key={column.ref} className="min-w-0">
              <Link to="/asset" search={{ ref: assetOf(column.ref), column: parseRef(column.ref).path }} className="block truncate rounded-md border border-line bg-surface px-1.5 py-px font-mono text-[0.88em] hover:border-accent">
                <Highlighted spans={column.highlights}>{column.path}</Highlighted>
              </Link>
            </li>
          ))}
        </ul>
      )}
      {node.owners.length > 0 && <p className="mt-1 text-[0.88rem] text-muted">{text.and([...new Set(node.owners.map((o) => principalName(o.principal)))])}</p>}
    </li>
  );
}
