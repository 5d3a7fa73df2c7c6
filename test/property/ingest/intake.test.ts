import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits } from '#agent/ingest/limits.ts';
import {
  RecordingPeer,
  arrival,
  full,
  intakeRig,
  plan,
  storedTexts,
  type TestArrival,
} from '#test/support/mqtt-fakes.ts';

type Step =
  | { readonly do: 'offer'; readonly inlet: number; readonly topic: string; readonly size: number }
  | { readonly do: 'burst'; readonly inlet: number }
  | { readonly do: 'turn' | 'retry' | 'wait' | 'grow' }
  | { readonly do: 'answer'; readonly which: number; readonly ok: boolean };

/** A message that is taken although an append is under way. */
const heavyTopic = 'a/'.padEnd(limits.groupBytesMin, 'x');

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('offer' as const),
      inlet: fc.nat(2),
      topic: fc.constantFrom('a/1', 'b/1', 'both/1', 'nowhere', 'bad', heavyTopic),
      size: fc.constantFrom(1, 1, 1, 3_000),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.oneof(
      fc.record({
        do: fc.constantFrom('turn' as const, 'retry' as const, 'wait' as const, 'grow' as const),
      }),
      fc.record({ do: fc.constant('burst' as const), inlet: fc.nat(2) }),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('answer' as const), which: fc.nat(3), ok: fc.boolean() }),
  },
);

describe('Intake under any interleaving', () => {
  it.each([
    ['', []],
    [', with a stream that is stored apart', ['a']],
  ])(
    'settles every arrival exactly once, in order per inlet, and only what was committed%s',
    async (_what, urgent) => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
          const plans = ['a', 'b'].map((name) => ({ ...plan(name), urgent: urgent.includes(name) }));
          const { intake, store, scheduler, clock } = intakeRig(plans);
          const peers = [new RecordingPeer(), new RecordingPeer(), new RecordingPeer()];
          const inlets = peers.map((peer, i) =>
            intake.open({ source: `s${i}`, ack: 'fsynced', bytesMax: 10_000 }, peer),
          );
          const offered: TestArrival[][] = [[], [], []];
          const committed = (): Set<string> =>
            new Set([...storedTexts(store.stored, 'a'), ...storedTexts(store.stored, 'b')]);
          const check = (): void => {
            const texts = committed();
            for (const [i, peer] of peers.entries()) {
              const settled = offered[i]!.slice(0, peer.settledIds.length);
              expect(peer.settledIds).toEqual(settled.map((one) => one.id));
              for (const one of settled) {
                const text = Buffer.from(one.payload).toString();
                if (one.verdict === 'stored') expect(texts.has(text)).toBe(true);
              }
              expect(peer.paused || inlets[i]!.bytes < 10_000).toBe(true);
            }
            expect(intake.inspect().appendsInFlight).toBeLessThanOrEqual(
              limits.appendsInFlight + urgent.length,
            );
            expect(intake.inspect().bytes).toBe(inlets.reduce((sum, inlet) => sum + inlet.bytes, 0));
          };

          const offer = (inlet: number, topic: string, text: string): void => {
            const message = arrival(topic, text);
            offered[inlet]!.push(message);
            inlets[inlet]!.offer(message);
          };
          for (const [n, one] of steps.entries()) {
            if (one.do === 'offer') {
              if (one.topic === 'bad') offer(one.inlet, 'a/1', `bad${n}`);
              else offer(one.inlet, one.topic, `${n}`.padEnd(one.size, '.'));
            } else if (one.do === 'burst') {
              for (let i = 0; i < 2 * limits.fastArrivalsPerMs; i++) offer(one.inlet, 'b/1', `${n}.${i}`);
            } else if (one.do === 'turn') scheduler.run();
            else if (one.do === 'retry') intake.retryNow();
            else if (one.do === 'wait') clock.advance(limits.appendRetryMsMax);
            else if (one.do === 'grow') clock.advance(limits.groupGrowthStepMs);
            else if (one.do === 'answer') await store.calls[one.which]?.answer(one.ok ? { ok: true } : full);
            check();
          }
          // Liveness: with a store that answers, everything settles.
          for (let i = 0; i < 50 && intake.inspect().bytes > 0; i++) {
            scheduler.run();
            clock.advance(limits.appendRetryMsMax);
            await store.answerAll();
          }
          check();

          expect(peers.map((peer) => peer.settledIds.length)).toEqual(offered.map((list) => list.length));
          expect(peers.some((peer) => peer.paused)).toBe(false);
          const received = store.stored.reduce((sum, entry) => sum + entry.received, 0);
          const routed = offered.flat().map((one) => (one.topic.startsWith('both') ? 2 : 1));
          expect(received).toBe(routed.reduce((sum: number, n) => sum + n, 0));
        }),
        { numRuns: 100 },
      );
    },
  );
});
