/** A badge that opens its reason. */
import { Popover } from "radix-ui";
import type { ReactNode } from "react";
import { badgeClass, type Tone } from "./base";

export function Why({ tone, badge, label, children }: { tone: Tone; badge: ReactNode; label: string; children: ReactNode }) {
  return (
    <Popover.Root>
      <Popover.Trigger aria-label={label} title={label} className={`${badgeClass(tone)} cursor-help hover:ring-1 hover:ring-current`} onClick={(event) => event.stopPropagation()}>
        {badge}
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content sideOffset={6} collisionPadding={12} aria-label={label} onClick={(event) => event.stopPropagation()} onKeyDown={(event) => event.stopPropagation()} className="z-50 w-[22rem] max-w-[calc(100vw-1.5rem)] rounded-[10px] border border-line bg-raised p-4 shadow-xl">
          {children}
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
