/** The small parts of which every page is made. */
import { Link } from "@tanstack/react-router";
import type { ButtonHTMLAttributes, ReactNode } from "react";
import type { CombinedError } from "urql";
import { codeOf, sentenceOf } from "../api/client";
import { cut, type Span } from "../lib/highlight";
import { agoTime, localTime, utcTime } from "../lib/time";
import { text } from "../text";

type Look = "plain" | "primary" | "danger" | "quiet";

const looks: Record<Look, string> = {
  plain: "bg-surface border-line-strong hover:bg-sunken",
  primary: "bg-accent text-accent-ink border-transparent hover:opacity-90",
  danger: "bg-surface text-bad border-bad hover:bg-bad-soft",
  quiet: "border-transparent hover:bg-sunken",
};

export function Button({ look = "plain", small, className = "", ...rest }: ButtonHTMLAttributes<HTMLButtonElement> & { look?: Look; small?: boolean }) {
  const size = small ? "px-2 py-0.5 text-[0.86rem]" : "px-3 py-1.5";
  return <button type="button" {...rest} className={`inline-flex items-center justify-center gap-1.5 whitespace-nowrap rounded-[7px] border font-medium ${size} ${looks[look]} ${className}`} />;
}

export type Tone = "plain" | "accent" | "ok" | "warn" | "bad" | "info";

const tones: Record<Tone, string> = {
  plain: "bg-sunken text-muted",
  accent: "bg-accent-soft text-accent",
  ok: "bg-ok-soft text-ok",
  warn: "bg-warn-soft text-warn",
  bad: "bg-bad-soft text-bad",
  info: "bg-info-soft text-info",
};

export const badgeClass = (tone: Tone): string => `inline-flex max-w-full items-center gap-1 whitespace-nowrap rounded-full px-2 py-px text-[0.82rem] font-medium ${tones[tone]}`;

export function Badge({ tone = "plain", children, title }: { tone?: Tone; children: ReactNode; title?: string }) {
  return (
    <span className={badgeClass(tone)} title={title}>
      {children}
    </span>
  );
}

export function Time({ at, ago }: { at: string; ago?: boolean }) {
  return (
    <time dateTime={at} title={utcTime(at)} className="whitespace-nowrap tabular-nums">
      {ago ? agoTime(at) : localTime(at)}
    </time>
  );
}

export function Highlighted({ children, spans }: { children: string; spans: readonly Span[] }) {
  return cut(children, spans).map((part, i) => (part.marked ? <mark key={i}>{part.text}</mark> : <span key={i}>{part.text}</span>));
}

/** What is shown where there is nothing: what that means and what to do next. */
export function Empty({ title, lead, children }: { title: string; lead?: ReactNode; children?: ReactNode }) {
  return (
    <div className="card mx-auto my-8 flex max-w-xl flex-col items-center gap-3 px-6 py-10 text-center">
      <h2 className="text-lg font-semibold">{title}</h2>
      {lead && <p className="text-muted">{lead}</p>}
      {children && <div className="mt-2 flex flex-wrap justify-center gap-2">{children}</div>}
    </div>
  );
}

/** An error as the API names it, in its own words, with what can be done. */
export function Problem({ error, again }: { error: CombinedError; again?: () => void }) {
  const code = codeOf(error);
  if (code === "UNAUTHENTICATED") return null;
  const hint = code === "OFFLINE" ? text.problem.offlineDo : code === "INTERNAL" ? text.problem.internalDo : "";
  return (
    <div role="alert" className="my-3 flex flex-wrap items-start justify-between gap-3 rounded-[10px] border border-bad bg-bad-soft px-4 py-3">
      <div>
        <p className="font-semibold text-bad">{text.problem[code]}</p>
        {code !== "OFFLINE" && <p className="break-words">{sentenceOf(error)}</p>}
        {hint && <p className="text-muted">{hint}</p>}
      </div>
      {again && (
        <Button small onClick={again}>
          {text.problem.again}
        </Button>
      )}
    </div>
  );
}

/** A calm placeholder of some lines while the first answer is on its way. */
export function Waiting({ lines = 6 }: { lines?: number }) {
  return (
    <div role="status" aria-label={text.shell.loading} className="flex flex-col gap-3 py-4">
      {Array.from({ length: lines }, (_, i) => (
        <div key={i} className="waiting h-9" style={{ width: `${96 - ((i * 17) % 40)}%` }} />
      ))}
    </div>
  );
}

export function PageHead({ title, lead, children }: { title: ReactNode; lead?: ReactNode; children?: ReactNode }) {
  return (
    <header className="mb-4 flex flex-wrap items-end justify-between gap-x-6 gap-y-3">
      <div className="min-w-0">
        <h1 className="text-xl font-semibold tracking-tight [overflow-wrap:anywhere]">{title}</h1>
        {lead && <div className="mt-1 max-w-3xl text-muted">{lead}</div>}
      </div>
      {children && <div className="flex flex-wrap items-center gap-2">{children}</div>}
    </header>
  );
}

/** Pages within a page; which one is shown stands in the URL. */
export function TabLinks({ label, tabs, now }: { label: string; now: string; tabs: { id: string; title: string; count?: number | undefined }[] }) {
  return (
    <nav aria-label={label} className="mb-4 flex gap-1 overflow-x-auto border-b border-line">
      {tabs.map((tab) => (
        <Link
          key={tab.id}
          to="."
          search={(was: object) => ({ ...was, tab: tab.id }) as never}
          aria-current={tab.id === now ? "page" : undefined}
          className={`-mb-px whitespace-nowrap border-b-2 px-3 py-1.5 font-medium ${tab.id === now ? "border-accent text-ink" : "border-transparent text-muted hover:text-ink"}`}
        >
          {tab.title}
          {tab.count !== undefined && <span className="ml-1.5 text-muted tabular-nums">{text.count(tab.count)}</span>}
        </Link>
      ))}
    </nav>
  );
}
