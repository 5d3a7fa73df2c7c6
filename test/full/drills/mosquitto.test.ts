import { describe, expect, it } from 'vitest';
import { Prng } from '#agent/base/prng.ts';
import { MiB } from '#agent/base/units.ts';
import { drillMessage } from '#agent/cli/prove/drill-messages.ts';
import type { FloodMessage } from '#agent/host/flood-publisher.ts';
import { drillMosquitto, expectKept } from '#test/support/drill.ts';
import { DrillLink, linkMissing } from '#test/support/drill-link.ts';
import { loopDiskMissing } from '#test/support/loop-disk.ts';
import { mosquittoMissing } from '#test/support/mosquitto.ts';

describe(`drills against a real mosquitto${because(mosquittoMissing)}`, () => {
  it.skipIf(mosquittoMissing !== null)(
    'loses and doubles nothing of 500,000 messages through five kills, answers 503 and time-outs',
    async () => {
      const account = await drillMosquitto('kill', { total: 500_000, kills: 5, seed: 1 });

      expectKept(account, 500_000);
      expect(account.kills).toBe(5);
      expect(account.resent, 'the bad weather was felt').toBeGreaterThan(0);
    },
  );

  it.skipIf(mosquittoMissing !== null)(
    'loses and doubles nothing when the broker is restarted with the backlog in it',
    async () => {
      let backlogBytes = 0;
      const account = await drillMosquitto('broker restarted', {
        total: 100_000,
        kills: 2,
        seed: 8,
        meanwhile: async ({ mosquitto, site, stored, until }) => {
          await until(async () => (await stored()) > 0);
          // An agent that stands still leaves the broker a backlog, however fast it would have been.
          const pid = site.agentPid!;
          process.kill(pid, 'SIGSTOP');
          // A broker that goes away under the publisher takes twice what it had not acknowledged: that is not drilled here.
          await until(() => site.flooded);
          await mosquitto.stop();
          backlogBytes = mosquitto.persistedBytes;
          await mosquitto.start();
          if (site.agentPid === pid) process.kill(pid, 'SIGCONT');
        },
      });

      expect(backlogBytes, 'the broker had a backlog').toBeGreaterThan(1 * MiB);
      expectKept(account, 100_000);
    },
  );

  it.skipIf(mosquittoMissing !== null || linkMissing !== null)(
    `loses and doubles nothing when the network is cut for a while${because(linkMissing)}`,
    async () => {
      const link = new DrillLink();
      try {
        link.open();
        const account = await drillMosquitto('network cut', {
          total: 100_000,
          kills: 2,
          seed: 3,
          broker: { prefix: link.prefix, forAgent: link.far, forFlood: link.near },
          meanwhile: async ({ site, stored, until }) => {
            await until(async () => (await stored()) > 0);
            link.cut();
            // Nobody tells the agent that the cable is out: it finds out by its keep-alive.
            await until(() => site.log.includes('ingest_mqtt_closed'));
            link.heal();
          },
        });

        expectKept(account, 100_000);
      } finally {
        link.close();
      }
    },
  );

  it.skipIf(mosquittoMissing !== null || loopDiskMissing !== null)(
    `loses and doubles nothing through power cuts${because(loopDiskMissing)}`,
    async () => {
      const account = await drillMosquitto('power cut', {
        total: 100_000,
        kills: 4,
        seed: 4,
        diskBytes: 1024 * MiB,
        cutPower: true,
      });

      expectKept(account, 100_000);
    },
  );

  it.skipIf(mosquittoMissing !== null || loopDiskMissing !== null)(
    `loses and doubles nothing when a disk of 64 MiB is full before the flood is over${because(loopDiskMissing)}`,
    async () => {
      const account = await drillMosquitto('full disk', {
        total: 100_000,
        kills: 3,
        seed: 5,
        killsWithin: 30_000,
        diskBytes: 64 * MiB,
        bufferSize: '256MiB',
        message: noisyMessages(1_000),
        healWhen: 'full',
      });

      expectKept(account, 100_000);
    },
  );
});

function because(missing: string | null): string {
  return missing === null ? '' : ` [skipped: ${missing}]`;
}

/** Drill messages made large by text that does not compress. */
function noisyMessages(bytes: number): (sequence: number) => FloodMessage {
  const prng = new Prng(1);
  const noise = Buffer.from(Uint32Array.from({ length: 3 * MiB }, () => prng.uint32()).buffer).toString(
    'base64',
  );
  return (sequence) => {
    const { topic, payload } = drillMessage(sequence);
    const from = (sequence * bytes) % (noise.length - bytes);
    return {
      topic,
      payload: `${(payload as string).slice(0, -1)},"noise":"${noise.slice(from, from + bytes)}"}`,
    };
  };
}
