/** Lines shown around a difference, and of each side of it. */
const context = 3;
const sideMax = 20;

/** The outputs from just before their first difference, `-` expected and `+` actual. */
export function lineDiff(expected: string, actual: string): string {
  const want = expected.split('\n');
  const have = actual.split('\n');
  const shorter = Math.min(want.length, have.length);
  let at = 0;
  while (at < shorter && want[at] === have[at]) at++;
  let back = 0;
  while (back < shorter - at && want.at(-1 - back) === have.at(-1 - back)) back++;
  const side = (lines: readonly string[], mark: string): string[] => {
    const differing = lines.slice(at, lines.length - back).map((line) => `${mark} ${line}`);
    const more = differing.length - sideMax;
    return more > 0 ? [...differing.slice(0, sideMax), `${mark} … ${more} more lines`] : differing;
  };
  return [
    ...want.slice(Math.max(0, at - context), at).map((line) => `  ${line}`),
    ...side(want, '-'),
    ...side(have, '+'),
    ...want.slice(want.length - back, want.length - back + context).map((line) => `  ${line}`),
  ].join('\n');
}
