import type { Bench, BenchRow } from '../bench/bench.ts';

/** What a bench's process tells the one that started it. */
export type BenchMessage =
  | { readonly kind: 'begun'; readonly bench: string; readonly index: number; readonly secondsMax: number }
  | { readonly kind: 'row'; readonly row: BenchRow };

const secondsMaxDefault = 60;

/** `bench-child.ts FILE-URL FILTER FROM`: runs the benches of one file from the one at FROM whose name, or whose file's name, holds FILTER. */
const [file = '', filter = '', from = '0'] = process.argv.slice(2);
const { benches } = (await import(file)) as { benches: readonly Bench[] };
const tell = (message: BenchMessage): void => void process.send!(message);
const fileName = file.slice(file.lastIndexOf('/') + 1);
for (const [index, bench] of benches.entries()) {
  if (index < Number(from) || !(fileName.includes(filter) || bench.name.includes(filter))) continue;
  tell({ kind: 'begun', bench: bench.name, index, secondsMax: bench.secondsMax ?? secondsMaxDefault });
  for await (const row of await bench.run()) tell({ kind: 'row', row });
}
process.disconnect?.();
