/** The plans, and making one: what the policy wants against what stands. */
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useMutation, useQuery } from "urql";
import { useMay } from "../api/session";
import { AudiencesDocument, MakePlanDocument, PlansDocument, type PlansQuery } from "../gql/graphql";
import { Badge, Button, Empty, PageHead, Problem, Time, Waiting } from "../parts/base";
import { text } from "../text";
import { stateTones } from "./states";

const pageSize = 20;

export function ViewsPage() {
  const may = useMay("plan");
  return (
    <>
      <PageHead title={text.shell.views} lead={text.views.lead} />
      {may && <MakePlan />}
      <Plans />
    </>
  );
}

/** A page of plans; the next is read when it is asked for. */
function Plans({ after = null }: { after?: string | null }) {
  const may = useMay("plan");
  const [next, setNext] = useState(false);
  const [{ data, error }, again] = useQuery({ query: PlansDocument, variables: { first: pageSize, after }, requestPolicy: "cache-and-network" });
  if (error && !data) return <Problem error={error} again={() => again({ requestPolicy: "network-only" })} />;
  if (!data) return <Waiting />;
  const { edges, pageInfo } = data.plans;
  if (edges.length === 0 && after === null) return <Empty title={text.views.none.title} lead={may ? text.views.none.lead : text.views.none.mayNot} />;
  return (
    <>
      <ul aria-label={text.views.plans} className={`card divide-y divide-line ${after === null ? "" : "mt-3"}`}>
        {edges.map(({ node }) => (
          <PlanLine key={node.id} plan={node} />
        ))}
      </ul>
      {pageInfo.hasNextPage && !next && (
        <p className="mt-3 text-center">
          <Button onClick={() => setNext(true)}>{text.search.more}</Button>
        </p>
      )}
      {pageInfo.hasNextPage && next && <Plans after={pageInfo.endCursor ?? ""} />}
    </>
  );
}

type Line = PlansQuery["plans"]["edges"][number]["node"];

function PlanLine({ plan }: { plan: Line }) {
  const blocking = plan.findings.filter((f) => f.level === "block").length;
  const warnings = plan.findings.filter((f) => f.level === "warn").length;
  return (
    <li>
      <Link to="/views/$id" params={{ id: plan.id }} className="flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-3 hover:bg-page">
        <Badge tone={stateTones[plan.state] ?? "plain"}>{plan.state}</Badge>
        <span className="font-medium">{text.views.forAudiences(plan.audiences)}</span>
        <span className="text-muted">{text.views.steps(plan.steps.length)}</span>
        {blocking > 0 && <Badge tone="bad">{text.views.blocking(blocking)}</Badge>}
        {warnings > 0 && <Badge tone="warn">{text.views.warnings(warnings)}</Badge>}
        <span className="ml-auto text-[0.9rem] text-muted max-sm:ml-0">
          {`${plan.plannedBy}, `}
          <Time at={plan.plannedAt} ago />
        </span>
      </Link>
    </li>
  );
}

function MakePlan() {
  const navigate = useNavigate();
  const [{ data }] = useQuery({ query: AudiencesDocument });
  const [{ fetching, error }, make] = useMutation(MakePlanDocument);
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const chosen = data?.audiences.filter((a) => !left.has(a.name)).map((a) => a.name) ?? [];
  const toggle = (name: string) => {
    const next = new Set(left);
    if (!next.delete(name)) next.add(name);
    setLeft(next);
  };
  const go = async () => {
    const answer = await make({ audiences: left.size === 0 ? null : chosen });
    if (answer.data) void navigate({ to: "/views/$id", params: { id: answer.data.plan.id } });
  };
  return (
    <section aria-label={text.views.make} className="card mb-5 p-4">
      <h2 className="font-semibold">{text.views.make}</h2>
      <p className="mb-3 text-muted">{text.views.makeLead}</p>
      <fieldset className="mb-3 flex flex-wrap gap-x-5 gap-y-2">
        <legend className="sr-only">{text.views.audiences}</legend>
        {data?.audiences.map((audience) => (
          <label key={audience.name} className="flex items-center gap-2">
            <input type="checkbox" checked={!left.has(audience.name)} onChange={() => toggle(audience.name)} className="accent-(--accent)" />
            {audience.title}
            <span className="text-muted">{audience.purpose}</span>
          </label>
        ))}
      </fieldset>
      {error && <Problem error={error} />}
      <Button look="primary" disabled={fetching || chosen.length === 0} onClick={() => void go()}>
        {fetching ? text.views.making : text.views.make}
      </Button>
    </section>
  );
}
