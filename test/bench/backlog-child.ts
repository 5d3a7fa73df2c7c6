import { argv, stdout } from 'node:process';
import { openStore, noiseEntry } from './store-bench-rig.ts';

/** Fills a folder with sealed blocks of so many MiB, leaves a few commits in the log, says so, and waits to be killed. */
const folder = argv[2]!;
const mebibytes = Number(argv[3]);
const { store, now } = openStore(folder);
for (let written = 0; written < mebibytes * 1024 * 1024;) {
  const entries = Array.from({ length: 8 }, (_, i) => noiseEntry(written / 1024 + i));
  const { outcomes } = store.commit([{ kind: 'append', entries }], now());
  if (outcomes[0]?.ok !== true) throw new Error(JSON.stringify(outcomes[0]));
  for (const entry of entries) for (const row of entry.rows) written += row.bytes.length;
  while (store.maintain(now()));
}
for (let i = 0; i < 4; i++) store.commit([{ kind: 'append', entries: [noiseEntry(i)] }], now());
stdout.write('filled\n');
setInterval(() => {}, 1_000);
