/** Reading refs: `namespace/name` of an asset, `namespace/name#path` of a column. */

export interface RefParts {
  namespace: string;
  name: string;
  path: string;
}

const decode = (text: string): string => text.replaceAll("%2F", "/").replaceAll("%23", "#").replaceAll("%25", "%");

/** Takes a ref apart; what is no ref comes back as a name alone. */
export function parseRef(ref: string): RefParts {
  const hash = ref.indexOf("#");
  const asset = hash < 0 ? ref : ref.slice(0, hash);
  const slash = asset.lastIndexOf("/");
  return { namespace: decode(asset.slice(0, Math.max(slash, 0))), name: decode(asset.slice(slash + 1)), path: hash < 0 ? "" : ref.slice(hash + 1) };
}

/** The ref of the asset to which a column belongs. */
export function assetOf(ref: string): string {
  const hash = ref.indexOf("#");
  return hash < 0 ? ref : ref.slice(0, hash);
}

export function columnRef(asset: string, path: string): string {
  return `${assetOf(asset)}#${path}`;
}

/** The last part of an asset's name: the table, the topic. */
export function baseName(ref: string): string {
  const { namespace, name } = parseRef(ref);
  return namespace === "bigquery" ? name.slice(name.lastIndexOf(".") + 1) : name;
}

/** What stands before the last part: project and dataset, or the namespace. */
export function container(ref: string): string {
  const { namespace, name } = parseRef(ref);
  const dot = name.lastIndexOf(".");
  return namespace === "bigquery" && dot > 0 ? name.slice(0, dot) : namespace;
}

/** A principal without its kind, for reading: "user:a@b" becomes "a@b". */
export function principalName(principal: string): string {
  return principal.slice(principal.indexOf(":") + 1);
}

/** A SHA-256 in hex by its first twelve letters; anything else as it is. */
export function shortHash(text: string): string {
  return /^[0-9a-f]{64}$/.test(text) ? text.slice(0, 12) : text;
}
