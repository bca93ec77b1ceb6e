/** Every page and the state that its URL holds. Pages load when first opened. */
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, retainSearchParams } from "@tanstack/react-router";
import { asMoment } from "./lib/moment";
import { asFlag, asNumber, asOneOf, asText, asTexts, parseQuery, writeQuery } from "./lib/url";
import { Crashed, NotFound, Shell } from "./shell/Shell";

type Raw = Record<string, unknown>;

/** The moment looked at stands in the URL of every page, and is kept from page to page. */
const root = createRootRoute({
  component: Shell,
  notFoundComponent: NotFound,
  errorComponent: Crashed,
  validateSearch: (raw: Raw): { asOf?: string } => pruned({ asOf: asMoment(raw["asOf"]) }),
  search: { middlewares: [retainSearchParams(["asOf"])] },
});

export const facetKeys = ["kind", "source", "parent", "owner", "label"] as const;

export interface SearchAt {
  q?: string;
  kind?: string[];
  source?: string[];
  parent?: string[];
  owner?: string[];
  label?: string[];
  /** All assets are asked for, where nothing else is. */
  all?: true;
}

const search = createRoute({
  getParentRoute: () => root,
  path: "/",
  validateSearch: (raw: Raw): SearchAt =>
    pruned({ q: asText(raw["q"]), kind: asTexts(raw["kind"]), source: asTexts(raw["source"]), parent: asTexts(raw["parent"]), owner: asTexts(raw["owner"]), label: asTexts(raw["label"]), all: asFlag(raw["all"]) }),
  component: lazyRouteComponent(() => import("./search/SearchPage"), "SearchPage"),
});

const asset = createRoute({
  getParentRoute: () => root,
  path: "/asset",
  validateSearch: (raw: Raw): { ref?: string; tab?: string; column?: string; find?: string } =>
    pruned({ ref: asText(raw["ref"]), tab: asText(raw["tab"]), column: asText(raw["column"]), find: asText(raw["find"]) }),
  component: lazyRouteComponent(() => import("./asset/AssetPage"), "AssetPage"),
});

export const directions = ["BOTH", "UP", "DOWN"] as const;

const lineage = createRoute({
  getParentRoute: () => root,
  path: "/lineage",
  validateSearch: (raw: Raw): { ref?: string; direction?: (typeof directions)[number]; columns?: true; open?: string[]; list?: true; edge?: string[] } =>
    pruned({ ref: asText(raw["ref"]), direction: asOneOf(raw["direction"], directions), columns: asFlag(raw["columns"]), open: asTexts(raw["open"]), list: asFlag(raw["list"]), edge: asTexts(raw["edge"]) }),
  component: lazyRouteComponent(() => import("./lineage/LineagePage"), "LineagePage"),
});

const inbox = createRoute({ getParentRoute: () => root, path: "/inbox", component: lazyRouteComponent(() => import("./inbox/InboxPage"), "InboxPage") });

const policies = createRoute({
  getParentRoute: () => root,
  path: "/policies",
  validateSearch: (raw: Raw): { column?: string } => pruned({ column: asText(raw["column"]) }),
  component: lazyRouteComponent(() => import("./policies/PoliciesPage"), "PoliciesPage"),
});

const views = createRoute({ getParentRoute: () => root, path: "/views", component: lazyRouteComponent(() => import("./views/ViewsPage"), "ViewsPage") });

const plan = createRoute({
  getParentRoute: () => root,
  path: "/views/$id",
  validateSearch: (raw: Raw): { step?: number } => pruned({ step: asNumber(raw["step"]) }),
  component: lazyRouteComponent(() => import("./views/PlanPage"), "PlanPage"),
});

const audit = createRoute({
  getParentRoute: () => root,
  path: "/audit",
  validateSearch: (raw: Raw): { tab?: string; actor?: string; action?: string; object?: string; column?: string; revision?: number; at?: string } =>
    pruned({ tab: asText(raw["tab"]), actor: asText(raw["actor"]), action: asText(raw["action"]), object: asText(raw["object"]), column: asText(raw["column"]), revision: asNumber(raw["revision"]), at: asText(raw["at"]) }),
  component: lazyRouteComponent(() => import("./audit/AuditPage"), "AuditPage"),
});

const sources = createRoute({ getParentRoute: () => root, path: "/sources", component: lazyRouteComponent(() => import("./sources/SourcesPage"), "SourcesPage") });

/** Leaves out what is absent, so that the URL holds no empty keys. */
function pruned<T extends object>(values: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(values).filter(([, v]) => v !== undefined)) as T;
}

export function makeRouter(history?: Parameters<typeof createRouter>[0]["history"]) {
  return createRouter({
    routeTree: root.addChildren([search, asset, lineage, inbox, policies, views, plan, audit, sources]),
    parseSearch: (text) => parseQuery(text.startsWith("?") ? text.slice(1) : text),
    stringifySearch: writeQuery,
    defaultPreload: "intent",
    scrollRestoration: true,
    ...(history ? { history } : {}),
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
