/** Numbers that look random and are the same in every run. */
export function numbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

export function textOf(next: (below: number) => number, alphabet: string, most: number): string {
  const letters = [...alphabet];
  return Array.from({ length: next(most + 1) }, () => letters[next(letters.length)]).join("");
}
