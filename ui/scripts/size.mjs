// Prints what the app weighs when compressed and fails where the entry, which
// everybody loads before the first page, is above its budget.
import { gzipSync } from "node:zlib";
import { globSync, readFileSync } from "./files.mjs";

const budget = 180 * 1024;
const index = readFileSync("dist/index.html", "utf8");
const entry = new Set([...index.matchAll(/(?:src|href)="\/(assets\/[^"]+\.(?:js|css))"/g)].map((m) => `dist/${m[1]}`));

const files = globSync("dist/assets", "").filter((f) => /\.(js|css)$/.test(f));
const sizes = files.map((file) => ({ file, bytes: gzipSync(readFileSync(file)).length, entry: entry.has(file) }));
sizes.sort((a, b) => Number(b.entry) - Number(a.entry) || b.bytes - a.bytes);
for (const { file, bytes, entry: first } of sizes) console.log(`${(bytes / 1024).toFixed(1).padStart(7)} kB  ${first ? "entry" : "lazy "}  ${file}`);

const total = sizes.filter((s) => s.entry).reduce((sum, s) => sum + s.bytes, 0);
console.log(`entry ${(total / 1024).toFixed(1)} kB gzip of ${budget / 1024} kB`);
if (entry.size === 0 || total > budget) {
  console.error(entry.size === 0 ? "dist/index.html names no script: run npm run build" : "the entry is above its budget");
  process.exit(1);
}
