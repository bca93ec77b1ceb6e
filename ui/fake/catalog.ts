/**
 * The fake catalog: what is known, who may know it, and what each audience
 * gets. Simple on purpose; the real rules live in the program.
 */
import { assets as makeAssets, audiences, people, tags as makeTags } from "./company.ts";
import type { FakeAsset, FakeColumn, FakeEvent, FakeOwner, FakePerson, FakePlan, FakeRun, FakeTag, FakeToken, FakeWord } from "./types.ts";

export type Code = "NOT_FOUND" | "INVALID" | "DENIED" | "STALE" | "CONFLICT" | "UNAVAILABLE" | "INTERNAL";

/** An error as the API shows it, with its code. */
export class Refusal extends Error {
  readonly extensions: { code: Code };
  constructor(code: Code, message: string) {
    super(message);
    this.extensions = { code };
  }
}

export interface Explanation {
  column: string;
  audience: string;
  effect: string;
  method: string;
  example: string;
  policy: string;
  rules: { id: string; why: string }[];
}

interface Seen {
  revision: number;
  at: string;
  tags: FakeTag[];
  published: string[];
}

const policy = "9f2c41d7a6b05e83";

export class Catalog {
  readonly assets: FakeAsset[] = makeAssets();
  tags: FakeTag[] = makeTags();
  words: FakeWord[] = [];
  named: FakeOwner[] = [];
  runs: FakeRun[] = [];
  plans: FakePlan[] = [];
  events: FakeEvent[] = [];
  tokens: FakeToken[] = [];
  /** The removal that the registry holds back; null once it was allowed. */
  held: { hash: string; at: string; scopes: { parent: string | null; ends: number; of: number }[]; total: number; examples: string[]; allowedBy: string | null } | null = null;
  activity: { kind: string; subject: string; state: string; done: number; total: number; attempt: number; attempts: number; startedAt: string | null; nextAt: string | null; endedAt: string | null; error: string }[] = [];
  /** "audience asset" for each view that stands. */
  published = new Set<string>();
  /** Until when and why somebody sees everything, by their address. */
  readonly glass = new Map<string, { until: string; reason: string }>();
  head = 41;
  private readonly past: Seen[] = [];
  private readonly now: () => Date;

  constructor(now: () => Date = () => new Date()) {
    this.now = now;
    this.log("service:crawler", "crawl", "warehouse", [{ key: "assets", value: "12" }]);
    this.commit();
    this.runs.push({ revision: this.head, at: this.time(), actor: "service:cadastre", source: "warehouse", undid: null, undoneBy: null, changes: [{ what: "assets", began: 8, changed: 0, ended: 0 }, { what: "columns", began: 61, changed: 2, ended: 0 }] });
  }

  time(): string {
    return this.now().toISOString();
  }

  commit(): number {
    this.head += 1;
    this.past.push({ revision: this.head, at: this.time(), tags: structuredClone(this.tags), published: [...this.published] });
    return this.head;
  }

  /** The catalog as it was at a revision or time; the oldest known otherwise. */
  seen(revision?: number | null, at?: string | null): Seen {
    const fits = this.past.filter((s) => (revision ? s.revision <= revision : at ? s.at <= at : true));
    const found = fits.at(-1);
    if (!found) throw new Refusal("NOT_FOUND", "the catalog did not exist then: the first revision is 42");
    return found;
  }

  /** What tags became of an asset, newest first, up to a revision. */
  history(asset: string, asOf?: number) {
    const seen = this.past.filter((s) => !asOf || s.revision <= asOf);
    const about = (t: FakeTag) => t.ref.split("#")[0] === asset;
    return seen
      .map((now, i) => {
        const was = seen[i - 1]?.tags ?? [];
        const began = now.tags.filter((t) => about(t) && !was.some((w) => w.ref === t.ref && w.label === t.label && w.provenance.kind === t.provenance.kind));
        const changes = began.map((t) => ({ how: "began", noun: "tag", ref: t.ref, name: t.label, attributes: [{ name: "state", from: "", to: t.state }, { name: "said by", from: "", to: t.provenance.name }] }));
        return { revision: now.revision, at: now.at, actor: now.revision === 42 ? "service:crawler" : "otto@halden.example", why: "", changes };
      })
      .filter((entry) => entry.changes.length > 0)
      .reverse();
  }

