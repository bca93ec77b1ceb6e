/** Reads the lineage of a ref and of each node that was opened beyond it. */
import { useEffect, useState } from "react";
import { useClient, type Client, type CombinedError, type RequestPolicy } from "urql";
import { LineageDocument, type Direction } from "../gql/graphql";
import { graphOf, grow, type Graph, type Part } from "../lib/lineage";

const limit = 200;

interface Asked {
  ref: string;
  direction: Direction;
  columns: boolean;
  open: readonly string[];
}

interface Answer {
  graph?: Graph;
  error?: CombinedError;
}

async function read(client: Client, ref: string, direction: Direction, columns: boolean, requestPolicy: RequestPolicy): Promise<{ part?: Part; error?: CombinedError }> {
  const { data, error } = await client.query(LineageDocument, { ref, direction, columns, depth: 1, limit }, { requestPolicy }).toPromise();
  return { ...(data ? { part: data.lineage } : {}), ...(error ? { error } : {}) };
}

async function readAll(client: Client, { ref, direction, columns, open }: Asked): Promise<Answer> {
  const first = await read(client, ref, direction, columns, open.length === 0 ? "network-only" : "cache-first");
  if (!first.part) return first.error ? { error: first.error } : {};
  let graph = graphOf(first.part);
  for (const opened of open) {
    const node = graph.nodes.find((n) => n.ref === opened);
    if (!node) continue;
    const { part, error } = await read(client, opened, node.distance < 0 ? "UP" : "DOWN", columns, "cache-first");
    if (error) return { graph, error };
    if (part) graph = grow(graph, opened, part);
  }
  return { graph };
}

export function useLineage(asked: Asked): Answer & { fetching: boolean; again: () => void } {
  const client = useClient();
  const [answer, setAnswer] = useState<Answer & { to: string; of: string }>({ to: "", of: "" });
  const [tries, setTries] = useState(0);
  const { ref, direction, columns } = asked;
  const open = asked.open.join("\n");
  const question = JSON.stringify([ref, direction, columns, open, tries]);
  useEffect(() => {
    let current = true;
    void readAll(client, { ref, direction, columns, open: open === "" ? [] : open.split("\n") }).then((found) => {
      if (current) setAnswer({ ...found, to: question, of: ref });
    });
    return () => {
      current = false;
    };
  }, [client, ref, direction, columns, open, question]);
  // Until the next answer comes, the last graph of the same ref stays.
  const graph = answer.of === ref ? answer.graph : undefined;
  return { ...(graph ? { graph } : {}), ...(answer.error && answer.to === question ? { error: answer.error } : {}), fetching: answer.to !== question, again: () => setTries(tries + 1) };
}
