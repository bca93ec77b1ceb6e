/** Proposals by asset, in the order in which they came. */
import { assetOf } from "./ref";

export interface ProposalGroup<T> {
  asset: string;
  tags: T[];
}

export function groupByAsset<T extends { ref: string }>(tags: readonly T[]): ProposalGroup<T>[] {
  const groups = new Map<string, T[]>();
  for (const tag of tags) {
    const asset = assetOf(tag.ref);
    const group = groups.get(asset);
    if (group) group.push(tag);
    else groups.set(asset, [tag]);
  }
  return [...groups].map(([asset, members]) => ({ asset, tags: members }));
}
