import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { printConfigVerb } from '#agent/cli/config-verbs.ts';
import { fakeWorld } from '#test/support/fake-world.ts';

it('prints the same configuration as YAML and, asked for it, as JSON', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sedge-print-'));
  const file = join(folder, 'sedge.yaml');
  writeFileSync(file, 'agent: { id: gw, data: /tmp/x }\nbuffer: { size: 64MiB }\n');
  const print = async (...more: [string, true][]): Promise<string> => {
    const world = fakeWorld();
    await printConfigVerb.run(
      { words: [], flags: new Map<string, string | true>([['config', file], ...more]) },
      world,
    );
    return world.outText();
  };

  const yaml = await print();
  const json = JSON.parse(await print(['json', true])) as { buffer: { size: string } };

  expect(json.buffer.size).toBe('64MiB');
  expect(json).toEqual(parse(yaml));
  rmSync(folder, { recursive: true });
});
