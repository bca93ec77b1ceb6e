/** The lineage tab of an asset: the same view, with a way to the whole page. */
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { LineageView, type LineageState } from "../lineage/LineageView";
import { text } from "../text";

export function AssetLineage({ refOf }: { refOf: string }) {
  const [state, setState] = useState<LineageState>({});
  const navigate = useNavigate();
  return (
    <>
      <LineageView refOf={refOf} state={state} change={(next) => setState((was) => ({ ...was, ...next }))} go={(ref) => void navigate({ to: "/lineage", search: { ref } })} />
      <p className="mt-3">
        <Link to="/lineage" search={{ ref: refOf }} className="link">{text.asset.openLineage}</Link>
      </p>
    </>
  );
}
