/** The configured sources, what is being done now, and what went wrong. */
import { useEffect, useState } from "react";
import { useMutation, useQuery } from "urql";
import { useMay } from "../api/session";
import { failure } from "../api/tagging";
import { CrawlDocument, SourcesDocument, type SourcesQuery } from "../gql/graphql";
import { Link } from "@tanstack/react-router";
import { Badge, Button, Empty, PageHead, Problem, Time, Waiting } from "../parts/base";
import { useNotice } from "../parts/notice";
import { text } from "../text";
import { HeldNote } from "./Held";
import { Runs } from "./Runs";
import { Tokens } from "./Tokens";

const every = 1500;

export function SourcesPage() {
  const administers = useMay("administer");
  const [{ data, error }, again] = useQuery({ query: SourcesDocument, requestPolicy: "cache-and-network" });
  const [eager, setEager] = useState(0);
  const working = (data?.activity.length ?? 0) > 0 || eager > 0;
  useEffect(() => {
    if (!working) return;
    const timer = setInterval(() => {
      setEager((n) => Math.max(n - 1, 0));
      again({ requestPolicy: "network-only" });
    }, every);
    return () => clearInterval(timer);
  }, [working, again]);
  if (error && !data) return <Problem error={error} again={() => again({ requestPolicy: "network-only" })} />;
  return (
    <>
      <PageHead title={text.shell.sources} lead={text.sources.lead} />
      {!data && <Waiting />}
      {data?.sources.length === 0 && <Empty title={text.sources.none.title} lead={text.sources.none.lead} />}
      <ul className="mb-7 grid gap-3 lg:grid-cols-2">
        {data?.sources.map((source) => (
          <SourceCard key={source.name} source={source} crawling={data.activity.some((a) => a.kind === "crawl" && a.subject === source.name)} crawled={() => { setEager(3); again({ requestPolicy: "network-only" }); }} />
        ))}
      </ul>
      {data && <ActivityList activity={data.activity} />}
      {administers && <Tokens />}
    </>
  );
}

type Source = SourcesQuery["sources"][number];

function SourceCard({ source, crawling, crawled }: { source: Source; crawling: boolean; crawled: () => void }) {
  const may = useMay("crawl");
  const [{ fetching }, crawl] = useMutation(CrawlDocument);
  const notice = useNotice();
  const go = async () => {
    const { error } = await crawl({ source: source.name });
    if (error) notice({ text: failure(error), tone: "bad" });
    else crawled();
  };
  return (
    <li className="card flex flex-col gap-2 p-4">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <h2 className="font-semibold">{source.name}</h2>
        <Badge>{source.platform}</Badge>
        {source.problems.length > 0 ? <Badge tone="bad">{text.home.problems(source.problems.length)}</Badge> : source.crawledAt && <Badge tone="ok">{text.home.healthAll}</Badge>}
        {may && source.platform !== "push" && <Button small className="ml-auto" disabled={fetching || crawling} onClick={() => void go()}>{crawling ? text.sources.crawling : text.sources.crawl}</Button>}
      </div>
      <p className="text-muted">
        <Link to="/" search={{ source: [source.name], all: true }} className="link">{text.home.assets(source.assets)}</Link>
        {", "}
        {source.crawledAt ? <>{`${source.platform === "push" ? text.sources.pushed : text.sources.crawled} `}<Time at={source.crawledAt} ago /></> : source.platform === "push" ? text.sources.neverPushed : text.sources.never}
      </p>
      {source.held && <HeldNote source={source.name} held={source.held} allowed={crawled} />}
      {source.problems.length > 0 && (
        <ul className="flex flex-col gap-1.5">
          {source.problems.map((problem) => (
            <li key={problem} className="rounded-lg border border-bad bg-bad-soft px-3 py-1.5 [overflow-wrap:anywhere]">{problem}</li>
          ))}
        </ul>
      )}
      {may && <Runs source={source.name} undone={crawled} />}
    </li>
  );
}

function ActivityList({ activity }: { activity: SourcesQuery["activity"] }) {
  return (
    <section aria-label={text.sources.activity}>
      <h2 className="mb-2 font-semibold">{text.sources.activity}</h2>
      {activity.length === 0 ? (
        <p className="text-muted">{text.sources.idle}</p>
      ) : (
        <ul className="card divide-y divide-line">
          {activity.map((job, i) => (
            <li key={`${job.kind} ${job.subject} ${i}`} className="flex flex-wrap items-center gap-3 px-4 py-2.5">
              <Badge tone={job.state === "running" ? "accent" : "plain"}>{job.state}</Badge>
              <span className="font-medium">{job.kind}</span>
              <span className="min-w-0 truncate text-muted">{job.subject}</span>
              <span className="ml-auto text-muted tabular-nums">{job.total > 0 ? text.sources.of(job.done, job.total) : job.done > 0 ? text.count(job.done) : ""}</span>
              {job.total > 0 && <progress aria-label={`${job.kind} ${job.subject}`} max={job.total} value={job.done} className="h-2 w-40 accent-(--accent)" />}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
