/** The app: a client, who is signed in, and the pages. */
import { RouterProvider, type RouterHistory } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { Provider, useQuery, type Client } from "urql";
import { Clients } from "./api/asof";
import { makeClient } from "./api/client";
import { SessionProvider } from "./api/session";
import { MeDocument } from "./gql/graphql";
import { momentOf } from "./lib/moment";
import { Problem, Waiting } from "./parts/base";
import { NoticeProvider } from "./parts/notice";
import { makeRouter } from "./router";
import { SignIn } from "./signin/SignIn";

export interface AppConfig {
  /** Defaults to the browser's fetch. */
  fetch?: typeof fetch;
  /** Defaults to the browser's history. */
  history?: RouterHistory;
}

export function App({ fetch, history }: AppConfig) {
  const [signedOut, setSignedOut] = useState(false);
  const clients = useMemo(() => {
    const made = new Map<string | undefined, Client>();
    return (asOf: string | undefined): Client => {
      const moment = momentOf(asOf);
      const client = made.get(asOf) ?? makeClient({ ...(fetch ? { fetch } : {}), onSignedOut: () => setSignedOut(true), ...(moment ? { moment } : {}) });
      made.set(asOf, client);
      return client;
    };
  }, [fetch]);
  const router = useMemo(() => makeRouter(history), [history]);
  if (signedOut) return <SignIn />;
  return (
    <Clients.Provider value={clients}>
      <Provider value={clients(undefined)}>
        <Session router={router} />
      </Provider>
    </Clients.Provider>
  );
}

function Session({ router }: { router: ReturnType<typeof makeRouter> }) {
  const [{ data, error }, again] = useQuery({ query: MeDocument });
  if (error && !data) {
    return (
      <main className="mx-auto max-w-xl px-4 py-[15vh]">
        <Problem error={error} again={() => again({ requestPolicy: "network-only" })} />
      </main>
    );
  }
  if (!data) {
    return (
      <main className="mx-auto max-w-xl px-4 py-[15vh]">
        <Waiting lines={3} />
      </main>
    );
  }
  return (
    <SessionProvider value={data.me}>
      <NoticeProvider>
        <RouterProvider router={router} />
      </NoticeProvider>
    </SessionProvider>
  );
}
