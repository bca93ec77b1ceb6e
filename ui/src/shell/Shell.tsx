/** What stands around every page: the rail, the palette, the person. */
import { Link, Outlet, useNavigate, useRouterState, useSearch, type ErrorComponentProps } from "@tanstack/react-router";
import { Activity, Inbox, LayoutPanelLeft, Network, ScrollText, Search, ShieldCheck, type LucideIcon } from "lucide-react";
import { lazy, Suspense, useEffect, useState } from "react";
import { useQuery } from "urql";
import { useMay } from "../api/session";
import { InboxCountDocument } from "../gql/graphql";
import { asMoment } from "../lib/moment";
import { isTyping } from "../lib/typing";
import { Button, Empty, Waiting } from "../parts/base";
import { text } from "../text";
import { GlassBanner } from "./Glass";
import { AtMoment, InTime } from "../time/InTime";
import { Picker } from "../time/Picker";
import { PersonMenu } from "./PersonMenu";

const Palette = lazy(() => import("./Palette"));

export const pages = [
  { to: "/", title: text.shell.search, icon: Search },
  { to: "/inbox", title: text.shell.inbox, icon: Inbox },
  { to: "/lineage", title: text.shell.lineage, icon: Network },
  { to: "/policies", title: text.shell.policies, icon: ShieldCheck },
  { to: "/views", title: text.shell.views, icon: LayoutPanelLeft },
  { to: "/audit", title: text.shell.audit, icon: ScrollText },
  { to: "/sources", title: text.shell.sources, icon: Activity },
] as const satisfies readonly { to: string; title: string; icon: LucideIcon }[];

export function Shell() {
  const [finding, setFinding] = useState(false);
  // The router keeps a key that a page does not know as it was written.
  const asOf = asMoment(useSearch({ strict: false }).asOf);
  useShellKeys(() => setFinding(true));
  return (
    <div className="flex min-h-dvh flex-col md:flex-row">
      <a href="#page" className="sr-only focus:not-sr-only focus:absolute focus:z-50 focus:m-2 focus:rounded focus:bg-raised focus:px-3 focus:py-2">
        {text.shell.skip}
      </a>
      <Rail find={() => setFinding(true)} asOf={asOf} />
      <div className="min-w-0 flex-1">
        <GlassBanner />
        <main id="page" tabIndex={-1} className="mx-auto w-full min-w-0 max-w-[92rem] px-4 py-5 outline-none md:px-8 md:py-7">
          <AtMoment asOf={asOf}>
            <InTime>
              <Suspense fallback={<Waiting />}>
                <Outlet />
              </Suspense>
            </InTime>
          </AtMoment>
        </main>
      </div>
      {finding && (
        <Suspense fallback={null}>
          <AtMoment asOf={asOf}>
            <Palette close={() => setFinding(false)} />
          </AtMoment>
        </Suspense>
      )}
    </div>
  );
}

function Rail({ find, asOf }: { find: () => void; asOf: string | undefined }) {
  const here = useRouterState({ select: (s) => s.location.pathname });
  const isHere = (to: string) => (to === "/" ? here === "/" || here === "/asset" : here.startsWith(to));
  return (
    <header className="sticky top-0 z-30 flex items-center gap-1 border-b border-line bg-surface px-2 py-1.5 md:h-dvh md:w-52 md:shrink-0 md:flex-col md:items-stretch md:border-r md:border-b-0 md:px-3 md:py-4">
      <Link to="/" className="flex shrink-0 items-center gap-2 px-1 font-semibold tracking-tight md:mb-3 md:px-2 md:text-[1.1rem]">
        <img src="/mark.svg" alt="" className="size-6" />
        <span className="max-md:sr-only">{text.name}</span>
      </Link>
      <button type="button" onClick={find} className="mb-3 hidden items-center justify-between rounded-[7px] border border-line bg-page px-2.5 py-1.5 text-muted hover:border-line-strong md:flex">
        {text.shell.find}
        <kbd className="font-sans text-[0.82rem]">⌘K</kbd>
      </button>
      <nav aria-label={text.shell.rail} className="flex min-w-0 flex-1 gap-0.5 overflow-x-auto md:flex-col md:overflow-visible">
        {pages.map(({ to, title, icon: Icon }) => (
          <Link key={to} to={to} aria-current={isHere(to) ? "page" : undefined} title={title} className={`flex items-center gap-2.5 rounded-[7px] px-2.5 py-1.5 font-medium ${isHere(to) ? "bg-accent-soft text-accent" : "text-muted hover:bg-sunken hover:text-ink"}`}>
            <Icon aria-hidden className="size-[1.15rem] shrink-0" />
            <span className="max-md:sr-only">{title}</span>
            {to === "/inbox" && asOf === undefined && <InboxCount />}
          </Link>
        ))}
      </nav>
      <Picker asOf={asOf} />
      <PersonMenu />
    </header>
  );
}

function InboxCount() {
  const may = useMay("tag");
  const [{ data }] = useQuery({ query: InboxCountDocument, pause: !may });
  const total = data?.inbox.total ?? 0;
  return total > 0 ? <span className="ml-auto rounded-full bg-warn-soft px-1.5 text-[0.82rem] text-warn tabular-nums max-md:hidden">{text.count(total)}</span> : null;
}

/** ⌘K and Ctrl+K open the palette; "/" goes to the page's search field, or to search. */
function useShellKeys(find: () => void): void {
  const navigate = useNavigate();
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        find();
        return;
      }
      if (event.key !== "/" || event.metaKey || event.ctrlKey || event.altKey || isTyping(event.target)) return;
      event.preventDefault();
      const field = document.querySelector<HTMLInputElement>("input[data-search]");
      if (field) field.focus();
      else void navigate({ to: "/" });
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [find, navigate]);
}

export function NotFound() {
  return (
    <Empty title={text.shell.notFound.title}>
      <Link to="/" className="link">
        {text.shell.notFound.do}
      </Link>
    </Empty>
  );
}

export function Crashed({ error, reset }: ErrorComponentProps) {
  return (
    <Empty title={text.shell.crashed.title} lead={error instanceof Error ? error.message : undefined}>
      <Button onClick={reset}>{text.shell.crashed.do}</Button>
    </Empty>
  );
}
