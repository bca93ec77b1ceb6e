/** Who is signed in, and what they may do. */
import { createContext, useContext } from "react";
import type { MeQuery } from "../gql/graphql";
import { useAsOf } from "./asof";

export type Me = MeQuery["me"];
export type Action = "tag" | "describe" | "plan" | "approve" | "apply" | "audit" | "crawl" | "break_glass" | "administer";

const SessionContext = createContext<Me | null>(null);

export const SessionProvider = SessionContext.Provider;

export function useMe(): Me {
  const me = useContext(SessionContext);
  if (!me) throw new Error("useMe stands outside the session");
  return me;
}

/** Whether the person may do this; the API decides again when it is done. Nothing is done in the past. */
export function useMay(action: Action): boolean {
  const past = useAsOf() !== undefined;
  return useMe().actions.includes(action) && !past;
}
