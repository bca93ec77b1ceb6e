/** The page as of the moment in the URL, under a banner that says so. */
import { useNavigate, useRouterState } from "@tanstack/react-router";
import { History } from "lucide-react";
import { useContext, type ReactNode } from "react";
import { Provider, useQuery } from "urql";
import { AsOf, Clients, useAsOf } from "../api/asof";
import { StandingDocument } from "../gql/graphql";
import { Button, Empty, Problem, Time, Waiting } from "../parts/base";
import { momentOf } from "../lib/moment";
import { text } from "../text";

/** Pages of the present alone: what they tell of has no revisions. */
const ofThePresent = ["/inbox", "/policies", "/views", "/audit", "/sources"];

/** Lets what is within ask as of the moment. */
export function AtMoment({ asOf, children }: { asOf: string | undefined; children: ReactNode }) {
  const clients = useContext(Clients);
  if (!clients || asOf === undefined) return children;
  return (
    <AsOf.Provider value={asOf} key={asOf}>
      <Provider value={clients(asOf)}>{children}</Provider>
    </AsOf.Provider>
  );
}

/** Shows the page, and in the past the banner above it. */
export function InTime({ children }: { children: ReactNode }) {
  const asOf = useAsOf();
  const here = useRouterState({ select: (s) => s.location.pathname });
  const [{ data, error }, again] = useQuery({ query: StandingDocument, pause: momentOf(asOf) === undefined });
  if (asOf === undefined) return children;
  if (momentOf(asOf) === undefined) {
    return (
      <>
        <Banner asOf={asOf} />
        <Empty title={text.time.noMoment.title} lead={text.time.noMoment.lead}>
          <ToNow />
        </Empty>
      </>
    );
  }
  if (error && !data) {
    return (
      <>
        <Banner asOf={asOf} />
        <Problem error={error} again={() => again({ requestPolicy: "network-only" })} />
      </>
    );
  }
  const present = ofThePresent.some((path) => here.startsWith(path));
  return (
    <>
      <Banner asOf={asOf} {...(data ? { standing: data.standing } : {})} />
      {present && (
        <Empty title={text.time.presentOnly.title} lead={text.time.presentOnly.lead}>
          <ToNow />
        </Empty>
      )}
      {!present && (data ? children : <Waiting />)}
    </>
  );
}

function Banner({ asOf, standing }: { asOf: string; standing?: { revision: number; at?: string | null } }) {
  return (
    <section aria-label={text.time.banner} role="region" className="z-20 mb-5 flex flex-wrap items-center gap-x-4 gap-y-2 rounded-[10px] border-2 border-warn bg-warn-soft px-4 py-3 shadow-md md:sticky md:top-3">
      <History aria-hidden className="size-6 shrink-0 text-warn" />
      <div className="min-w-0 flex-1 basis-64">
        <p role="status" className="text-[1.05rem] font-semibold text-warn">
          {standing ? (
            <>
              {text.time.looking} {standing.at && <Time at={standing.at} />}
              {`, ${text.shell.revision(standing.revision)}.`}
            </>
          ) : (
            text.time.asked(asOf)
          )}
        </p>
        <p className="text-muted">{text.time.readOnly}</p>
      </div>
      <ToNow look="primary" />
    </section>
  );
}

export function ToNow({ look = "plain" }: { look?: "plain" | "primary" }) {
  const navigate = useNavigate();
  return (
    <Button look={look} onClick={() => void navigate({ to: ".", search: ((was: object) => ({ ...was, asOf: undefined })) as never })}>
      {text.time.toNow}
    </Button>
  );
}
