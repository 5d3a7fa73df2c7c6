import { stdout } from 'node:process';
import { fillBacklog, noise } from './bench-backlog.ts';

/** `bench-backlog-child.ts FOLDER BYTES`: fills a folder with sealed blocks, says so, and waits to be killed. */
const [folder = '', bytes = ''] = process.argv.slice(2);
const store = fillBacklog(folder, { bytes: Number(bytes), batch: noise, synced: false });
// A log to replay, smaller than what would be written back at once.
for (let i = 0; i < 4; i++) store.append([noise(i)]);
stdout.write('filled\n');
setInterval(() => {}, 1_000);
