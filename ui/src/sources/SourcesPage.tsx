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

/** How often the page asks while something is being done, and while nothing is, in ms. */
const every = 1500;
const idleEvery = 15_000;

export function SourcesPage() {
  const administers = useMay("administer");
  const [{ data, error }, again] = useQuery({ query: SourcesDocument, requestPolicy: "cache-and-network" });
  const [eager, setEager] = useState(0);
  const working = (data?.activity.some((job) => job.state !== "failed") ?? false) || eager > 0;
  useEffect(() => {
    const timer = setInterval(() => {
      setEager((n) => Math.max(n - 1, 0));
      again({ requestPolicy: "network-only" });
    }, working ? every : idleEvery);
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
          <SourceCard key={source.name} source={source} crawl={data.activity.find((a) => a.kind === "crawl" && a.subject === source.name && a.state !== "failed")} crawled={() => { setEager(3); again({ requestPolicy: "network-only" }); }} />
        ))}
      </ul>
      {data && <ActivityList activity={data.activity} />}
      {administers && <Tokens />}
    </>
  );
}

type Source = SourcesQuery["sources"][number];

type Job = SourcesQuery["activity"][number];

function SourceCard({ source, crawl: job, crawled }: { source: Source; crawl: Job | undefined; crawled: () => void }) {
  const may = useMay("crawl");
  const [{ fetching }, crawl] = useMutation(CrawlDocument);
  const notice = useNotice();
  const go = async () => {
    const { error } = await crawl({ source: source.name });
    if (error) notice({ text: failure(error), tone: "bad" });
    else crawled();
  };
  // What is held back is told by its own note, with the way to allow it.
  const told = source.problems.filter((problem) => !source.held || !problem.includes(`--remove ${source.held.hash}`));
  return (
    <li className="card flex flex-col gap-2 p-4">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <h2 className="font-semibold">{source.name}</h2>
        <Badge>{source.platform}</Badge>
        {source.problems.length > 0 ? <Badge tone="bad">{text.home.problems(source.problems.length)}</Badge> : source.crawledAt && <Badge tone="ok">{text.home.healthAll}</Badge>}
        {may && source.platform !== "push" && <Button small className="ml-auto" disabled={fetching || !!job} onClick={() => void go()}>{job ? text.sources.crawling : text.sources.crawl}</Button>}
      </div>
      <p className="text-muted">
        <Link to="/" search={{ source: [source.name], all: true }} className="link">{text.home.assets(source.assets)}</Link>
        {", "}
        {source.crawledAt ? <>{`${source.platform === "push" ? text.sources.pushed : text.sources.crawled} `}<Time at={source.crawledAt} ago /></> : source.platform === "push" ? text.sources.neverPushed : text.sources.never}
        {source.platform !== "push" && <>{", "}{source.schedule ? <><code>{source.schedule}</code>{source.nextCrawlAt && <>{`, ${text.sources.next} `}<Time at={source.nextCrawlAt} ago /></>}</> : text.sources.unscheduled}</>}
      </p>
      {source.held && <HeldNote source={source.name} held={source.held} allowed={crawled} />}
      {job && job.done > 0 && <p role="status" className="text-muted tabular-nums">{text.sources.seen(job.done)}</p>}
      {told.length > 0 && (
        <ul className="flex flex-col gap-1.5">
          {told.map((problem) => (
            <li key={problem} className="rounded-lg border border-bad bg-bad-soft px-3 py-1.5 [overflow-wrap:anywhere]">{problem}</li>
          ))}
        </ul>
      )}
      {may && source.platform !== "push" && <Runs source={source.name} undone={crawled} />}
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
              <Badge tone={job.state === "running" ? "accent" : job.state === "failed" || job.state === "retrying" ? "bad" : "plain"}>{job.state}</Badge>
              <span className="font-medium">{job.kind}</span>
              <span className="min-w-0 truncate text-muted">{job.subject}</span>
              <span className="ml-auto text-muted tabular-nums">{job.total > 0 ? text.sources.of(job.done, job.total) : job.done > 0 ? text.count(job.done) : ""}</span>
              {job.total > 0 && <progress aria-label={`${job.kind} ${job.subject}`} max={job.total} value={job.done} className="h-2 w-40 accent-(--accent)" />}
              <JobTimes job={job} />
              {job.error && <p className="w-full text-muted [overflow-wrap:anywhere]">{job.error}</p>}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

/** Since when a job runs, when it is tried again or when it was given up, and which run of how many that is. */
function JobTimes({ job }: { job: Job }) {
  return (
    <span className="text-muted tabular-nums">
      {job.nextAt ? <>{`${text.sources.again} `}<Time at={job.nextAt} ago /></> : job.endedAt ? <>{`${text.sources.gaveUp} `}<Time at={job.endedAt} ago /></> : job.state === "running" && job.startedAt ? <>{`${text.sources.since} `}<Time at={job.startedAt} ago /></> : null}
      {job.attempt > 1 && ` ${text.sources.attempt(job.attempt, job.attempts)}`}
    </span>
  );
}
