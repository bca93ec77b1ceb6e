/** Reading again once the work that a write made due has had time to be done. */
import { useEffect } from "react";
import { useClient } from "urql";
import { filter, pipe, subscribe } from "wonka";

const settling = [1200, 4000];

/**
 * After each write of this person, reads again a little later: tags spread and
 * decisions follow in the background. What was read stays on the page.
 */
export function useReadAgainAfterWrites(again: (options: { requestPolicy: "network-only" }) => void): void {
  const client = useClient();
  useEffect(() => {
    let timers: ReturnType<typeof setTimeout>[] = [];
    const { unsubscribe } = pipe(
      client.operations$,
      filter((operation) => operation.kind === "mutation"),
      subscribe(() => {
        timers.forEach(clearTimeout);
        timers = settling.map((ms) => setTimeout(() => again({ requestPolicy: "network-only" }), ms));
      }),
    );
    return () => {
      unsubscribe();
      timers.forEach(clearTimeout);
    };
  }, [client, again]);
}
