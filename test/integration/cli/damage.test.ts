import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { selfCommand } from '#agent/host/agent-process.ts';
import { entryOf, smallSettings, StoreRig } from '#test/property/buffer/model/store-rig.ts';

/** The folder of an agent that does not run, with 30 readings whose row is damaged and 10 behind them. */
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sedge-damage-'));
  mkdirSync(join(folder, 'data'));
  const rig = new StoreRig();
  rig.store.open(smallSettings);
  for (const count of [30, 10]) {
    const values = Array.from({ length: count }, (_, i) => i);
    rig.store.commit([{ kind: 'append', entries: [entryOf('s', values)] }], rig.now);
  }
  rig.raw?.prepare("UPDATE journal SET row = x'00' WHERE first = 0").run();
  rig.raw?.prepare('VACUUM INTO ?').run(join(folder, 'data', 'buffer.db'));
  rig.dispose();
  writeFileSync(
    join(folder, 'sedge.yaml'),
    `agent: { id: gw-test, data: ${join(folder, 'data')} }
sources: { push: { type: http, listen: "127.0.0.1:1" } }
streams: { s: { from: [push], match: "s", decode: { format: json } } }
buffer: { seal: { age: 1d } }
`,
  );
});
afterEach(() => rmSync(folder, { recursive: true }));

function sedge(...words: string[]): { lines: string[]; complaints: string; code: number | null } {
  const [command, ...leading] = selfCommand();
  const { stdout, stderr, status } = spawnSync(command, [...leading, ...words], {
    cwd: folder,
    encoding: 'utf8',
  });
  return { lines: stdout.trimEnd().split('\n'), complaints: stderr, code: status };
}

it('tells of damage that a verb meets and sets aside while no agent runs, once', () => {
  const first = sedge('buffer', 'export', 's');
  const second = sedge('buffer', 'export', 's');
  const found = sedge('buffer', 'fsck');

  expect(first.lines).toHaveLength(10);
  expect(first.complaints).toMatch(/^sedge: s: offsets 0 to 29 are damaged \(.*\); set aside\n/);
  expect(second.complaints).toBe('');
  expect(found.lines).toEqual([
    expect.stringMatching(/^10 readings in \d blocks? and rows? of 1 stream: all sound$/),
    '30 readings set aside earlier as damaged: in the ledger as dropped (damaged), not among these',
  ]);
});
