/** ⌘K: pages, assets, columns and actions by name. */
import { useNavigate } from "@tanstack/react-router";
import { Command } from "cmdk";
import { Palette as PaletteIcon } from "lucide-react";
import { useState } from "react";
import { useQuery } from "urql";
import { SuggestDocument } from "../gql/graphql";
import { useSettled } from "../lib/settled";
import { assetOf, baseName, container, parseRef } from "../lib/ref";
import { KindIcon } from "../parts/refs";
import { text } from "../text";
import { pages } from "./Shell";
import { setTheme, themes } from "./theme";

const item = "flex cursor-pointer items-center gap-2.5 rounded-md px-2.5 py-1.5 data-[selected=true]:bg-accent-soft";
const group = "[&_[cmdk-group-heading]]:px-2.5 [&_[cmdk-group-heading]]:pt-2 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:text-[0.82rem] [&_[cmdk-group-heading]]:text-muted";

export default function Palette({ close }: { close: () => void }) {
  const [typed, setTyped] = useState("");
  const query = useSettled(typed.trim(), 120);
  const [{ data }] = useQuery({ query: SuggestDocument, variables: { query, first: 6 }, pause: query === "" });
  const navigate = useNavigate();
  const go = (walk: () => unknown) => {
    close();
    walk();
  };
  const hits = query === "" ? [] : (data?.search.edges ?? []);
  const columns = hits.flatMap((h) => h.columns).slice(0, 6);
  const wanted = typed.trim().toLowerCase();
  const fits = (title: string) => wanted === "" || title.toLowerCase().includes(wanted);
  return (
    <Command.Dialog open onOpenChange={(open) => !open && close()} label={text.palette.label} shouldFilter={false} loop overlayClassName="fixed inset-0 z-40 bg-black/40" contentClassName="fixed inset-x-4 top-[12vh] z-50 mx-auto max-w-xl overflow-hidden rounded-xl border border-line bg-raised shadow-2xl">
      <Command.Input value={typed} onValueChange={setTyped} placeholder={text.palette.placeholder} className="w-full border-b border-line bg-transparent px-4 py-3 text-[1.05rem] outline-none" />
      <Command.List className="max-h-[55vh] overflow-y-auto p-1.5">
        <Command.Empty className="px-3 py-6 text-center text-muted">{text.palette.none}</Command.Empty>
        {hits.length > 0 && (
          <Command.Group heading={text.palette.assets} className={group}>
            {hits.map(({ node }) => (
              <Command.Item key={node.ref} value={node.ref} onSelect={() => go(() => navigate({ to: "/asset", search: { ref: node.ref } }))} className={item}>
                <KindIcon kind={node.kind} />
                <span className="truncate">{node.name}</span>
                <span className="ml-auto truncate text-[0.86rem] text-muted">{container(node.ref)}</span>
              </Command.Item>
            ))}
          </Command.Group>
        )}
        {columns.length > 0 && (
          <Command.Group heading={text.palette.columns} className={group}>
            {columns.map(({ ref, path }) => (
              <Command.Item key={ref} value={ref} onSelect={() => go(() => navigate({ to: "/asset", search: { ref: assetOf(ref), column: parseRef(ref).path } }))} className={item}>
                <code className="truncate font-mono text-[0.92em]">{path}</code>
                <span className="ml-auto truncate text-[0.86rem] text-muted">{baseName(ref)}</span>
              </Command.Item>
            ))}
          </Command.Group>
        )}
        {pages.some((p) => fits(p.title)) && (
          <Command.Group heading={text.palette.pages} className={group}>
            {pages.filter((p) => fits(p.title)).map(({ to, title, icon: Icon }) => (
              <Command.Item key={to} value={to} onSelect={() => go(() => navigate({ to }))} className={item}>
                <Icon aria-hidden className="size-4 text-muted" />
                {title}
              </Command.Item>
            ))}
          </Command.Group>
        )}
        {fits(text.shell.theme.label) && (
          <Command.Group heading={text.shell.theme.label} className={group}>
            {themes.map((theme) => (
              <Command.Item key={theme} value={`theme ${theme}`} onSelect={() => { setTheme(theme); close(); }} className={item}>
                <PaletteIcon aria-hidden className="size-4 text-muted" />
                {text.shell.theme[theme]}
              </Command.Item>
            ))}
          </Command.Group>
        )}
      </Command.List>
    </Command.Dialog>
  );
}
