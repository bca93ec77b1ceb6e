/** Who answers for an asset: whom its source names, and whom a person does. */
import { Pencil, X } from "lucide-react";
import { useContext, useRef, useState, type KeyboardEvent } from "react";
import { useMutation } from "urql";
import { failure } from "../api/tagging";
import { OwnDocument } from "../gql/graphql";
import { principalName } from "../lib/ref";
import { Button } from "../parts/base";
import { useNotice } from "../parts/notice";
import { MayDescribe } from "../parts/said";
import { Why } from "../parts/why";
import { text } from "../text";
import type { Asset } from "./AssetPage";

const roles = ["accountable", "technical"] as const;
type Role = (typeof roles)[number];
type Named = Record<Role, string[]>;

const inRole = (owners: Asset["ownersSaid"], role: Role) => owners.filter((o) => o.role === role);

export function Owners({ asset }: { asset: Asset }) {
  const may = useContext(MayDescribe);
  const [editing, setEditing] = useState(false);
  const opener = useRef<HTMLButtonElement>(null);
  const leave = () => {
    setEditing(false);
    requestAnimationFrame(() => opener.current?.focus());
  };
  if (editing) return <OwnersEditor asset={asset} leave={leave} />;
  const outspoken = asset.ownersSaid.filter((o) => !o.effective && !asset.owners.some((e) => e.role === o.role && e.principal === o.principal));
  return (
    <>
      {asset.owners.length === 0 && <span className="text-muted">{text.asset.ownersNone}</span>}
      {asset.owners.map((owner) => (
        <Why key={owner.principal + owner.role} tone="plain" label={`${principalName(owner.principal)}, ${owner.role}`} badge={<>{principalName(owner.principal)} · {owner.role}</>}>
          <p className="[overflow-wrap:anywhere]">{owner.principal}</p>
          <p className="text-muted">{`${text.column.says[owner.provenance.kind] ?? owner.provenance.kind} ${owner.provenance.name}`}</p>
          {owner.provenance.why && <p className="text-muted">{owner.provenance.why}</p>}
        </Why>
      ))}
      {outspoken.length > 0 && (
        <Why tone="info" label={text.said.otherwise} badge={text.said.otherwise}>
          <p className="mb-1 font-semibold">{text.said.sourceNames}</p>
          {outspoken.map((o) => <p key={o.principal + o.role} className="[overflow-wrap:anywhere]">{`${o.principal} · ${o.role}`}</p>)}
          <p className="mt-1 text-muted">{text.said.ownersStand}</p>
        </Why>
      )}
      {may && (
        <button ref={opener} type="button" onClick={() => setEditing(true)} aria-label={text.said.editOwners} title={text.said.editOwners} className="rounded px-1 text-muted hover:bg-sunken hover:text-ink">
          <Pencil aria-hidden className="size-3.5" />
        </button>
      )}
    </>
  );
}

function OwnersEditor({ asset, leave }: { asset: Asset; leave: () => void }) {
  const start = Object.fromEntries(roles.map((role) => [role, inRole(asset.ownersSaid, role).filter((o) => o.effective).map((o) => o.principal)])) as Named;
  const [named, setNamed] = useState(start);
  const [{ fetching }, own] = useMutation(OwnDocument);
  const notice = useNotice();
  const moved = roles.filter((role) => [...named[role]].sort().join() !== [...start[role]].sort().join());
  const byPerson = (role: Role) => inRole(asset.ownersSaid, role).some((o) => o.provenance.kind === "person");
  const emptied = moved.some((role) => named[role].length === 0 && !byPerson(role));
  const send = async (changes: { role: Role; principals: string[] }[]) => {
    const { error } = await own({ input: changes.map(({ role, principals }) => ({ ref: asset.ref, role, principals, was: start[role] })) });
    if (error) {
      notice({ text: failure(error), tone: "bad" });
      return;
    }
    notice({ text: text.said.saved });
    leave();
  };
  const save = () => (moved.length === 0 ? leave() : void send(moved.map((role) => ({ role, principals: named[role] }))));
  const press = (event: KeyboardEvent) => {
    event.stopPropagation();
    if (event.key === "Escape") leave();
  };
  return (
    <form aria-label={text.said.editOwners} onKeyDown={press} onSubmit={(event) => { event.preventDefault(); if (!emptied) save(); }} className="card flex w-full max-w-xl flex-col gap-3 p-3">
      {roles.map((role, i) => (
        <RoleEditor key={role} role={role} first={i === 0} named={named[role]} change={(principals) => setNamed({ ...named, [role]: principals })} back={byPerson(role) ? () => void send([{ role, principals: [] }]) : undefined} />
      ))}
      {emptied && <p role="alert" className="text-bad">{text.said.nobodyElse}</p>}
      <div className="flex flex-wrap items-center gap-2">
        <Button type="submit" small look="primary" disabled={fetching || moved.length === 0 || emptied}>{text.said.save}</Button>
        <Button small look="quiet" onClick={leave}>{text.said.cancel}</Button>
        <span className="text-[0.86rem] text-muted">{text.said.ownersKeys}</span>
      </div>
    </form>
  );
}

function RoleEditor({ role, first, named, change, back }: { role: Role; first: boolean; named: string[]; change: (principals: string[]) => void; back: (() => void) | undefined }) {
  const [typed, setTyped] = useState("");
  const add = () => {
    const who = typed.trim();
    if (who !== "" && !named.includes(who)) change([...named, who]);
    setTyped("");
  };
  return (
    <fieldset className="flex flex-col gap-1.5">
      <legend className="mb-1 font-medium">{text.said.role[role]}</legend>
      <ul className="flex flex-wrap gap-1.5">
        {named.map((who) => (
          <li key={who} className="inline-flex max-w-full items-center gap-1 rounded-full bg-sunken px-2 py-px text-[0.86rem]">
            <span className="truncate" title={who}>{who}</span>
            <button type="button" aria-label={text.said.remove(who)} onClick={() => change(named.filter((n) => n !== who))} className="rounded-full text-muted hover:text-ink">
              <X aria-hidden className="size-3.5" />
            </button>
          </li>
        ))}
      </ul>
      <div className="flex gap-2">
        <input autoFocus={first} value={typed} aria-label={text.said.add(role)} placeholder={text.said.placeholder} onChange={(e) => setTyped(e.target.value)} onKeyDown={(e) => { if (e.key === "Enter" && typed.trim() !== "") { e.preventDefault(); add(); } }} className="field min-w-0 grow" />
        <Button small disabled={typed.trim() === ""} onClick={add}>{text.said.addShort}</Button>
        {back && <Button small onClick={back}>{text.said.ownersBack}</Button>}
      </div>
    </fieldset>
  );
}
