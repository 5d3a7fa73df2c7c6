import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Arrival, InletPeer } from '#agent/ingest/arrival.ts';
import { Inlet, weightOf, type AnyInlet, type InletHost } from '#agent/ingest/inlet.ts';
import { ReadyInlets } from '#agent/ingest/ready-inlets.ts';
import { arrival } from '#test/support/mqtt-fakes.ts';

type Parcels = ReadonlyMap<AnyInlet, readonly Arrival[]>;

const step = fc.oneof(
  fc.tuple(fc.constantFrom('usual', 'urgent', 'urgent'), fc.nat(2), fc.nat(600)),
  fc.tuple(fc.constantFrom('take urgent', 'settle'), fc.nat(), fc.constant(0)),
  fc.tuple(fc.constantFrom('gather', 'settle', 'settle'), fc.nat(), fc.integer({ min: 1, max: 3_000 })),
);

it('knows the credit and the number of what waits, however it is taken and settled', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), fc.boolean(), (steps, ordered) => {
      const ready = new ReadyInlets();
      const host: InletHost = {
        offered: (one, first) => {
          if (first) ready.add(one);
        },
        charged: (bytes) => ready.charge(bytes),
        paused: () => {},
        closed: () => {},
      };
      const peer: InletPeer<Arrival> = { settled: () => {}, pause: () => {}, resume: () => {} };
      const inlets = [0, 1, 2].map(
        (i) => new Inlet({ source: `s${i}`, ack: 'fsynced', ordered }, peer, host),
      );
      const waiting = new Set<Arrival>();
      const usual: Parcels[] = [];
      const urgent: Parcels[] = [];
      const note = (parcels: Parcels): Parcels => {
        for (const one of [...parcels.values()].flat()) expect(waiting.delete(one)).toBe(true);
        return parcels;
      };
      for (const [what, n, size] of [...steps, ...ending]) {
        if (what === 'usual' || what === 'urgent') {
          const one = arrival(what, 'x'.repeat(size));
          waiting.add(one);
          inlets[n]!.offer(one);
        } else if (what === 'gather') usual.push(note(ready.gather(size)));
        else if (what === 'take urgent')
          urgent.push(note(ready.takeUrgent(({ topic }) => topic === 'urgent')));
        else {
          // As the intake does: in order, but for what is urgent.
          const from = n % 2 === 0 ? usual : urgent;
          for (const [inlet, arrivals] of from.shift() ?? []) inlet.settle(arrivals);
        }
        expect(ready.waitingBytes).toBe([...waiting].reduce((sum, one) => sum + weightOf(one), 0));
        expect(ready.waiting).toBe(inlets.reduce((sum, inlet) => sum + inlet.waiting, 0));
      }
      expect(waiting.size).toBe(0);
      expect(ready.isEmpty).toBe(true);
    }),
  );
});

/** Takes all that is left. */
const ending = Array.from({ length: 3 }, () => ['gather', 0, 1_000_000] as const);
