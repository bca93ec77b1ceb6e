/** The records of the fake server's company: what a catalog would hold. */

export interface FakeTag {
  ref: string;
  label: string;
  state: string;
  form: string;
  confidence: number;
  evidence: string[];
  provenance: { kind: string; name: string; why: string };
}

/** A word of a person beside the source's. */
export interface FakeWord {
  ref: string;
  attribute: string;
  value: string;
  provenance: FakeTag["provenance"];
}

export interface FakeOwner {
  asset: string;
  principal: string;
  role: string;
  provenance: FakeTag["provenance"];
}

export interface FakeRun {
  revision: number;
  at: string;
  actor: string;
  source: string;
  undid: number | null;
  undoneBy: number | null;
  changes: { what: string; began: number; changed: number; ended: number }[];
}

export interface FakeToken {
  id: string;
  name: string;
  sources: string[];
  createdBy: string;
  createdAt: string;
  expiresAt: string;
  revokedAt: string | null;
  lastUsedAt: string | null;
}

export interface FakeColumn {
  ref: string;
  path: string;
  name: string;
  dataType: string;
  mode: string;
  description: string;
  policyTags: string[];
}

export interface FakeStatement {
  id: string;
  because: string;
  sql: string;
  outcome: string;
  unresolved: string[];
  reason: string;
}

export interface FakeAsset {
  ref: string;
  name: string;
  kind: string;
  source: string;
  parent: string | null;
  location: string;
  title: string;
  description: string;
  labels: { key: string; value: string }[];
  definition: string;
  unread: string;
  owners: { principal: string; role: string; provenance: FakeTag["provenance"] }[];
  columns: FakeColumn[];
  statement: FakeStatement | null;
  /** Who knows only its name. */
  discoverableFor: string[];
}

export interface FakeEdge {
  from: string;
  to: string;
  kind: string;
  function: string;
  masking: boolean;
  outcome: string;
  because: string;
  statement: FakeStatement | null;
}

export interface FakePerson {
  id: string;
  name: string;
  groups: string[];
  actions: string[];
}

export interface FakeStep {
  kind: string;
  object: string;
  audience: string;
  base: string | null;
  why: string;
  before: string;
  after: string;
  principal: string;
  role: string;
  undo: string;
  columns: { path: string; effect: string; method: string; was: string; rules: { id: string; why: string }[] }[];
}

export interface FakePlan {
  id: string;
  state: string;
  target: string;
  revision: number;
  policy: string;
  audiences: string[];
  plannedBy: string;
  plannedAt: string;
  approvedBy: string;
  changedAt: string;
  done: number;
  reason: string;
  steps: FakeStep[];
  findings: { ref: string; level: string; code: string; what: string; do: string }[];
}

export interface FakeEvent {
  seq: number;
  at: string;
  actor: string;
  action: string;
  object: string;
  revision: number;
  detail: { key: string; value: string }[];
  hash: string;
}
