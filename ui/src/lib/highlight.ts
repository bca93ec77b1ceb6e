/** Cutting a text into parts that matched and parts that did not. */

export interface Span {
  start: number;
  end: number;
}

export interface Part {
  text: string;
  marked: boolean;
}

/** Spans count Unicode code points; they may overlap and come in any order. */
export function cut(text: string, spans: readonly Span[]): Part[] {
  const points = [...text];
  const marked = new Array<boolean>(points.length).fill(false);
  for (const { start, end } of spans) marked.fill(true, Math.max(start, 0), Math.min(end, points.length));
  const parts: Part[] = [];
  points.forEach((point, i) => {
    const last = parts.at(-1);
    if (last && last.marked === marked[i]) last.text += point;
    else parts.push({ text: point, marked: marked[i] ?? false });
  });
  return parts;
}
