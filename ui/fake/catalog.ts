/**
 * The fake catalog: what is known, who may know it, and what each audience
 * gets. Simple on purpose; the real rules live in the program.
 */
import { assets as makeAssets, audiences, people, tags as makeTags } from "./company.ts";
import type { FakeAsset, FakeColumn, FakeEvent, FakePerson, FakePlan, FakeTag } from "./types.ts";

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
  plans: FakePlan[] = [];
  events: FakeEvent[] = [];
  activity: { kind: string; subject: string; state: string; done: number; total: number; attempt: number; attempts: number; startedAt: string | null; nextAt: string | null; endedAt: string | null; error: string }[] = [];
  /** "audience asset" for each view that stands. */
  published = new Set<string>();
  head = 41;
  private readonly past: Seen[] = [];
  private readonly now: () => Date;

  constructor(now: () => Date = () => new Date()) {
    this.now = now;
    this.log("service:crawler", "crawl", "warehouse", [{ key: "assets", value: "12" }]);
    this.commit();
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
