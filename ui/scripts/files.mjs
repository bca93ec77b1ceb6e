// The few file helpers that the scripts share.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export { readFileSync, writeFileSync };

/** Lists the files below a folder whose names end so, sorted by path. */
export function globSync(folder, ending) {
  return readdirSync(folder, { recursive: true })
    .map((name) => join(folder, String(name)))
    .filter((name) => name.endsWith(ending))
    .sort();
}
