/** What its source and people say of a title or description, edited in place. */
import { Pencil } from "lucide-react";
import { createContext, useContext, useEffect, useId, useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import { useMutation } from "urql";
import { failure } from "../api/tagging";
import { AnnotateDocument, type SaidPartsFragment } from "../gql/graphql";
import { text } from "../text";
import { Button } from "./base";
import { useNotice } from "./notice";

/** Whether the person may say what the asset at hand and its columns are. */
export const MayDescribe = createContext(false);

type Attribute = "title" | "description";

interface Props {
  of: string;
  attribute: Attribute;
  says: readonly SaidPartsFragment[];
  /** How the word that counts is shown. */
  children?: ReactNode;
}

/** The word that counts, with a way to say another, and what the source says. */
export function SaidText({ of, attribute, says, children }: Props) {
  const mine = says.filter((s) => s.attribute === attribute);
  const value = mine.find((s) => s.effective)?.value ?? "";
  const may = useContext(MayDescribe);
  const [editing, setEditing] = useState(false);
  const opener = useRef<HTMLButtonElement>(null);
  const leave = () => {
    setEditing(false);
    requestAnimationFrame(() => opener.current?.focus());
  };
  const label = value === "" ? text.said.none[attribute] : text.said.edit[attribute];
  if (editing) return <Editor of={of} attribute={attribute} value={value} says={mine} leave={leave} />;
  return (
    <>
      {value !== "" && children}
      {may && (
        <button ref={opener} type="button" onClick={() => setEditing(true)} aria-label={label} title={label} className="inline-flex items-center gap-1 rounded px-1 align-baseline text-[0.88rem] text-muted hover:bg-sunken hover:text-ink">
          <Pencil aria-hidden className="size-3.5" />
          {value === "" && label}
        </button>
      )}
      <Otherwise says={mine} />
    </>
  );
}

/** What stands beside the word that counts and says something else. */
function Otherwise({ says }: { says: readonly SaidPartsFragment[] }) {
  const counts = says.find((s) => s.effective);
  const others = says.filter((s) => s.differs);
  if (!counts || others.length === 0) return null;
  return (
    <details className="mt-1 text-[0.9rem] font-normal tracking-normal text-muted">
      <summary className="w-fit cursor-pointer rounded px-1 hover:bg-sunken">{text.said.otherwise}</summary>
      <div className="mt-1 border-l-2 border-line pl-3">
        {others.map((s) => (
          <p key={s.provenance.kind + s.value} className="[overflow-wrap:anywhere]">
            {`${text.said.sourceSays(s.provenance.name)}: `}
            <q className="text-ink">{s.value}</q>
          </p>
        ))}
        <p>{text.said.by(counts.provenance.name)}</p>
        {counts.provenance.why && <p className="[overflow-wrap:anywhere]">{counts.provenance.why}</p>}
      </div>
    </details>
  );
}

function Editor({ of, attribute, value, says, leave }: { of: string; attribute: Attribute; value: string; says: readonly SaidPartsFragment[]; leave: () => void }) {
  const [draft, setDraft] = useState(value);
  const { busy, say } = useSaying(of, attribute, says);
  const field = useRef<HTMLTextAreaElement & HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const save = async (word: string) => {
    if (word.trim() === value || (await say(word, value))) leave();
  };
  const press = (event: KeyboardEvent) => {
    event.stopPropagation();
    if (event.key === "Escape") leave();
    if (event.key !== "Enter" || event.nativeEvent.isComposing || (attribute === "description" && event.shiftKey)) return;
    event.preventDefault();
    void save(draft);
  };
  const byPerson = says.some((s) => s.provenance.kind === "person");
  const id = useId();
  const shared = { ref: field, value: draft, disabled: busy, "aria-label": text.said.label[attribute], "aria-describedby": id, onKeyDown: press, className: "field w-full" };
  return (
    <form className="flex w-full max-w-3xl flex-col gap-1.5 text-[1rem] font-normal tracking-normal text-ink" onSubmit={(event) => { event.preventDefault(); void save(draft); }}>
      {attribute === "title" ? <input {...shared} maxLength={200} onChange={(e) => setDraft(e.target.value)} /> : <textarea {...shared} rows={3} maxLength={10000} onChange={(e) => setDraft(e.target.value)} />}
      <div className="flex flex-wrap items-center gap-2">
        <Button type="submit" small look="primary" disabled={busy || draft.trim() === value || draft.trim() === ""}>{text.said.save}</Button>
        {byPerson && <Button small disabled={busy} onClick={() => void save("")}>{text.said.back}</Button>}
        <Button small look="quiet" onClick={leave}>{text.said.cancel}</Button>
        <span id={id} className="text-[0.86rem] text-muted">{text.said.keys[attribute]}</span>
      </div>
    </form>
  );
}

/** Says a word on top of the one that was seen, and offers to take it back. */
function useSaying(of: string, attribute: Attribute, says: readonly SaidPartsFragment[]) {
  const [{ fetching }, annotate] = useMutation(AnnotateDocument);
  const notice = useNotice();
  const source = says.find((s) => s.provenance.kind === "source")?.value ?? "";
  const before = says.find((s) => s.provenance.kind === "person")?.value ?? "";
  const say = async (value: string, was: string): Promise<boolean> => {
    const { error } = await annotate({ input: [{ ref: of, attribute, value, was }] });
    if (error) {
      notice({ text: failure(error), tone: "bad" });
      return false;
    }
    const word = value.trim();
    const undo = async () => {
      const undone = await annotate({ input: [{ ref: of, attribute, value: before, was: word === "" ? source : word }] });
      notice(undone.error ? { text: failure(undone.error), tone: "bad" } : { text: text.tagged.undone });
    };
    notice({ text: word === "" ? text.said.withdrawn : text.said.saved, undo: () => void undo() });
    return true;
  };
  return { busy: fetching, say };
}
