/** What an auditor keeps elsewhere: the key, a checkpoint, the whole log. */
import { Download, FileDown } from "lucide-react";
import { useState } from "react";
import { useQuery } from "urql";
import { AuditSigningDocument } from "../gql/graphql";
import { Button, Problem, Time } from "../parts/base";
import { text } from "../text";

const linkLook = "inline-flex items-center gap-1.5 rounded-[7px] border border-line-strong bg-surface px-2 py-0.5 text-[0.86rem] font-medium hover:bg-sunken";

export function Signing() {
  const [{ data, error }, again] = useQuery({ query: AuditSigningDocument, requestPolicy: "cache-and-network" });
  if (error && !data) return <Problem error={error} again={() => again({ requestPolicy: "network-only" })} />;
  if (!data) return null;
  const { key, problem, checkpoint } = data.auditSigning;
  return (
    <details className="card mb-5 px-4 py-3" open={problem !== ""}>
      <summary className="cursor-pointer font-medium">{text.audit.signing}</summary>
      <p className="mt-2 max-w-3xl text-muted">{text.audit.signingLead}</p>
      {problem && (
        <p role="alert" className="mt-2">
          <strong className="text-bad">{text.audit.unsigned}</strong> {problem}
        </p>
      )}
      {key && <Key value={key} />}
      <div className="mt-3 flex flex-wrap items-center gap-x-3 gap-y-2">
        <p className="min-w-0 flex-1 basis-60 text-muted">
          {checkpoint ? text.audit.checkpoint(checkpoint.size) : text.audit.noCheckpoint}
          {checkpoint && <>{", "}<Time at={checkpoint.at} /></>}
        </p>
        <a href="/audit/checkpoint" download className={linkLook}><FileDown aria-hidden className="size-4" />{text.audit.download}</a>
        <a href="/audit/export" download className={linkLook}><Download aria-hidden className="size-4" />{text.audit.export}</a>
      </div>
      {checkpoint && <pre className="mt-2 overflow-x-auto rounded-[7px] bg-sunken px-3 py-2 font-mono text-[0.86em]">{checkpoint.note}</pre>}
    </details>
  );
}

function Key({ value }: { value: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(value);
    setCopied(true);
  };
  return (
    <p className="mt-3 flex flex-wrap items-center gap-2">
      <span className="text-muted">{text.audit.key}</span>
      <code className="min-w-0 font-mono text-[0.9em] [overflow-wrap:anywhere]">{value}</code>
      <Button small onClick={() => void copy()}>{copied ? text.audit.copied : text.audit.copy}</Button>
    </p>
  );
}
