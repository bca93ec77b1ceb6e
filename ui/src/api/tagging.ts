/** Saying something about columns as a person, with a way back. */
import { useCallback } from "react";
import { useMutation, type CombinedError } from "urql";
import { TagDocument, type TagInput } from "../gql/graphql";
import { useNotice } from "../parts/notice";
import { text } from "../text";
import { codeOf, sentenceOf } from "./client";

type Said = "confirmed" | "rejected" | "withdrawn";

function sentence(input: readonly TagInput[]): string {
  const first = input[0];
  if (!first) return "";
  if (first.label === "none" && first.state === "confirmed") return text.tagged.none(input.length);
  return text.tagged[first.state as Said](first.label, input.length);
}

export function failure(error: CombinedError): string {
  return sentenceOf(error) === "" ? text.problem[codeOf(error)] : sentenceOf(error);
}

/** Tags, says so at the foot of the page, and offers to take it back. */
export function useTagging(): { busy: boolean; say: (input: TagInput[]) => Promise<boolean> } {
  const [{ fetching }, tag] = useMutation(TagDocument);
  const notice = useNotice();
  const say = useCallback(
    async (input: TagInput[]): Promise<boolean> => {
      const { error } = await tag({ input });
      if (error) {
        notice({ text: failure(error), tone: "bad" });
        return false;
      }
      const back = input.map(({ ref, label }) => ({ ref, label, state: "withdrawn" }));
      const undo = async () => {
        const undone = await tag({ input: back });
        notice(undone.error ? { text: failure(undone.error), tone: "bad" } : { text: text.tagged.undone });
      };
      notice({ text: sentence(input), ...(input[0]?.state === "withdrawn" ? {} : { undo: () => void undo() }) });
      return true;
    },
    [tag, notice],
  );
  return { busy: fetching, say };
}
