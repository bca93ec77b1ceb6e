/** What became of an asset: when, by whom, why, and from what to what. */
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useQuery } from "urql";
import { HistoryDocument, type HistoryQuery } from "../gql/graphql";
import { Badge, Button, Empty, Problem, Time, Waiting, type Tone } from "../parts/base";
import { labelTitle } from "../parts/tags";
import { text } from "../text";

type Page = NonNullable<HistoryQuery["asset"]>["history"];
type Entry = Page["edges"][number]["node"];
type Change = Entry["changes"][number];

const pageSize = 20;

export function History({ refOf }: { refOf: string }) {
  return (
    <ol className="flex flex-col gap-3">
      <Part refOf={refOf} after={null} />
    </ol>
  );
}

/** One page and, once it is asked for, the next. */
function Part({ refOf, after }: { refOf: string; after: string | null }) {
  const [more, setMore] = useState(false);
  const [{ data, error }, again] = useQuery({ query: HistoryDocument, variables: { ref: refOf, first: pageSize, after }, requestPolicy: "cache-and-network" });
  if (error && !data) return <li><Problem error={error} again={() => again({ requestPolicy: "network-only" })} /></li>;
  if (!data) return <li><Waiting lines={5} /></li>;
  const page = data.asset?.history;
  if (!page || (page.edges.length === 0 && after === null)) {
    return <li><Empty title={text.history.none.title} lead={page?.complete === false ? text.history.removed : text.history.none.lead} /></li>;
  }
  return (
    <>
      {page.edges.map(({ node }) => (
        <OneRevision key={node.revision} entry={node} refOf={refOf} />
      ))}
      {page.pageInfo.hasNextPage && !more && (
        <li className="text-center">
          <Button onClick={() => setMore(true)}>{text.history.more}</Button>
        </li>
      )}
      {page.pageInfo.hasNextPage && more && <Part refOf={refOf} after={page.pageInfo.endCursor ?? null} />}
      {!page.pageInfo.hasNextPage && !page.complete && <li className="text-muted">{text.history.removed}</li>}
    </>
  );
}

function OneRevision({ entry, refOf }: { entry: Entry; refOf: string }) {
  const moved = entry.changes.filter(onlyMoved).length;
  return (
    <li className="card px-4 py-3">
      <p className="mb-2 flex flex-wrap items-baseline gap-x-3 gap-y-1">
        <Link to="/asset" search={{ ref: refOf, asOf: String(entry.revision) }} title={text.history.look} className="link font-semibold">
          {text.shell.revision(entry.revision)}
        </Link>
        <Time at={entry.at} />
        <span className="text-muted [overflow-wrap:anywhere]">{text.history.by(entry.actor)}</span>
        {entry.why && <span className="text-muted">{entry.why}</span>}
      </p>
      <ul className="flex flex-col gap-1.5">
        {entry.changes.filter((c) => !onlyMoved(c)).map((change, i) => (
          <OneChange key={i} change={change} />
        ))}
        {moved > 0 && <li className="text-muted">{text.history.moved(moved)}</li>}
      </ul>
    </li>
  );
}

/** A column that only stands at another place: what came before it tells more. */
function onlyMoved(change: Change): boolean {
  return change.how === "changed" && change.attributes.every((a) => a.name === "position");
}

const tones: Record<string, Tone> = { began: "ok", changed: "info", ended: "bad" };

function OneChange({ change }: { change: Change }) {
  const told = change.attributes.filter((a) => a.name !== "position");
  return (
    <li>
      <p className="flex flex-wrap items-baseline gap-2">
        <Badge tone={tones[change.how] ?? "plain"}>{change.how}</Badge>
        <span className="text-muted">{change.noun}</span>
        <span className="font-medium [overflow-wrap:anywhere]">{change.noun === "tag" ? labelTitle(change.name) : change.name}</span>
        {(change.noun === "tag" && change.ref.includes("#")) && <span className="text-muted [overflow-wrap:anywhere]">{text.history.on(change.ref.split("#")[1] ?? "")}</span>}
      </p>
      {change.how === "began" && told.length > 0 && <p className="ml-4 text-[0.93rem] text-muted [overflow-wrap:anywhere]">{told.map((a) => `${a.name}: ${a.to}`).join(" · ")}</p>}
      {change.how === "changed" && (
        <dl className="mt-1 ml-4 grid grid-cols-[max-content_minmax(0,1fr)] gap-x-3 gap-y-0.5 text-[0.93rem]">
          {told.map((a) => (
            <div key={a.name} className="contents">
              <dt className="text-muted">{a.name}</dt>
              <dd className="[overflow-wrap:anywhere]">
                {a.from !== "" && <del className="text-bad">{a.from}</del>}
                {a.from !== "" && a.to !== "" && <span aria-label={text.history.became}> → </span>}
                {a.to !== "" && <ins className="no-underline">{a.to}</ins>}
              </dd>
            </div>
          ))}
        </dl>
      )}
    </li>
  );
}
