import { parse, print, type DocumentNode } from "graphql";
import { describe, expect, it } from "vitest";
import { pipe, subscribe } from "wonka";
import { people } from "../../fake/company";
import { FakeServer } from "../../fake/server";
import { pinned } from "../../src/api/asof";
import { makeClient } from "../../src/api/client";
import * as documents from "../../src/gql/graphql";
import { asMoment, momentOf } from "../../src/lib/moment";
import { text } from "../../src/text";
import { customers } from "../app";

const column = `${customers}#contact.email`;

describe("a moment in the URL", () => {
  it.each([
    ["42", { revision: 42 }],
    ["2026-03-03T12:00:00Z", { time: "2026-03-03T12:00:00Z" }],
    ["2026-03-03T12:00:00+02:00", { time: "2026-03-03T12:00:00+02:00" }],
    ["2026-03-03", { time: "2026-03-03T23:59:59.999999Z" }],
    ["0", undefined],
    ["-1", undefined],
    ["2026-03-03T12:00", undefined],
    ["yesterday", undefined],
    ["", undefined],
    [undefined, undefined],
  ])("%s is read as %o", (written, moment) => {
    expect(momentOf(written)).toEqual(moment);
    expect(asMoment(written)).toBe(written === "" ? undefined : written);
  });

  it("may be a number, as other code of the app writes it", () => expect(asMoment(42)).toBe("42"));
});

describe("the client of a moment", () => {
  it("writes the moment on the operation, and leaves the rest as it is", () => {
    const document = parse("query Q($a: Int) { me { id } } fragment F on Me { id }");
    const want = parse('query Q($a: Int) @asOf(time: "2026-03-03T12:00:00Z") { me { id } } fragment F on Me { id }');
    expect(print(pinned(document as never, { time: "2026-03-03T12:00:00Z" }) as unknown as DocumentNode)).toBe(print(want));
    expect(print(pinned(document as never, { revision: 7 }) as unknown as DocumentNode)).toContain("@asOf(revision: 7)");
  });

  it("never mixes past and present, whatever is read and written in between", async () => {
    const server = new FakeServer();
    const fetch = server.fetchAs("Otto");
    const clients = { past: makeClient({ fetch, moment: { revision: 42 } }), now: makeClient({ fetch }) };
    const states = { past: [] as string[], now: [] as string[] };
    const reads = (["past", "now"] as const).map((when) =>
      pipe(clients[when].query(documents.AssetDocument, { ref: customers }), subscribe((r) => states[when].push(r.data?.asset?.columns.find((c) => c.ref === column)?.tags.map((t) => t.state).join() ?? r.error!.message))),
    );
    await expect.poll(() => [states.past.at(-1), states.now.at(-1)]).toEqual(["proposed", "proposed"]);
    await clients.now.mutation(documents.TagDocument, { input: [{ ref: column, label: "user.contact.email", state: "confirmed" }] }).toPromise();
    await expect.poll(() => states.now.at(-1)).toBe("proposed,confirmed");
    const again = await clients.past.query(documents.AssetDocument, { ref: customers }, { requestPolicy: "network-only" }).toPromise();
    expect(again.data?.asset?.columns.find((c) => c.ref === column)?.tags.map((t) => t.state)).toEqual(["proposed"]);
    expect(again.data?.asset?.mayTag).toBe(false);
    expect(states.past.every((s) => s === "proposed")).toBe(true);
    reads.forEach((r) => r.unsubscribe());
  });

  it("writes nothing", async () => {
    const server = new FakeServer();
    const client = makeClient({ fetch: server.fetchAs("Otto"), moment: { revision: 42 } });
    const { error } = await client.mutation(documents.TagDocument, { input: [{ ref: column, label: "user.contact.email", state: "confirmed" }] }).toPromise();
    expect(error?.message).toContain(text.time.readOnly);
    expect(server.catalog.head).toBe(42);
  });

  it("asks what is configured of now, and is refused what has no past", async () => {
    const server = new FakeServer();
    const client = makeClient({ fetch: server.fetchAs(people[0]!.name), moment: { revision: 42 } });
    for (const document of [documents.MeDocument, documents.AudiencesDocument, documents.VocabularyDocument]) {
      expect((await client.query(document as typeof documents.MeDocument, {}).toPromise()).error).toBeUndefined();
    }
    const { error } = await client.query(documents.SourcesDocument, {}).toPromise();
    expect(error?.message).toContain("tells of the present alone");
  });
});
