/**
 * What draws the order of tests and the cases of properties: always the same, so that a suite that passed passes again. `npm run fuzz` tries others;
 */
export function fuzzSeed(): number {
  return Number(process.env['FUZZ_SEED'] ?? 1);
}
