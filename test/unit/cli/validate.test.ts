import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { dispatch } from '#agent/cli/dispatch.ts';
import { verbs } from '#agent/verbs.ts';
import { fakeWorld } from '#test/support/fake-world.ts';

it('validate points at a secret that is nowhere as at any other problem', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sedge-validate-'));
  try {
    const file = join(folder, 'sedge.yaml');
    writeFileSync(file, 'uplinks:\n  cloud: { type: http, url: "https://x", token: { secret: nope } }\n');
    const world = fakeWorld({ SEDGE_SECRETS_DIR: folder });

    const code = await dispatch(['validate', '--config', file], { verbs, version: '1.2.3', world });

    expect({ code, error: world.errorText() }).toEqual({ code: 78, error: '' });
    const lines = world.outText().trimEnd().split('\n');
    expect(lines[0]).toMatch(
      new RegExp(
        `^${file}:2:\\d+: uplinks\\.cloud\\.token: the secret nope is nowhere; looked for ${folder}/nope`,
      ),
    );
    expect(lines[1]).toContain('token: { secret: nope }');
    expect(lines[2]).toContain('^^^^');
    expect(lines[3]).toBe('1 problem');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
