import { expect, it } from 'vitest';
import { SedgeError } from '#agent/base/errors.ts';
import { explainInUse } from '#agent/cli/buffer/in-use.ts';

const locked = new SedgeError('SEDGE_DATA_LOCKED', 'the buffer is in use: database is locked');
const running = { get: () => Promise.resolve({ agent: { id: 'gw-7', site: null } }) };
const silent = { get: () => Promise.reject(new SedgeError('SEDGE_AGENT_UNREACHABLE', 'no agent answers')) };

const explain = (error: unknown, client: typeof running | typeof silent, verb = 'fsck'): Promise<unknown> =>
  explainInUse(error, { verb, folder: '/var/lib/sedge', client });

it('names the agent that has the folder, and how to go on', async () => {
  expect(await explain(locked, running)).toMatchObject({
    code: 'SEDGE_DATA_LOCKED',
    message: 'buffer fsck needs /var/lib/sedge for itself, and agent gw-7 runs on it',
    hint:
      'stop it (systemctl stop sedge, or Ctrl-C where it was started), run this again, and start it: senders keep meanwhile what is not ' +
      'acknowledged; sedge status says whether the accounts balance without a stop',
  });
});

it('says when it cannot tell who it is', async () => {
  const told = await explain(locked, silent, 'purge');

  expect(told).toMatchObject({
    message:
      'buffer purge needs /var/lib/sedge for itself, and another sedge, whose API this configuration does not reach, runs on it',
  });
  expect((told as SedgeError).hint).not.toContain('balance');
});

it('leaves other errors as they are', async () => {
  const other = new SedgeError('SEDGE_DATA_CORRUPT', 'torn');

  expect(await explain(other, running)).toBe(other);
});
