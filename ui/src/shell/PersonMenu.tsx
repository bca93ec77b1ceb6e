/** Who is signed in, the colours, and the way out. */
import { LogOut, Siren } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { lazy, Suspense, useState } from "react";
import { useMay, useMe } from "../api/session";
import { useNotice } from "../parts/notice";
import { text } from "../text";
import { currentTheme, setTheme, themes, type Theme } from "./theme";

const GlassDialog = lazy(() => import("./GlassDialog"));

export async function signOut(): Promise<boolean> {
  const answer = await fetch("/auth/logout", { method: "POST", credentials: "same-origin" }).catch(() => null);
  return answer?.ok ?? false;
}

export function PersonMenu() {
  const me = useMe();
  const notice = useNotice();
  const mayBreakGlass = useMay("break_glass") && !me.breakGlass;
  const [asking, setAsking] = useState(false);
  const [theme, chooseTheme] = useState<Theme>(currentTheme);
  const leave = async () => {
    // Loading anew leaves nothing of this person in the page's memory.
    if (await signOut()) window.location.assign("/");
    else notice({ text: text.shell.signOutFailed, tone: "bad" });
  };
  const item = "flex cursor-pointer items-center gap-2 rounded-md px-2 py-1.5 outline-none data-[highlighted]:bg-sunken";
  return (
    <>
      {asking && (
        <Suspense fallback={null}>
          <GlassDialog close={() => setAsking(false)} />
        </Suspense>
      )}
      <DropdownMenu.Root modal={false}>
        <DropdownMenu.Trigger className="flex min-w-0 shrink-0 items-center gap-2.5 rounded-[7px] px-1.5 py-1.5 text-left hover:bg-sunken md:mt-2">
          <span aria-hidden className="grid size-7 shrink-0 place-items-center rounded-full bg-accent-soft text-[0.86rem] font-semibold text-accent">{initials(me.name)}</span>
          <span className="sr-only">{text.shell.menu}: </span>
          <span className="min-w-0 max-md:sr-only">
            <span className="block truncate font-medium">{me.name}</span>
            <span className="block truncate text-[0.82rem] text-muted">{text.shell.audiences(me.audiences.map((a) => a.title))}</span>
          </span>
        </DropdownMenu.Trigger>
        <DropdownMenu.Portal>
          <DropdownMenu.Content sideOffset={6} collisionPadding={8} align="start" className="z-50 w-60 rounded-[10px] border border-line bg-raised p-1.5 shadow-xl">
            <div className="px-2 py-1.5 text-[0.9rem]">
              <p className="font-medium">{me.name}</p>
              <p className="truncate text-muted">{me.id}</p>
              <p className="text-muted">{text.shell.revision(me.head)}</p>
            </div>
            <DropdownMenu.Separator className="my-1 h-px bg-line" />
            <DropdownMenu.Label className="px-2 py-1 text-[0.82rem] text-muted">{text.shell.theme.label}</DropdownMenu.Label>
            <DropdownMenu.RadioGroup value={theme} onValueChange={(value) => { setTheme(value as Theme); chooseTheme(value as Theme); }}>
              {themes.map((one) => (
                <DropdownMenu.RadioItem key={one} value={one} onSelect={(event) => event.preventDefault()} className={`${item} data-[state=checked]:font-semibold data-[state=checked]:text-accent`}>
                  {text.shell.theme[one]}
                </DropdownMenu.RadioItem>
              ))}
            </DropdownMenu.RadioGroup>
            <DropdownMenu.Separator className="my-1 h-px bg-line" />
            {mayBreakGlass && (
              <DropdownMenu.Item className={item} onSelect={() => setAsking(true)}>
                <Siren aria-hidden className="size-4" />
                {text.glass.begin}
              </DropdownMenu.Item>
            )}
            <DropdownMenu.Item className={item} onSelect={() => void leave()}>
              <LogOut aria-hidden className="size-4" />
              {text.shell.signOut}
            </DropdownMenu.Item>
          </DropdownMenu.Content>
        </DropdownMenu.Portal>
      </DropdownMenu.Root>
    </>
  );
}

function initials(name: string): string {
  const words = name.split(/\s+/).filter(Boolean);
  return `${words[0]?.[0] ?? ""}${words.length > 1 ? (words.at(-1)?.[0] ?? "") : ""}`.toUpperCase();
}
