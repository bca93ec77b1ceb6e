/** Home and search: results as you type, narrowed by facets, all in the URL. */
import { getRouteApi, Link } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { useQuery } from "urql";
import { useAsOf } from "../api/asof";
import { SearchDocument, type SearchFilter } from "../gql/graphql";
import { Button, Empty, Problem, Waiting } from "../parts/base";
import { useSettled } from "../lib/settled";
import { facetKeys, type SearchAt } from "../router";
import { text } from "../text";
import { Facets } from "./Facets";
import { Home } from "./Home";
import { Hit } from "./Hit";

const route = getRouteApi("/");
const pageSize = 25;

export function SearchPage() {
  const at = route.useSearch();
  const q = at.q ?? "";
  const narrowed = facetKeys.some((key) => at[key] !== undefined);
  const past = useAsOf() !== undefined;
  const home = !past && q === "" && !narrowed && at.all === undefined;
  return (
    <>
      <h1 className="sr-only">{text.search.title}</h1>
      <SearchField q={q} />
      {home ? <Home /> : <Results q={q} filter={filterOf(at)} narrowed={narrowed} />}
    </>
  );
}

export function filterOf(at: SearchAt): SearchFilter | null {
  const filter: SearchFilter = {
    ...(at.kind ? { kinds: at.kind } : {}),
    ...(at.source ? { sources: at.source } : {}),
    ...(at.parent ? { parents: at.parent } : {}),
    ...(at.owner ? { owners: at.owner } : {}),
    ...(at.label ? { labels: at.label } : {}),
  };
  return Object.keys(filter).length > 0 ? filter : null;
}

/** Follows the URL, and the URL follows what is typed once it stands still. */
function SearchField({ q }: { q: string }) {
  const navigate = route.useNavigate();
  const [typed, setTyped] = useState(q);
  const settled = useSettled(typed, 140);
  const known = useRef(q);
  useEffect(() => {
    if (known.current !== q) {
      known.current = q;
      setTyped(q);
    }
  }, [q]);
  useEffect(() => {
    if (settled.trim() === known.current) return;
    known.current = settled.trim();
    void navigate({ search: (was) => ({ ...was, q: settled.trim() || undefined }) as never, replace: true, resetScroll: false });
  }, [settled, navigate]);
  return (
    <form role="search" onSubmit={(event) => event.preventDefault()} className="mb-5">
      <input data-search autoFocus type="search" value={typed} onChange={(event) => setTyped(event.target.value)} aria-label={text.search.label} placeholder={text.search.placeholder} className="field w-full px-4! py-2.5! text-[1.1rem]" />
    </form>
  );
}

function Results({ q, filter, narrowed }: { q: string; filter: SearchFilter | null; narrowed: boolean }) {
  const [{ data, error, fetching }, again] = useQuery({ query: SearchDocument, variables: { query: q, filter, first: pageSize }, requestPolicy: "cache-and-network" });
  // Until the next answer comes, the last one stays, so that the page stands still.
  if (error && !fetching) return <Problem error={error} again={() => again({ requestPolicy: "network-only" })} />;
  if (!data) return <Waiting />;
  const found = data.search;
  if (found.total === 0 && !fetching) return <Nothing q={q} narrowed={narrowed} />;
  return (
    <div className="grid grid-cols-1 gap-6 lg:grid-cols-[15rem_minmax(0,1fr)]">
      <Facets facets={found.facets} />
      <section aria-label={text.search.title} aria-busy={fetching}>
        <p className="mb-2 text-muted" role="status">
          {text.search.total(found.total, found.revision)}
        </p>
        <ol className="card divide-y divide-line">
          {found.edges.map((edge) => (
            <Hit key={edge.node.ref} edge={edge} />
          ))}
          {found.pageInfo.hasNextPage && <More key={JSON.stringify([q, filter, found.pageInfo.endCursor])} q={q} filter={filter} after={found.pageInfo.endCursor ?? ""} />}
        </ol>
      </section>
    </div>
  );
}

/** The next page, read when it is asked for; each page knows its own next. */
function More({ q, filter, after }: { q: string; filter: SearchFilter | null; after: string }) {
  const [open, setOpen] = useState(false);
  const [{ data, error, fetching }, again] = useQuery({ query: SearchDocument, variables: { query: q, filter, first: pageSize, after }, pause: !open });
  if (error) return <li className="px-4"><Problem error={error} again={() => again({ requestPolicy: "network-only" })} /></li>;
  if (!data) {
    return (
      <li className="p-3 text-center">
        <Button disabled={fetching} onClick={() => setOpen(true)}>{text.search.more}</Button>
      </li>
    );
  }
  const { edges, pageInfo } = data.search;
  return (
    <>
      {edges.map((edge) => (
        <Hit key={edge.node.ref} edge={edge} />
      ))}
      {pageInfo.hasNextPage && <More q={q} filter={filter} after={pageInfo.endCursor ?? ""} />}
    </>
  );
}

function Nothing({ q, narrowed }: { q: string; narrowed: boolean }) {
  if (q === "" && !narrowed) {
    return (
      <Empty title={text.search.empty.title} lead={text.search.empty.lead}>
        <Link to="/sources" className="link">{text.search.empty.do}</Link>
      </Empty>
    );
  }
  return (
    <Empty title={text.search.none.title(q)} lead={text.search.none.lead}>
      {narrowed && <Link to="/" search={q ? { q } : { all: true }} className="link">{text.search.clear}</Link>}
      <Link to="/" search={{ all: true }} className="link">{text.search.none.all}</Link>
    </Empty>
  );
}
