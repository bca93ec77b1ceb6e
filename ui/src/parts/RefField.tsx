/** A field that finds an asset or a column by what is typed. */
import { useId, useState } from "react";
import { useQuery } from "urql";
import { SuggestDocument } from "../gql/graphql";
import { baseName, container, parseRef } from "../lib/ref";
import { useSettled } from "../lib/settled";
import { text } from "../text";

export function RefField({ label, choose, columnsOnly = false, placeholder = text.refField.placeholder }: { label: string; choose: (ref: string) => void; columnsOnly?: boolean; placeholder?: string }) {
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const id = useId();
  const query = useSettled(typed.trim(), 140);
  const [{ data }] = useQuery({ query: SuggestDocument, variables: { query, first: 8 }, pause: query === "" });
  const edges = query === "" || typed.trim() === "" ? [] : (data?.search.edges ?? []);
  const options = edges.flatMap((e) => [...(columnsOnly ? [] : [e.node.ref]), ...e.columns.map((c) => c.ref)]).slice(0, 12);
  const active = Math.min(at, options.length - 1);
  const take = (ref: string) => {
    setTyped("");
    setAt(0);
    choose(ref);
  };
  const press = (key: string): boolean => {
    if (options.length === 0) return false;
    if (key === "ArrowDown") setAt((active + 1) % options.length);
    else if (key === "ArrowUp") setAt((active - 1 + options.length) % options.length);
    else if (key === "Enter") take(options[active]!);
    else if (key === "Escape") setTyped("");
    else return false;
    return true;
  };
  return (
    <div className="relative">
      <input role="combobox" aria-expanded={options.length > 0} aria-controls={id} aria-autocomplete="list" {...(options.length > 0 ? { "aria-activedescendant": `${id}-${active}` } : {})} aria-label={label} placeholder={placeholder} value={typed} onChange={(e) => { setTyped(e.target.value); setAt(0); }} onKeyDown={(e) => { if (press(e.key)) e.preventDefault(); }} className="field w-full" />
      <ul role="listbox" id={id} aria-label={label} hidden={options.length === 0} className="absolute inset-x-0 z-20 mt-1 max-h-80 overflow-y-auto rounded-[10px] border border-line bg-raised p-1 shadow-xl">
        {options.map((ref, i) => (
          <li key={ref} role="option" id={`${id}-${i}`} aria-selected={i === active} onMouseDown={(e) => e.preventDefault()} onClick={() => take(ref)} className={`flex cursor-pointer items-center gap-2 rounded-md px-2 py-1 ${i === active ? "bg-accent-soft" : "hover:bg-sunken"}`}>
            <span className="truncate">{baseName(ref)}</span>
            {parseRef(ref).path && <code className="truncate font-mono text-[0.92em]">{parseRef(ref).path}</code>}
            <span className="ml-auto truncate text-[0.86rem] text-muted">{container(ref)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
