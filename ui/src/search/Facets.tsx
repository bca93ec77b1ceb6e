/** Counts by attribute; a click narrows the search or widens it again. */
import { getRouteApi, Link } from "@tanstack/react-router";
import type { SearchQuery } from "../gql/graphql";
import { parseRef, principalName } from "../lib/ref";
import { facetKeys } from "../router";
import { text } from "../text";

const route = getRouteApi("/");

type Facet = SearchQuery["search"]["facets"][number];

export function Facets({ facets }: { facets: readonly Facet[] }) {
  const at = route.useSearch();
  const narrowed = facetKeys.some((key) => at[key] !== undefined);
  return (
    <details open={narrowed || window.matchMedia("(min-width: 64rem)").matches} className="min-w-0 self-start lg:sticky lg:top-6 lg:block">
      <summary className="mb-2 font-medium lg:hidden">{text.search.filters}</summary>
      <div className="flex flex-col gap-4">
        {narrowed && (
          <Link to="/" search={at.q ? { q: at.q } : { all: true }} className="link">
            {text.search.clear}
          </Link>
        )}
        {facetKeys.map((key) => {
          const facet = facets.find((f) => f.attribute === key);
          const values = withChosen(facet?.values ?? [], at[key] ?? []);
          return values.length > 0 && <FacetGroup key={key} attribute={key} values={values} more={facet?.more ?? 0} chosen={at[key] ?? []} />;
        })}
      </div>
    </details>
  );
}

/** A chosen value stays there to be taken back, even where nothing has it. */
export function withChosen(values: Facet["values"], chosen: readonly string[]): Facet["values"] {
  const missing = chosen.filter((c) => !values.some((v) => v.value === c));
  return [...missing.map((value) => ({ value, count: 0 })), ...values];
}

function FacetGroup({ attribute, values, more, chosen }: { attribute: (typeof facetKeys)[number]; values: Facet["values"]; more: number; chosen: readonly string[] }) {
  const navigate = route.useNavigate();
  const toggle = (value: string) => {
    const next = chosen.includes(value) ? chosen.filter((c) => c !== value) : [...chosen, value];
    void navigate({ search: (was) => ({ ...was, [attribute]: next.length > 0 ? next : undefined, all: true as const }), resetScroll: false });
  };
  return (
    <fieldset className="min-w-0">
      <legend className="mb-1 text-[0.86rem] font-semibold text-muted">{text.search.facet[attribute]}</legend>
      <ul>
        {values.map(({ value, count }) => (
          <li key={value}>
            <label className="flex items-center gap-2 rounded-md px-1.5 py-0.5 hover:bg-sunken">
              <input type="checkbox" checked={chosen.includes(value)} onChange={() => toggle(value)} className="size-3.5 shrink-0 accent-(--accent)" />
              <span className="min-w-0 truncate" title={value}>{facetName(attribute, value)}</span>
              <span className="ml-auto text-muted tabular-nums">{text.count(count)}</span>
            </label>
          </li>
        ))}
      </ul>
      {more > 0 && <p className="px-1.5 pt-0.5 text-[0.86rem] text-muted">{text.search.facetMore(more)}</p>}
    </fieldset>
  );
}

function facetName(attribute: string, value: string): string {
  if (attribute === "parent") return parseRef(value).name;
  return attribute === "owner" ? principalName(value) : value;
}