  log(actor: string, action: string, object: string, detail: { key: string; value: string }[] = []): void {
    const seq = this.events.length + 1;
    const hash = Array.from({ length: 8 }, (_, i) => ((seq * 2654435761 * (i + 1)) >>> 0).toString(16).padStart(8, "0")).join("");
    this.events.push({ seq, at: this.time(), actor, action, object, revision: this.head, detail, hash });
  }

  visibility(asset: FakeAsset, person: FakePerson): string {
    return asset.discoverableFor.includes(person.id) ? "discoverable" : "visible";
  }

  /** Whether the person answers for the company's assets: one group does for all. */
  owns(person: FakePerson): boolean {
    return person.groups.includes("data-owners@halden.example");
  }

  asset(ref: string): FakeAsset | undefined {
    return this.assets.find((a) => a.ref === ref);
  }

  column(ref: string): { asset: FakeAsset; column: FakeColumn } {
    const asset = this.asset(ref.split("#")[0]!);
    const column = asset?.columns.find((c) => c.ref === ref);
    if (!asset || !column) throw new Refusal("NOT_FOUND", `column ${ref} does not exist`);
    return { asset, column };
  }

  tagsOf(ref: string, tags = this.tags): FakeTag[] {
    return tags.filter((t) => t.ref === ref);
  }

  /** One tag a label; a person's word wins, rejected ones are left out. */
  effective(ref: string, tags = this.tags): FakeTag[] {
    const best = new Map<string, FakeTag>();
    for (const tag of this.tagsOf(ref, tags)) {
      const was = best.get(tag.label);
      if (!was || tag.provenance.kind === "person") best.set(tag.label, tag);
    }
    return [...best.values()].filter((t) => t.state !== "rejected").sort((a, b) => a.label.localeCompare(b.label));
  }

  assessment(ref: string, tags = this.tags): string {
    const effective = this.effective(ref, tags);
    if (effective.some((t) => t.label !== "none")) return "tagged";
    return effective.length > 0 ? "none" : "untouched";
  }

  explain(ref: string, audience: string, tags = this.tags): Explanation {
    const base = { column: ref, audience, policy };
    const of = (effect: string, method: string, example: string, id: string, why: string) => ({ ...base, effect, method, example, rules: [{ id, why }] });
    const labels = this.effective(ref, tags).filter((t) => t.label !== "none");
    if (this.assessment(ref, tags) === "untouched") return of("deny", "", "", "deny.untouched", "Nobody has looked at this column yet, so it is in no view.");
    if (labels.length === 0) return of("allow", "", "A-1029", "allow.assessed", "Somebody looked and found nothing personal.");
    if (labels.some((t) => t.state === "proposed")) return of("deny", "", "", "deny.proposed", "A proposal protects until a person has decided.");
    if (audience === "fraud") return of("allow", "", "jo@example.com", "allow.fraud", "The purpose fraud_detection needs the clear value.");
    const label = labels[0]!.label;
    if (label === "user.contact.email") return of("mask", "email", "x7@example.com", "mask.contact", "Contact data is masked for analytics; the domain stays for counting.");
    if (label === "user.unique_id") return of("mask", "hash", "b1946ac92492d234", "mask.identifier", "Identifiers are replaced by a keyed hash, so that joins still work.");
    return of("mask", "null", "NULL", "mask.personal", "Personal data that analytics does not need is empty.");
  }

  audiencesOf(person: FakePerson): typeof audiences {
    return audiences.filter((a) => a.groups.some((g) => person.groups.includes(g)));
  }

  tag(person: FakePerson, input: { ref: string; label: string; state: string; reason?: string | null }[]): FakeTag[] {
    this.allow(person, "tag");
    for (const one of input) {
      if (one.ref.includes("#")) this.column(one.ref);
      this.tags = this.tags.filter((t) => !(t.ref === one.ref && t.label === one.label && t.provenance.kind === "person"));
      if (one.state === "withdrawn") continue;
      this.tags.push({ ref: one.ref, label: one.label, state: one.state, form: "clear", confidence: 1, evidence: [], provenance: { kind: "person", name: person.id, why: one.reason ?? "" } });
    }
    this.commit();
    for (const one of input) this.log(person.id, "tag", one.ref, [{ key: "label", value: one.label }, { key: "state", value: one.state }]);
    return input.flatMap((one) => this.tagsOf(one.ref));
  }

  /** What the source and a person say, the word that counts first. */
  says(ref: string, attribute: string, fromSource: string, source: string) {
    const said = this.words.filter((w) => w.ref === ref && w.attribute === attribute).map((w) => ({ attribute, value: w.value, provenance: w.provenance }));
    if (fromSource !== "") said.push({ attribute, value: fromSource, provenance: { kind: "source", name: source, why: "" } });
    return said.map((s, i) => ({ ...s, effective: i === 0, differs: s.value !== said[0]!.value }));
  }

