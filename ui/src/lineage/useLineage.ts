/** Reads the lineage of a ref and of each node that was opened beyond it. */
import { useEffect, useState } from "react";
import { useClient, type Client, type CombinedError } from "urql";
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

async function read(client: Client, ref: string, direction: Direction, columns: boolean): Promise<{ part?: Part; error?: CombinedError }> {
  const { data, error } = await client.query(LineageDocument, { ref, direction, columns, depth: 1, limit }).toPromise();
  return { ...(data ? { part: data.lineage } : {}), ...(error ? { error } : {}) };
}

async function readAll(client: Client, { ref, direction, columns, open }: Asked): Promise<Answer> {
  const first = await read(client, ref, direction, columns);
  if (!first.part) return first.error ? { error: first.error } : {};
  let graph = graphOf(first.part);
  for (const opened of open) {
    const node = graph.nodes.find((n) => n.ref === opened);
    if (!node) continue;
    const { part, error } = await read(client, opened, node.distance < 0 ? "UP" : "DOWN", columns);
    if (error) return { graph, error };
    if (part) graph = grow(graph, opened, part);
  }
  return { graph };
}

export function useLineage(asked: Asked): Answer & { fetching: boolean; again: () => void } {
  const client = useClient();
  const [answer, setAnswer] = useState<Answer & { to: string }>({ to: "" });
  const [tries, setTries] = useState(0);
  const { ref, direction, columns } = asked;
  const open = asked.open.join("\n");
  const question = JSON.stringify([ref, direction, columns, open, tries]);
  useEffect(() => {
    let current = true;
    void readAll(client, { ref, direction, columns, open: open === "" ? [] : open.split("\n") }).then((found) => {
      if (current) setAnswer({ ...found, to: question });
    });
    return () => {
      current = false;
    };
  }, [client, ref, direction, columns, open, question]);
  // Until the next answer comes, the last graph of the same root stays.
  const graph = answer.graph?.root === ref ? answer.graph : undefined;
  return { ...(graph ? { graph } : {}), ...(answer.error && answer.to === question ? { error: answer.error } : {}), fetching: answer.to !== question, again: () => setTries(tries + 1) };
}
