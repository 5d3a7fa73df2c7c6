import type { Bench, BenchResult, BenchSkip } from '../bench/bench.ts';

/** What a bench's process tells the one that started it. */
export type BenchMessage =
  | { readonly kind: 'begun'; readonly bench: string }
  | { readonly kind: 'result'; readonly result: BenchResult | BenchSkip };

/** `bench-child.ts FILE-URL FILTER`: runs the benches of one file whose name, or whose file's name, holds FILTER. */
const [file = '', filter = ''] = process.argv.slice(2);
const { benches } = (await import(file)) as { benches: readonly Bench[] };
const tell = (message: BenchMessage): void => void process.send!(message);
const fileName = file.slice(file.lastIndexOf('/') + 1);
for (const bench of benches) {
  if (!fileName.includes(filter) && !bench.name.includes(filter)) continue;
  tell({ kind: 'begun', bench: bench.name });
  for (const result of await bench.run()) tell({ kind: 'result', result });
}
process.disconnect?.();
