/** One plan: what a person should know, each step, and what may be done. */
import { getRouteApi, Link } from "@tanstack/react-router";
import { useQuery } from "urql";
import { PlanDocument, type PlanQuery } from "../gql/graphql";
import { Badge, Empty, PageHead, Problem, Time, Waiting } from "../parts/base";
import { RefLink } from "../parts/refs";
import { text } from "../text";
import { PlanActions } from "./PlanActions";
import { stateTones } from "./states";
import { Steps } from "./Steps";

const route = getRouteApi("/views/$id");

export type Plan = NonNullable<PlanQuery["plan"]>;

export function PlanPage() {
  const { id } = route.useParams();
  const [{ data, error }, again] = useQuery({ query: PlanDocument, variables: { id }, requestPolicy: "cache-and-network" });
  if (error && !data?.plan) return <Problem error={error} again={() => again({ requestPolicy: "network-only" })} />;
  if (!data) return <Waiting lines={8} />;
  if (!data.plan) {
    return (
      <Empty title={text.plan.missing.title} lead={text.plan.missing.lead}>
        <Link to="/views" className="link">{text.plan.missing.do}</Link>
      </Empty>
    );
  }
  return <OnePlan plan={data.plan} />;
}

function OnePlan({ plan }: { plan: Plan }) {
  const blocked = plan.findings.some((f) => f.level === "block");
  return (
    <article>
      <PageHead
        title={
          <span className="flex flex-wrap items-center gap-3">
            {text.plan.title(plan.audiences)}
            <Badge tone={stateTones[plan.state] ?? "plain"}>{plan.state}</Badge>
          </span>
        }
        lead={<Story plan={plan} />}
      />
      <PlanActions key={plan.id} plan={plan} blocked={blocked} />
      {plan.reason !== "" && (
        <div role="alert" className="mb-4 rounded-[10px] border border-bad bg-bad-soft px-4 py-3">
          <p className="font-semibold text-bad">{text.plan.because[plan.state] ?? plan.state}</p>
          <p>{plan.reason}</p>
        </div>
      )}
      <Findings plan={plan} />
      {plan.steps.length === 0 ? <Empty title={text.plan.empty.title} lead={text.plan.empty.lead} /> : <Steps plan={plan} />}
    </article>
  );
}

function Story({ plan }: { plan: Plan }) {
  return (
    <>
      {`${text.plan.for(plan.target)} ${text.plan.by(plan.plannedBy)} `}
      <Time at={plan.plannedAt} />
      {`, ${text.shell.revision(plan.revision)}, ${text.effect.policy} `}
      <code className="font-mono" title={plan.policy}>{plan.policy.slice(0, 12)}</code>
      {plan.approvedBy !== "" && `. ${text.plan.approvedBy(plan.approvedBy)}`}
      {". "}
      <code className="font-mono" title={plan.id}>{text.plan.hash(plan.id.slice(0, 12))}</code>
    </>
  );
}

const findingTones = { block: "bad", warn: "warn", info: "info" } as const;

function Findings({ plan }: { plan: Plan }) {
  const order = ["block", "warn", "info"];
  const findings = [...plan.findings].sort((a, b) => order.indexOf(a.level) - order.indexOf(b.level));
  if (findings.length === 0) return null;
  return (
    <section aria-label={text.plan.findings} className="mb-5">
      <h2 className="mb-2 font-semibold">{text.plan.findings}</h2>
      <ul className="card divide-y divide-line">
        {findings.map((finding) => (
          <li key={finding.code + finding.ref} className="flex flex-wrap items-start gap-x-3 gap-y-1 px-4 py-2.5">
            <Badge tone={findingTones[finding.level as keyof typeof findingTones] ?? "plain"} title={finding.code}>{finding.level}</Badge>
            <div className="min-w-0 flex-1 basis-72">
              <p>{finding.what}</p>
              <p className="text-muted">{finding.do}</p>
            </div>
            <RefLink refTo={finding.ref} short />
          </li>
        ))}
      </ul>
    </section>
  );
}
