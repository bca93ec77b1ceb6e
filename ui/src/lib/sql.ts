/** SQL for reading: tokens to colour, and lines side by side. */

export type TokenKind = "keyword" | "string" | "number" | "comment" | "name" | "other";

export interface Token {
  kind: TokenKind;
  text: string;
}

const keywords = new Set(
  "ALL AND ANY ARRAY AS ASC BETWEEN BY CASE CAST CREATE CROSS CURRENT DEFAULT DELETE DESC DISTINCT ELSE END EXCEPT EXISTS FALSE FOR FROM FULL GROUP HAVING IF IN INNER INSERT INTERSECT INTERVAL INTO IS JOIN LATERAL LEFT LIKE LIMIT MATCHED MERGE NOT NULL OFFSET ON OR ORDER OUTER OVER PARTITION QUALIFY REPLACE RIGHT ROWS SAFE_CAST SELECT SET STRUCT TABLE TABLESAMPLE THEN TRUE UNION UNNEST UPDATE USING VALUES VIEW WHEN WHERE WINDOW WITH".split(" "),
);

const pattern = /(--[^\n]*|#[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|('(?:[^'\\\n]|\\.)*'?|"(?:[^"\\\n]|\\.)*"?)|(`[^`\n]*`?)|(\d+(?:\.\d+)?)|([A-Za-z_]\w*)|([^A-Za-z_\d'"`#]+?(?=--|\/\*|[A-Za-z_\d'"`#]|$)|[\s\S])/g;

/** Cuts SQL into tokens; put together again they are the text. */
export function tokens(sql: string): Token[] {
  const found: Token[] = [];
  for (const match of sql.matchAll(pattern)) {
    const [text, comment, string, quoted, number, word] = match;
    if (text === "") continue;
    let kind: TokenKind = "other";
    if (comment !== undefined) kind = "comment";
    else if (string !== undefined) kind = "string";
    else if (number !== undefined) kind = "number";
    else if (quoted !== undefined) kind = "name";
    else if (word !== undefined) kind = keywords.has(word.toUpperCase()) ? "keyword" : "name";
    found.push({ kind, text });
  }
  return found;
}

export interface DiffRow {
  /** The line before and after; null where the other side has a line more. */
  before: string | null;
  after: string | null;
  changed: boolean;
}

/**
 * Puts the lines of two texts side by side, equal lines at one height, by
 * their longest common subsequence. A changed block pairs its lines in order.
 */
export function sideBySide(before: string, after: string): DiffRow[] {
  const a = before === "" ? [] : before.split("\n");
  const b = after === "" ? [] : after.split("\n");
  const common = commonLines(a, b);
  const rows: DiffRow[] = [];
  let i = 0;
  let j = 0;
  for (const [x, y] of [...common, [a.length, b.length] as const]) {
    const height = Math.max(x - i, y - j);
    for (let k = 0; k < height; k++) {
      rows.push({ before: i + k < x ? a[i + k]! : null, after: j + k < y ? b[j + k]! : null, changed: true });
    }
    if (x < a.length) rows.push({ before: a[x]!, after: b[y]!, changed: false });
    [i, j] = [x + 1, y + 1];
  }
  return rows;
}

/** The pairs of a longest common subsequence, by index. */
function commonLines(a: readonly string[], b: readonly string[]): (readonly [number, number])[] {
  const width = b.length + 1;
  const lengths = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i * width + j] = a[i] === b[j] ? lengths[(i + 1) * width + j + 1]! + 1 : Math.max(lengths[(i + 1) * width + j]!, lengths[i * width + j + 1]!);
    }
  }
  const pairs: (readonly [number, number])[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) pairs.push([i++, j++]);
    else if (lengths[(i + 1) * width + j]! >= lengths[i * width + j + 1]!) i++;
    else j++;
  }
  return pairs;
}
