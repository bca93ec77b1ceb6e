/** A removal that a run held back: what it would end, and the way to allow it. */
import { useState } from "react";
import { useMutation } from "urql";
import { useMay } from "../api/session";
import { failure } from "../api/tagging";
import { CrawlDocument, type HeldPartsFragment } from "../gql/graphql";
import { Button } from "../parts/base";
import { useNotice } from "../parts/notice";
import { RefLink } from "../parts/refs";
import { text } from "../text";

export function HeldNote({ source, held, allowed }: { source: string; held: HeldPartsFragment; allowed: () => void }) {
  const may = useMay("crawl");
  const [asked, setAsked] = useState(false);
  const [{ fetching }, crawl] = useMutation(CrawlDocument);
  const notice = useNotice();
  const remove = async () => {
    const { error } = await crawl({ source, remove: held.hash });
    setAsked(false);
    notice(error ? { text: failure(error), tone: "bad" } : { text: text.held.done });
    allowed();
  };
  return (
    <section aria-label={text.held.title(held.total)} className="flex flex-col gap-1.5 rounded-lg border border-warn bg-warn-soft px-3 py-2">
      <h3 className="font-semibold">{text.held.title(held.total)}</h3>
      <ul>
        {held.scopes.map((scope) => (
          <li key={scope.parent ?? ""} className="[overflow-wrap:anywhere]">{text.held.scope(scope.ends, scope.of, scope.parent ?? text.held.whole)}</li>
        ))}
      </ul>
      <p className="text-muted">{held.examples.length < held.total ? text.held.examples : text.held.these}</p>
      <ul className="flex max-h-40 flex-col overflow-y-auto">
        {held.examples.map((ref) => (
          <li key={ref}><RefLink refTo={ref} className="link" /></li>
        ))}
      </ul>
      {held.allowedBy ? (
        <p>{text.held.allowed(held.allowedBy)}</p>
      ) : (
        <>
          <p className="text-muted">{text.held.look}</p>
          {may && (
            <div className="flex flex-wrap items-center gap-2">
              {asked ? (
                <>
                  <span className="font-medium">{text.held.sure(held.total)}</span>
                  <Button small look="danger" disabled={fetching} onClick={() => void remove()}>{text.held.yes}</Button>
                  <Button small autoFocus disabled={fetching} onClick={() => setAsked(false)}>{text.held.no}</Button>
                </>
              ) : (
                <Button small look="danger" onClick={() => setAsked(true)}>{text.held.remove}</Button>
              )}
            </div>
          )}
        </>
      )}
    </section>
  );
}
