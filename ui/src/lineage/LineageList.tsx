/** The same lineage as a list: for the keyboard, for narrow screens, to read. */
import { Lock } from "lucide-react";
import { bundles, worst, type Graph, type Node } from "../lib/lineage";
import { Badge, Button } from "../parts/base";
import { KindIcon, RefLink } from "../parts/refs";
import { outcomeTones } from "../parts/statement";
import { text } from "../text";
import { edgeWords } from "./words";

interface Props {
  graph: Graph;
  open: (ref: string) => void;
  choose: (from: string, to: string) => void;
}

export function LineageList({ graph, open, choose }: Props) {
  const byRef = new Map(graph.nodes.map((n) => [n.ref, n]));
  return (
    <div className="card overflow-x-auto">
      <table className="w-full border-collapse text-left max-md:block max-md:[&_tbody]:block max-md:[&_td]:block max-md:[&_thead]:hidden max-md:[&_tr]:block max-md:[&_tr]:py-2">
        <thead className="bg-page text-[0.86rem] text-muted">
          <tr>
            <th className="px-4 py-1.5 font-medium">{text.lineage.from}</th>
            <th className="px-4 py-1.5 font-medium">{text.lineage.how}</th>
            <th className="px-4 py-1.5 font-medium">{text.lineage.to}</th>
          </tr>
        </thead>
        <tbody className="divide-y divide-line">
          {bundles(graph.edges).map((bundle) => {
            const { from, to } = bundle[0]!;
            const outcome = worst(bundle);
            return (
              <tr key={`${from} ${to}`} className="align-top">
                <td className="px-4 py-1.5"><End node={byRef.get(from)} refOf={from} open={open} up /></td>
                <td className="px-4 py-1.5">
                  <button type="button" onClick={() => choose(from, to)} className="link text-left">{[...new Set(bundle.map(edgeWords))].join(", ")}</button>
                  {outcome !== "exact" && <span className="ml-2"><Badge tone={outcomeTones[outcome] ?? "plain"}>{outcome}</Badge></span>}
                </td>
                <td className="px-4 py-1.5"><End node={byRef.get(to)} refOf={to} open={open} /></td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function End({ node, refOf, open, up = false }: { node: Node | undefined; refOf: string; open: (ref: string) => void; up?: boolean }) {
  const further = node !== undefined && node.more > 0 && (up ? node.distance < 0 : node.distance > 0);
  return (
    <span className="flex flex-wrap items-center gap-2">
      {node && <KindIcon kind={node.kind} />}
      <RefLink refTo={refOf} short />
      {node?.visibility === "discoverable" && <Lock aria-label={text.search.stub} className="size-3.5 text-muted" />}
      {further && <Button small onClick={() => open(refOf)}>{text.lineage.more(node.more)}</Button>}
    </span>
  );
}
