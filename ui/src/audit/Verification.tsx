/** Whether the log is whole, verified when the page opens and when asked. */
import { ShieldAlert, ShieldCheck } from "lucide-react";
import { useQuery } from "urql";
import { AuditVerificationDocument } from "../gql/graphql";
import { Button, Problem } from "../parts/base";
import { text } from "../text";

export function Verification() {
  const [{ data, error, fetching }, again] = useQuery({ query: AuditVerificationDocument, requestPolicy: "network-only" });
  if (error && !data) return <Problem error={error} again={() => again({ requestPolicy: "network-only" })} />;
  const found = data?.auditVerification;
  const ok = found?.ok ?? true;
  const Icon = ok ? ShieldCheck : ShieldAlert;
  return (
    <div role={ok ? "status" : "alert"} className={`mb-5 flex flex-wrap items-center gap-3 rounded-[10px] border px-4 py-3 ${!found ? "border-line bg-surface" : ok ? "border-ok bg-ok-soft" : "border-bad bg-bad-soft"}`}>
      <Icon aria-hidden className={`size-5 shrink-0 ${ok ? "text-ok" : "text-bad"}`} />
      <p className="min-w-0 flex-1 basis-60">
        {!found && text.audit.verifying}
        {found && ok && text.audit.whole(found.events, found.checkpoints)}
        {found && !ok && (
          <>
            <span className="font-semibold text-bad">{text.audit.broken(found.broken ?? 0)}</span> {found.reason}
          </>
        )}
      </p>
      <Button small disabled={fetching} onClick={() => again({ requestPolicy: "network-only" })}>{text.audit.verify}</Button>
    </div>
  );
}