  annotate(person: FakePerson, input: { ref: string; attribute: string; value: string; was: string; reason?: string | null }[]): void {
    this.allow(person, "describe");
    for (const one of input) {
      const asset = this.asset(one.ref.split("#")[0]!)!;
      const fromSource = one.ref.includes("#") ? this.column(one.ref).column.description : one.attribute === "title" ? asset.title : asset.description;
      const now = this.says(one.ref, one.attribute, fromSource, asset.source)[0]?.value ?? "";
      if (now !== one.was) throw new Refusal("CONFLICT", `describe ${one.ref}: its ${one.attribute} was changed since you looked; look again and say it on top of that`);
      this.words = this.words.filter((w) => !(w.ref === one.ref && w.attribute === one.attribute));
      const value = one.value.trim();
      if (value !== "") this.words.push({ ref: one.ref, attribute: one.attribute, value, provenance: { kind: "person", name: person.id, why: one.reason ?? "" } });
      this.log(person.id, "describe", one.ref, [{ key: "attribute", value: one.attribute }]);
    }
    this.commit();
  }

  /** All whom anybody names; a person's owners of a role stand in place of the source's. */
  owners(asset: FakeAsset) {
    const mine = this.named.filter((o) => o.asset === asset.ref);
    return [...asset.owners.map((o) => ({ ...o, effective: !mine.some((m) => m.role === o.role) })), ...mine.map((o) => ({ ...o, effective: true }))];
  }

  own(person: FakePerson, input: { ref: string; role: string; principals: string[]; was: string[] }[]): void {
    this.allow(person, "describe");
    for (const one of input) {
      const now = this.owners(this.asset(one.ref)!).filter((o) => o.effective && o.role === one.role).map((o) => o.principal);
      if ([...now].sort().join() !== [...one.was].sort().join()) throw new Refusal("CONFLICT", `own ${one.ref}: its ${one.role} owners were changed since you looked; look again and name them on top of that`);
      const bad = one.principals.find((p) => !/^(user|group|team):\S+$/.test(p));
      if (bad !== undefined) throw new Refusal("INVALID", `own ${one.ref}: "${bad}" is no owner; write user:ADDRESS, group:ADDRESS or team:NAME`);
      this.named = this.named.filter((o) => !(o.asset === one.ref && o.role === one.role));
      for (const principal of one.principals) this.named.push({ asset: one.ref, principal, role: one.role, provenance: { kind: "person", name: person.id, why: "" } });
      this.log(person.id, "own", one.ref, [{ key: "role", value: one.role }]);
    }
    this.commit();
  }

  undoPreview(person: FakePerson, run: number) {
    this.allow(person, "crawl");
    const of = this.runs.find((r) => r.revision === run);
    if (!of) throw new Refusal("INVALID", `undo run: revision ${run} is no run of a source`);
    const changes = of.changes.map((c) => ({ what: c.what, began: c.ended, changed: c.changed, ended: c.began }));
    const later = this.later;
    return { run, made: null as number | null, source: of.source, changes, laterTotal: later.length, later };
  }

  /** Assets that later commits changed. */
  later: string[] = [];

  undoRun(person: FakePerson, run: number, keepLater: boolean) {
    const would = this.undoPreview(person, run);
    if (would.laterTotal > 0 && !keepLater) throw new Refusal("CONFLICT", `undo run ${run}: later commits changed some of what it did`);
    const made = this.commit();
    this.runs.find((r) => r.revision === run)!.undoneBy = made;
    this.runs.unshift({ revision: made, at: this.time(), actor: person.id, source: would.source, undid: run, undoneBy: null, changes: would.changes });
    this.log(person.id, "undo_run", would.source, [{ key: "run", value: String(run) }]);
    return { ...would, made };
  }

  /** Proposals that nobody has decided. */
  inbox(): FakeTag[] {
    return this.tags.filter((t) => t.state === "proposed" && !this.tags.some((p) => p.ref === t.ref && p.label === t.label && p.provenance.kind === "person"));
  }

  allow(person: FakePerson, action: string): void {
    if (person.actions.includes(action)) return;
    const who = people.filter((p) => p.actions.includes(action)).map((p) => p.name);
    throw new Refusal("DENIED", `you may not ${action}; ask ${who.join(" or ")}`);
  }
}
