/** Choosing a label from the vocabulary. */
import { useQuery } from "urql";
import { VocabularyDocument } from "../gql/graphql";
import { text } from "../text";

export function LabelChoice({ value, choose }: { value: string; choose: (label: string) => void }) {
  const [{ data }] = useQuery({ query: VocabularyDocument });
  return (
    <select value={value} onChange={(event) => choose(event.target.value)} aria-label={text.column.choose} className="field max-w-full min-w-0 text-[0.93rem]">
      <option value="">{text.column.choose}</option>
      {data?.vocabulary.map((term) => (
        <option key={term.label} value={term.label} title={term.description}>
          {`${term.title} (${term.label})${term.special ? `, ${text.column.special}` : ""}`}
        </option>
      ))}
    </select>
  );
}
