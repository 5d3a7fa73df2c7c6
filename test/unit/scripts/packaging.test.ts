import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '#agent/config/load-config.ts';
import { runtimeFlags } from '#agent/host/runtime-flags.ts';
import { mayNotRun } from '#agent/host/sqlite-addon.ts';
import { checkExpression } from '#agent/pipeline/expression.ts';
import { debRevisionTime } from '#scripts/deb.ts';
import { root } from '#scripts/steps.ts';

describe('the configuration that the package installs', () => {
  it('is valid as it is, reachable from this host only, and keeps its files below /var/lib/sedge', () => {
    const text = readFileSync(join(root, 'packaging/sedge.yaml'), 'utf8');

    const loaded = loadConfig({
      files: [{ name: 'sedge.yaml', text }],
      env: {},
      agentId: 'agent-1',
      checkExpression,
    });

    expect(loaded).toMatchObject({
      ok: true,
      warnings: [],
      config: {
        agent: { data: '/var/lib/sedge' },
        uplinks: { local: { type: 'file', path: expect.stringMatching(/^\/var\/lib\/sedge\//) } },
      },
    });
    expect(text.match(/^[^#\n]*listen: "(?!127\.0\.0\.1:)/gm)).toBeNull();
  });
});

describe('scripts/sedge', () => {
  it('starts Node with the flags the executable has', () => {
    const command = /^exec node (.*?) "/m.exec(readFileSync(join(root, 'scripts/sedge'), 'utf8'))?.[1];

    expect(command?.split(' ')).toEqual([...runtimeFlags]);
  });
});

describe('a noexec mount', () => {
  const table = [
    '21 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw',
    '22 21 0:20 / /tmp rw,nosuid,noexec - tmpfs tmpfs rw',
    '23 22 0:21 / /tmp/run rw,relatime - tmpfs tmpfs rw',
    String.raw`24 21 0:22 / /mnt/a\040b rw,noexec - tmpfs tmpfs rw`,
    '25 21 0:23 / /srv rw,noexec - tmpfs tmpfs rw',
    '26 25 0:24 / /srv rw - tmpfs tmpfs rw',
    '',
  ].join('\n');

  it.each([
    ['/var/cache/sedge', false],
    ['/tmp', true],
    ['/tmp/cache', true],
    ['/tmp/run/cache', false],
    ['/tmpfiles', false],
    ['/mnt/a b/cache', true],
    ['/srv/cache', false],
  ])('is found for %s: %s', (folder, expected) => {
    expect(mayNotRun(folder, table)).toBe(expected);
  });

  it('is not suspected where no mounts are told', () => {
    expect(mayNotRun('/tmp', '')).toBe(false);
  });
});

describe('the date of a package', () => {
  it('is what the environment says', () => {
    expect(debRevisionTime({ SOURCE_DATE_EPOCH: '1767225600' })).toBe(1_767_225_600);
    expect(() => debRevisionTime({ SOURCE_DATE_EPOCH: 'yesterday' })).toThrow('is not seconds since 1970');
  });
});
