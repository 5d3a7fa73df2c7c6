/** Lines shown around the first difference. */
const context = 3;
const linesMax = 40;

/** The outputs from just before their first difference, `-` expected and `+` actual. */
export function lineDiff(expected: string, actual: string): string {
  const want = expected.split('\n');
  const have = actual.split('\n');
  let at = 0;
  while (at < Math.min(want.length, have.length) && want[at] === have[at]) at++;
  let back = 0;
  while (back < Math.min(want.length, have.length) - at && want.at(-1 - back) === have.at(-1 - back)) back++;
  const lines = [
    ...want.slice(Math.max(0, at - context), at).map((line) => `  ${line}`),
    ...want.slice(at, want.length - back).map((line) => `- ${line}`),
    ...have.slice(at, have.length - back).map((line) => `+ ${line}`),
    ...want.slice(want.length - back, want.length - back + context).map((line) => `  ${line}`),
  ];
  const shown = lines.slice(0, linesMax);
  return [...shown, ...(lines.length > linesMax ? [`… ${lines.length - linesMax} more lines`] : [])].join(
    '\n',
  );
}
