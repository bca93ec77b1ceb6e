/** What a view's change means for its readers, counted. */

export interface EffectOf {
  effect: string;
  was: string;
}

export type Change = "clearer" | "gained" | "masked" | "lost" | "denied" | "same";

const strength = ["deny", "mask", "allow"];

/**
 * What happens to one column: `gained` is new to the readers, `clearer` was
 * masked and is no longer, `masked` was clear or is new and masked, `lost` was
 * there, `denied` neither was nor is there, `same` stays as it was.
 */
export function changeOf({ effect, was }: EffectOf): Change {
  const had = was === "allow" || was === "mask";
  if (effect === "deny") return had ? "lost" : "denied";
  if (!had) return effect === "mask" ? "masked" : "gained";
  const turn = strength.indexOf(effect) - strength.indexOf(was);
  return turn > 0 ? "clearer" : turn < 0 ? "masked" : "same";
}

export function sumEffects(columns: readonly EffectOf[]): Record<Change, number> {
  const sum: Record<Change, number> = { clearer: 0, gained: 0, masked: 0, lost: 0, denied: 0, same: 0 };
  for (const column of columns) sum[changeOf(column)] += 1;
  return sum;
}
