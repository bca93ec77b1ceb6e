/** The lineage graph of an asset or column; the URL holds all of its state. */
import { getRouteApi } from "@tanstack/react-router";
import { parseRef } from "../lib/ref";
import { Empty, PageHead } from "../parts/base";
import { RefField } from "../parts/RefField";
import { RefLink } from "../parts/refs";
import { text } from "../text";
import { LineageView, type LineageState } from "./LineageView";

const route = getRouteApi("/lineage");

export function LineagePage() {
  const { ref, ...state } = route.useSearch();
  const navigate = route.useNavigate();
  const change = (next: LineageState) => void navigate({ search: (was) => ({ ...was, ...next }) as never, replace: true, resetScroll: false });
  const go = (to: string) => void navigate({ search: { ref: to, ...(parseRef(to).path ? { columns: true as const } : {}) } });
  return (
    <>
      <PageHead title={ref ? <>{`${text.lineage.of} `}<RefLink refTo={ref} className="hover:text-accent" /></> : text.lineage.title} lead={ref ? undefined : text.lineage.lead} />
      <div className="mb-4 max-w-xl">
        <RefField label={text.lineage.choose} choose={go} />
      </div>
      {ref ? <LineageView key={ref} refOf={ref} state={state} change={change} go={go} /> : <Empty title={text.lineage.none.title} lead={text.lineage.none.lead} />}
    </>
  );
}
