/** The question why somebody wants to see everything. */
import { Dialog } from "radix-ui";
import { useState } from "react";
import { useMutation } from "urql";
import { BreakGlassDocument } from "../gql/graphql";
import { Button, Problem } from "../parts/base";
import { text } from "../text";

const longest = 500;

export default function GlassDialog({ close }: { close: () => void }) {
  const [reason, setReason] = useState("");
  const [{ fetching, error }, breakGlass] = useMutation(BreakGlassDocument);
  const ask = async () => {
    const answer = await breakGlass({ reason });
    if (!answer.error) close();
  };
  return (
    <Dialog.Root open onOpenChange={(open) => !open && close()}>
      <Dialog.Portal>
        <Dialog.Overlay className="fixed inset-0 z-40 bg-black/40" />
        <Dialog.Content className="fixed inset-x-4 top-[12vh] z-50 mx-auto max-w-lg rounded-xl border border-line bg-raised p-5 shadow-2xl">
          <Dialog.Title className="text-lg font-semibold">{text.glass.title}</Dialog.Title>
          <Dialog.Description className="mt-2 text-muted">{text.glass.lead}</Dialog.Description>
          <form className="mt-4 flex flex-col gap-3" onSubmit={(event) => { event.preventDefault(); void ask(); }}>
            <label className="flex flex-col gap-1 text-[0.9rem] text-muted">
              {text.glass.reason}
              <textarea autoFocus required maxLength={longest} rows={3} value={reason} onChange={(e) => setReason(e.target.value)} className="field text-ink" />
            </label>
            {error && <Problem error={error} />}
            <div className="flex justify-end gap-2">
              <Button look="quiet" onClick={close}>{text.glass.cancel}</Button>
              <Button look="danger" type="submit" disabled={fetching || reason.trim() === ""}>{text.glass.confirm}</Button>
            </div>
          </form>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
