/** What can be said of several columns at once. */
import { useState } from "react";
import { useTagging } from "../api/tagging";
import { Button } from "../parts/base";
import { LabelChoice } from "../parts/labels";
import { text } from "../text";
import type { Asset } from "./AssetPage";

export function Selection({ asset, chosen, done }: { asset: Asset; chosen: ReadonlySet<string>; done: () => void }) {
  const { busy, say } = useTagging();
  const [label, setLabel] = useState("");
  const refs = asset.columns.filter((c) => chosen.has(c.path)).map((c) => c.ref);
  const confirm = async (what: string) => {
    if (await say(refs.map((ref) => ({ ref, label: what, state: "confirmed" })))) done();
  };
  return (
    <div role="toolbar" aria-label={text.asset.selected(chosen.size)} className="mb-2 flex flex-wrap items-center gap-2 rounded-[10px] border border-accent bg-accent-soft px-3 py-2">
      <span className="font-medium">{text.asset.selected(chosen.size)}</span>
      <Button small look="primary" disabled={busy} onClick={() => void confirm("none")}>{text.asset.nothingPersonal}</Button>
      <LabelChoice value={label} choose={setLabel} />
      <Button small disabled={busy || label === ""} onClick={() => void confirm(label)}>{text.column.confirm}</Button>
      <Button small look="quiet" onClick={done}>{text.asset.clearSelection}</Button>
    </div>
  );
}
