/** Breaking the glass: asking for it, and the banner while it is broken. */
import { Siren } from "lucide-react";
import { useEffect } from "react";
import { useMutation } from "urql";
import { sentenceOf } from "../api/client";
import { useMe } from "../api/session";
import { EndBreakGlassDocument } from "../gql/graphql";
import { Button, Time } from "../parts/base";
import { useNotice } from "../parts/notice";
import { text } from "../text";

/** Loading anew leaves nothing of what was seen in the page's memory. */
export const leaveNothing = () => window.location.assign("/");

/** The longest delay that a browser's timer keeps. */
const longestTimer = 2 ** 31 - 1;

export function GlassBanner() {
  const glass = useMe().breakGlass;
  const notice = useNotice();
  const [{ fetching }, end] = useMutation(EndBreakGlassDocument);
  const until = glass?.until;
  useEffect(() => {
    if (!until) return;
    const timer = setTimeout(leaveNothing, Math.min(Math.max(new Date(until).getTime() - Date.now(), 0), longestTimer));
    return () => clearTimeout(timer);
  }, [until]);
  if (!glass) return null;
  const mend = async () => {
    const { error } = await end({});
    if (error) notice({ text: sentenceOf(error) || text.problem.OFFLINE, tone: "bad" });
    else leaveNothing();
  };
  return (
    <div role="alert" className="sticky top-0 z-40 flex flex-wrap items-center gap-x-3 gap-y-1 border-b-2 border-bad bg-bad-soft px-4 py-2 md:px-8">
      <Siren aria-hidden className="size-5 shrink-0 text-bad" />
      <p className="min-w-0 flex-1 basis-72">
        <strong className="text-bad">{text.glass.broken}</strong>
        {` ${text.glass.until} `}
        <Time at={glass.until} />
        {`. ${text.glass.why(glass.reason)}`}
      </p>
      <Button small look="danger" disabled={fetching} onClick={() => void mend()}>{text.glass.end}</Button>
    </div>
  );
}
