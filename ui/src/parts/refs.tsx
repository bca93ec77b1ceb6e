/** Refs as people read them: a name that leads there, and where it lies. */
import { Link } from "@tanstack/react-router";
import { Braces, Database, Eye, FileCode2, Radio, Table2, type LucideIcon } from "lucide-react";
import { assetOf, baseName, container, parseRef } from "../lib/ref";

const icons: Record<string, LucideIcon> = { table: Table2, view: Eye, materialized_view: Eye, topic: Radio, subject: Braces, dataset: Database, model: FileCode2 };

export function KindIcon({ kind }: { kind: string }) {
  const Icon = icons[kind] ?? Table2;
  return <Icon aria-hidden className="size-4 shrink-0 text-muted" />;
}

/** Leads to the asset, or to the column within its asset. */
export function RefLink({ refTo, short, className = "link" }: { refTo: string; short?: boolean; className?: string }) {
  const { path } = parseRef(refTo);
  const asset = assetOf(refTo);
  return (
    <Link to="/asset" search={{ ref: asset, ...(path ? { column: path } : {}) }} title={refTo} className={`${className} [overflow-wrap:anywhere]`}>
      {!short && <span className="text-muted">{container(asset)}{parseRef(asset).namespace === "bigquery" ? "." : "/"}</span>}
      {baseName(asset)}
      {path && <span className="font-mono text-[0.92em]">{` ${path}`}</span>}
    </Link>
  );
}
