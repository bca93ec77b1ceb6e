/** A finer layout by ELK in a worker, for graphs that it can bear. */
import ELK from "elkjs/lib/elk-api.js";
import workerUrl from "elkjs/lib/elk-worker.min.js?url";
import { bundles, gap, nodeSize, type Graph, type Place } from "../lib/lineage";

/** Beyond this many nodes ELK is slow and the plain layers are kept. */
export const most = 300;

export async function fineLayout(graph: Graph): Promise<Map<string, Place>> {
  const elk = new ELK({ workerUrl });
  try {
    const laid = await elk.layout({
      id: "root",
      layoutOptions: { "elk.algorithm": "layered", "elk.direction": "RIGHT", "elk.layered.spacing.nodeNodeBetweenLayers": String(gap.x), "elk.spacing.nodeNode": String(gap.y) },
      children: graph.nodes.map((n) => ({ id: n.ref, ...nodeSize })),
      edges: bundles(graph.edges).map(([e]) => ({ id: `${e!.from}\n${e!.to}`, sources: [e!.from], targets: [e!.to] })),
    });
    return new Map((laid.children ?? []).map((c) => [c.id, { x: c.x ?? 0, y: c.y ?? 0 }]));
  } finally {
    elk.terminateWorker();
  }
}
