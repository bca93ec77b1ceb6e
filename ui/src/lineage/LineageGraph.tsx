/** The drawn graph: nodes in layers, counts before more nodes. */
import "@xyflow/react/dist/base.css";
import { Background, Controls, Handle, MarkerType, Position, ReactFlow, type Edge as DrawnEdge, type Node as DrawnNode, type NodeProps } from "@xyflow/react";
import { Link } from "@tanstack/react-router";
import { Lock } from "lucide-react";
import { useEffect, useMemo, useState } from "react";
import { bundles, layers, nodeSize, worst, type Graph, type Node, type Place } from "../lib/lineage";
import { assetOf, baseName, container, parseRef } from "../lib/ref";
import { KindIcon } from "../parts/refs";
import { text } from "../text";
import { edgeWords } from "./words";

interface Props {
  graph: Graph;
  chosen: readonly string[] | undefined;
  open: (ref: string) => void;
  choose: (from: string, to: string) => void;
  go: (ref: string) => void;
}

type Thing = DrawnNode<{ node: Node; root: boolean; open: (ref: string) => void; go: (ref: string) => void }, "thing">;

const nodeTypes = { thing: ThingNode };

export default function LineageGraph({ graph, chosen, open, choose, go }: Props) {
  const { places, fine } = useLayout(graph);
  const nodes = useMemo<Thing[]>(
    () => graph.nodes.map((node) => ({ id: node.ref, type: "thing", position: places.get(node.ref) ?? { x: 0, y: 0 }, initialWidth: nodeSize.width, initialHeight: nodeSize.height, width: nodeSize.width, height: nodeSize.height, draggable: false, data: { node, root: node.distance === 0, open, go } })),
    [graph, places, open, go],
  );
  const edges = useMemo<DrawnEdge[]>(() => bundles(graph.edges).map((bundle) => drawn(bundle, chosen)), [graph, chosen]);
  return (
    <div className="card overflow-hidden" style={{ height: `min(70dvh, ${22 + graph.nodes.length * 2}rem)` }}>
      <ReactFlow key={`${graph.root} ${graph.nodes.length} ${fine}`} nodes={nodes} edges={edges} nodeTypes={nodeTypes} fitView fitViewOptions={{ maxZoom: 1, padding: 0.15 }} minZoom={0.1} maxZoom={1.5} nodesConnectable={false} nodesFocusable={false} edgesFocusable onEdgeClick={(_event, edge) => choose(edge.source, edge.target)} proOptions={{ hideAttribution: true }} aria-label={text.lineage.title}>
        <Background gap={24} color="var(--line)" />
        <Controls showInteractive={false} />
      </ReactFlow>
    </div>
  );
}

function drawn(bundle: ReturnType<typeof bundles>[number], chosen: readonly string[] | undefined): DrawnEdge {
  const { from, to, kind } = bundle[0]!;
  const outcome = worst(bundle);
  const isChosen = chosen?.[0] === from && chosen[1] === to;
  const stroke = isChosen ? "var(--accent)" : outcome === "failed" ? "var(--bad)" : outcome === "partial" ? "var(--warn)" : "var(--line-strong)";
  const words = [...new Set(bundle.map(edgeWords))].join(", ");
  return {
    id: `${from}\n${to}`, source: from, target: to,
    ariaLabel: `${baseName(from)} → ${baseName(to)}: ${words}`,
    ...(kind !== "reads" && kind !== "identity" ? { label: words } : {}),
    style: { stroke, strokeWidth: isChosen ? 2.5 : 1.5, ...(outcome === "exact" ? {} : { strokeDasharray: "6 4" }) },
    labelStyle: { fill: "var(--muted)", fontSize: 11 }, labelBgStyle: { fill: "var(--surface)" }, labelBgPadding: [4, 2],
    markerEnd: { type: MarkerType.ArrowClosed, color: stroke, width: 16, height: 16 },
  };
}

/** Layers at once; ELK's finer places when they come. */
function useLayout(graph: Graph): { places: Map<string, Place>; fine: boolean } {
  const plain = useMemo(() => layers(graph), [graph]);
  const [fine, setFine] = useState<{ graph: Graph; places: Map<string, Place> } | null>(null);
  useEffect(() => {
    let current = true;
    void import("./layout").then(async ({ fineLayout, most }) => {
      if (graph.nodes.length > most || graph.nodes.length < 4) return;
      const places = await fineLayout(graph).catch(() => null);
      if (current && places) setFine({ graph, places });
    });
    return () => {
      current = false;
    };
  }, [graph]);
  return fine?.graph === graph ? { places: fine.places, fine: true } : { places: plain, fine: false };
}

function ThingNode({ data: { node, root, open, go } }: NodeProps<Thing>) {
  const stub = node.visibility === "discoverable";
  const isColumn = parseRef(node.ref).path !== "";
  const side = node.distance < 0 ? "-left-2 -translate-x-full" : "-right-2 translate-x-full";
  return (
    <div className={`flex h-full flex-col justify-center rounded-[9px] border bg-surface px-3 ${root ? "border-2 border-accent" : stub ? "border-dashed border-line-strong" : "border-line-strong"}`}>
      <Handle type="target" position={Position.Left} isConnectable={false} className="opacity-0" />
      <span className="flex min-w-0 items-center gap-1.5">
        {stub ? <Lock aria-label={text.search.stub} className="size-4 shrink-0 text-muted" /> : <KindIcon kind={node.kind} />}
        <Link to="/asset" search={{ ref: assetOf(node.ref), ...(isColumn ? { column: parseRef(node.ref).path } : {}) }} title={node.ref} className={`nodrag truncate font-medium hover:text-accent ${isColumn ? "font-mono text-[0.93em]" : ""}`}>
          {node.name}
        </Link>
      </span>
      <span className="truncate text-[0.84rem] text-muted">{stub ? text.search.stub : isColumn ? baseName(node.ref) : container(node.ref)}</span>
      {node.labels.length > 0 && <span className="truncate text-[0.8rem] text-warn" title={node.labels.join(", ")}>{node.labels[0]}{node.labels.length > 1 && ` +${node.labels.length - 1}`}</span>}
      {node.more > 0 && (
        <button type="button" onClick={() => (root ? go(node.ref) : open(node.ref))} aria-label={`${node.name}: ${text.lineage.more(node.more)}`} className={`nodrag nopan absolute top-1/2 -translate-y-1/2 rounded-full border border-line-strong bg-raised px-2 text-[0.84rem] text-accent hover:bg-accent-soft ${side}`}>
          {`+${text.count(node.more)}`}
        </button>
      )}
      <Handle type="source" position={Position.Right} isConnectable={false} className="opacity-0" />
    </div>
  );
}
