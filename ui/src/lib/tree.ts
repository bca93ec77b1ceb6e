/** Columns as a tree: which rows show, given what is folded and searched for. */

export interface TreeItem {
  path: string;
}

export interface TreeRow<T> {
  item: T;
  depth: number;
  /** How many rows lie below it, at any depth. */
  below: number;
  folded: boolean;
}

/** The path of the column that holds this one; empty at the top. */
export function parentPath(path: string, known: ReadonlySet<string>): string {
  for (let dot = path.lastIndexOf("."); dot > 0; dot = path.lastIndexOf(".", dot - 1)) {
    const prefix = path.slice(0, dot);
    if (known.has(prefix)) return prefix;
    const bare = prefix.replace(/(\[\])+$/, "");
    if (bare !== prefix && known.has(bare)) return bare;
  }
  return "";
}

/**
 * Lays columns out in their given order (parents before children). A search
 * keeps what matches and what holds it, and unfolds everything.
 */
export function layTree<T extends TreeItem>(items: readonly T[], folded: ReadonlySet<string>, search = ""): TreeRow<T>[] {
  const known = new Set(items.map((i) => i.path));
  const parents = new Map(items.map((i) => [i.path, parentPath(i.path, known)]));
  const below = new Map<string, number>();
  const keep = new Set<string>();
  const wanted = search.trim().toLowerCase();
  for (const { path } of items) {
    const matches = wanted !== "" && path.toLowerCase().includes(wanted);
    if (matches) keep.add(path);
    for (let p = parents.get(path) ?? ""; p !== ""; p = parents.get(p) ?? "") {
      below.set(p, (below.get(p) ?? 0) + 1);
      if (matches) keep.add(p);
    }
  }
  const depths = new Map<string, number>([["", -1]]);
  const hidden = new Set<string>();
  const rows: TreeRow<T>[] = [];
  for (const item of items) {
    const parent = parents.get(item.path) ?? "";
    const depth = (depths.get(parent) ?? -1) + 1;
    depths.set(item.path, depth);
    const isFolded = wanted === "" && folded.has(item.path);
    if (hidden.has(parent)) {
      hidden.add(item.path);
      continue;
    }
    if (isFolded) hidden.add(item.path);
    if (wanted !== "" && !keep.has(item.path)) continue;
    rows.push({ item, depth, below: below.get(item.path) ?? 0, folded: isFolded });
  }
  return rows;
}
