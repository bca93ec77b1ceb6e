/** The tokens of services that push: made, shown once, revoked. */
import { useState, type FormEvent } from "react";
import { useMutation, useQuery } from "urql";
import { failure } from "../api/tagging";
import { CreateTokenDocument, RevokeTokenDocument, TokensDocument, type TokenPartsFragment } from "../gql/graphql";
import { Badge, Button, Problem, Time, Waiting } from "../parts/base";
import { useNotice } from "../parts/notice";
import { text } from "../text";

export function Tokens() {
  const [{ data, error }, again] = useQuery({ query: TokensDocument, requestPolicy: "cache-and-network" });
  const [secret, setSecret] = useState("");
  const read = () => again({ requestPolicy: "network-only" });
  return (
    <section aria-label={text.tokens.title} className="mt-7">
      <h2 className="font-semibold">{text.tokens.title}</h2>
      <p className="mb-3 max-w-3xl text-muted">{text.tokens.lead}</p>
      <NewToken made={(s) => { setSecret(s); read(); }} />
      {secret && <Secret key={secret} value={secret} leave={() => setSecret("")} />}
      {error && !data && <Problem error={error} again={read} />}
      {!data && !error && <Waiting lines={2} />}
      {data?.tokens.length === 0 && <p className="text-muted">{text.tokens.none}</p>}
      {data && data.tokens.length > 0 && (
        <ul className="card divide-y divide-line">
          {data.tokens.map((token) => <TokenRow key={token.id} token={token} />)}
        </ul>
      )}
    </section>
  );
}

function Secret({ value, leave }: { value: string; leave: () => void }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(value);
    setCopied(true);
  };
  return (
    <div role="status" className="my-3 flex flex-wrap items-center gap-3 rounded-lg border border-ok bg-ok-soft px-3 py-2">
      <code className="[overflow-wrap:anywhere]">{value}</code>
      <Button small onClick={() => void copy()}>{copied ? text.audit.copied : text.audit.copy}</Button>
      <span>{text.tokens.shown}</span>
      <Button small look="quiet" onClick={leave}>{text.tokens.copied}</Button>
    </div>
  );
}

function NewToken({ made }: { made: (secret: string) => void }) {
  const [name, setName] = useState("");
  const [sources, setSources] = useState("");
  const [days, setDays] = useState("90");
  const [{ fetching }, create] = useMutation(CreateTokenDocument);
  const notice = useNotice();
  const go = async (event: FormEvent) => {
    event.preventDefault();
    const { data, error } = await create({ name: name.trim(), sources: sources.split(/[\s,]+/).filter((s) => s !== ""), days: Number(days) });
    if (error || !data) {
      if (error) notice({ text: failure(error), tone: "bad" });
      return;
    }
    setName("");
    setSources("");
    made(data.createToken.secret);
  };
  return (
    <form className="mb-3 flex flex-wrap items-end gap-2" onSubmit={(e) => void go(e)}>
      <label className="flex flex-col gap-1">{text.tokens.name}<input required value={name} onChange={(e) => setName(e.target.value)} className="field" /></label>
      <label className="flex flex-col gap-1">{text.tokens.sources}<input required value={sources} placeholder={text.tokens.sourcesHint} onChange={(e) => setSources(e.target.value)} className="field" /></label>
      <label className="flex flex-col gap-1">{text.tokens.days}<input required type="number" min={1} max={3650} value={days} onChange={(e) => setDays(e.target.value)} className="field w-24" /></label>
      <Button type="submit" look="primary" disabled={fetching}>{text.tokens.create}</Button>
    </form>
  );
}

function TokenRow({ token }: { token: TokenPartsFragment }) {
  const [{ fetching }, revoke] = useMutation(RevokeTokenDocument);
  const notice = useNotice();
  const expired = new Date(token.expiresAt) <= new Date();
  const go = async () => {
    const { error } = await revoke({ id: token.id });
    notice(error ? { text: failure(error), tone: "bad" } : { text: text.tokens.revoked(token.name) });
  };
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2.5">
      <span className="font-medium">{token.name}</span>
      {token.sources.map((source) => <Badge key={source}>{source}</Badge>)}
      <span className="text-muted">{text.tokens.by(token.createdBy)}</span>
      {token.revokedAt ? (
        <span className="text-muted">{`${text.tokens.revokedAt} `}<Time at={token.revokedAt} /></span>
      ) : (
        <span className="text-muted">{`${expired ? text.tokens.expired : text.tokens.until} `}<Time at={token.expiresAt} /></span>
      )}
      <span className="text-muted">{token.lastUsedAt ? <>{`${text.tokens.used} `}<Time at={token.lastUsedAt} ago /></> : text.tokens.neverUsed}</span>
      {!token.revokedAt && !expired && <Button small look="danger" className="ml-auto" disabled={fetching} onClick={() => void go()}>{text.tokens.revoke}</Button>}
    </li>
  );
}
