import { describe, expect, it } from 'vitest';
import type { StreamPlan } from '#agent/ingest/arrival.ts';
import { Bug } from '#agent/base/assert.ts';
import { limits } from '#agent/ingest/limits.ts';
import {
  RecordingPeer,
  arrival,
  flushPromises,
  full,
  intakeRig,
  plan,
  router,
  storedTexts,
} from '#test/support/mqtt-fakes.ts';

/** A message that is taken although an append is under way. */
const heavyTopic = 'a/'.padEnd(limits.groupBytesMin, 'x');

describe('Intake', () => {
  it('settles an arrival only after the append that holds it is answered', async () => {
    const { intake, store, scheduler } = intakeRig();
    const peer = new RecordingPeer();
    const inlet = intake.open({ source: 's', ack: 'fsynced' }, peer);
    const one = arrival('a/1', 'x');

    inlet.offer(one);
    scheduler.run();

    expect(store.calls).toHaveLength(1);
    expect(peer.settledIds).toEqual([]);
    await store.answerAll();
    expect(peer.settledIds).toEqual([one.id]);
    expect(peer.verdicts).toEqual(['stored']);
    expect(intake.inspect()).toMatchObject({ bytes: 0, waiting: 0, appendsInFlight: 0 });
  });

  it('ends the process over a mistake of our own instead of taking it for a failing disk', async () => {
    const { store, scheduler, intake } = intakeRig();
    store.append = () => Promise.reject(new Bug('a broken promise'));
    intake.open({ source: 's', ack: 'fsynced' }, new RecordingPeer()).offer(arrival('a/1', 'x'));
    scheduler.run();
    await flushPromises();

    expect(() => scheduler.run()).toThrow(Bug);
    expect(intake.inspect().trouble).toBe(null);
  });

  it('stores nothing inside offer', () => {
    const { intake, store } = intakeRig();

    intake.open({ source: 's', ack: 'fsynced' }, new RecordingPeer()).offer(arrival('a/1', 'x'));

    expect(store.calls).toHaveLength(0);
  });

  it('puts a message that two streams take into one append, so that it settles with both', async () => {
    const { intake, store, scheduler } = intakeRig();
    const peer = new RecordingPeer();
    intake.open({ source: 's', ack: 'fsynced' }, peer).offer(arrival('both/1', 'x'));

    scheduler.run();
    await store.answerAll();

    expect(store.stored.map((entry) => entry.stream)).toEqual(['a', 'b']);
    expect(peer.settledIds).toHaveLength(1);
  });

  it('acknowledges on receipt where the mode says so, once, and still stores', async () => {
    const { intake, store, scheduler } = intakeRig();
    const peer = new RecordingPeer();
    const one = arrival('a/1', 'x');
    intake.open({ source: 's', ack: 'received' }, peer).offer(one);

    scheduler.run();
    expect(peer.settledIds).toEqual([one.id]);
    await store.answerAll();

    expect(peer.settledIds).toEqual([one.id]);
    expect(storedTexts(store.stored, 'a')).toEqual(['x']);
  });

  it('acknowledges on receipt while the store refuses, until its credit ends', async () => {
    const { intake, store, scheduler } = intakeRig();
    const peer = new RecordingPeer();
    const inlet = intake.open({ source: 's', ack: 'received', bytesMax: 2_000 }, peer);
    inlet.offer(arrival('a/1', 'x'));
    scheduler.run();
    await store.answerAll(full);

    for (let i = 0; i < 8; i++) inlet.offer(arrival('a/1', 'y'));
    scheduler.run();

    expect(peer.settledIds).toHaveLength(9);
    expect(peer.paused).toBe(true);
  });

  it('accounts for what is filtered, undecodable or taken by no stream, and settles it', async () => {
    const { intake, store, scheduler, telemetry, deadLetters } = intakeRig();
    const peer = new RecordingPeer();
    const inlet = intake.open({ source: 's', ack: 'fsynced' }, peer);
    for (const [topic, text] of [
      ['a/1', 'drop me'],
      ['a/1', 'bad'],
      ['nowhere', 'x'],
    ] as const)
      inlet.offer(arrival(topic, text));

    scheduler.run();
    await store.answerAll();

    expect(peer.verdicts).toEqual(['stored', 'undecodable', 'unrouted']);
    expect(store.stored).toEqual([
      {
        stream: 'a',
        batch: null,
        received: 2,
        filtered: [
          { rule: 'undecodable', count: 1 },
          { rule: '0:drop', count: 1 },
        ],
        marks: [],
      },
      {
        stream: '_dead_letter',
        batch: null,
        received: 1,
        filtered: [{ rule: 'unrouted', count: 1 }],
        marks: [],
      },
    ]);
    expect(telemetry.counters.get('ingest_unrouted')).toBe(1);
    expect(telemetry.counters.get('ingest_undecodable')).toBe(1);
    expect(deadLetters.letters.map(({ topic, reason, detail }) => [topic, reason, detail])).toEqual([
      ['a/1', 'syntax', 'cannot read bad'],
      ['nowhere', 'unrouted', 'no stream of source s takes this topic'],
    ]);
  });

  it('says how many messages no stream takes, with the last topic, until streams are configured anew', async () => {
    const { intake, store, scheduler } = intakeRig();
    const inlet = intake.open({ source: 's', ack: 'fsynced' }, new RecordingPeer());
    expect(intake.inspect().unrouted).toBeNull();
    for (const topic of ['nowhere/1', 'a/1', 'nowhere/2']) inlet.offer(arrival(topic, 'x'));

    scheduler.run();
    await store.answerAll();

    expect(intake.inspect().unrouted).toEqual({ messages: 2, topic: 'nowhere/2', source: 's' });
    intake.configure({ router, plans: [plan('a'), plan('b')] });
    expect(intake.inspect().unrouted).toBeNull();
  });

  it('settles what needs no append behind the append that came before it', async () => {
    const { intake, store, scheduler } = intakeRig();
    const peer = new RecordingPeer();
    const inlet = intake.open({ source: 's', ack: 'fsynced' }, peer);
    const stored = arrival('a/1', 'x');
    const twice = arrival(heavyTopic, 'x', { kind: 'duplicate' });
    inlet.offer(stored);
    scheduler.run();
    inlet.offer(twice);
    scheduler.run();

    expect(peer.settledIds).toEqual([]);
    await store.answerAll();

    expect(peer.settledIds).toEqual([stored.id, twice.id]);
  });

  it('keeps a bounded number of appends in flight, and gathers what comes meanwhile into one', async () => {
    const { intake, store, scheduler } = intakeRig();
    const inlet = intake.open({ source: 's', ack: 'fsynced' }, new RecordingPeer());

    for (let i = 0; i < limits.appendsInFlight + 5; i++) {
      inlet.offer(arrival(heavyTopic, `${i}`));
      scheduler.run();
    }

    expect(store.calls).toHaveLength(limits.appendsInFlight);
    await store.calls[0]!.answer({ ok: true });
    scheduler.run();
    expect(store.calls.at(-1)!.entries[0]!.received).toBe(5);
  });

  it('lets what is little wait for the append under way, and stores it with all that came meanwhile', async () => {
    const { intake, store, scheduler } = intakeRig();
    const inlet = intake.open({ source: 's', ack: 'fsynced' }, new RecordingPeer());
    for (const text of ['1', '2', '3']) {
      inlet.offer(arrival('a/1', text));
      scheduler.run();
    }

    expect(store.calls).toHaveLength(1);
    await store.answerAll();
    scheduler.run();
    expect(store.calls).toHaveLength(1);
    await store.answerAll();

    expect(storedTexts(store.stored, 'a')).toEqual(['1', '2', '3']);
  });

  it('does not wait long for a slow disk, so that stages see alarms in time', async () => {
    const { intake, store, scheduler, clock } = intakeRig();
    const inlet = intake.open({ source: 's', ack: 'fsynced' }, new RecordingPeer());
    inlet.offer(arrival('a/1', 'first'));
    scheduler.run();
    const passes = (ms: number) => {
      clock.advance(ms);
      scheduler.run();
      return store.calls.length;
    };
    inlet.offer(arrival('a/1', 'alarm'));
    scheduler.run();

    expect([passes(limits.groupPatienceMs - 1), passes(1)]).toEqual([1, 2]);
    inlet.offer(arrival('a/1', 'another'));
    scheduler.run();
    expect([passes(limits.groupPatienceMs - 1), passes(1)]).toEqual([2, 3]);
    await store.answerAll();
    expect(intake.inspect()).toMatchObject({ bytes: 0, appendsInFlight: 0 });
  });

  it('makes a group beside the append under way as soon as much waits', () => {
    const { intake, store, scheduler } = intakeRig();
    const inlet = intake.open({ source: 's', ack: 'fsynced' }, new RecordingPeer());
    inlet.offer(arrival('a/1', '1'));
    scheduler.run();
    inlet.offer(arrival('a/1', '2'));
    scheduler.run();
    expect(store.calls).toHaveLength(1);

    inlet.offer(arrival(heavyTopic, '3'));
    scheduler.run();

    expect(store.calls.map(({ entries }) => entries[0]!.received)).toEqual([1, 2]);
  });

  describe('while messages come fast', () => {
    const fast = Array.from({ length: limits.fastArrivalsPerMs * 2 }, (_, i) => `${i}`);
    /** A large group was stored a moment ago. */
    const fastRig = async () => {
      const rig = intakeRig();
      const inlet = rig.intake.open({ source: 's', ack: 'fsynced' }, new RecordingPeer());
      const offer = (texts: readonly string[]): void => {
        for (const text of texts) inlet.offer(arrival('a/1', text));
        rig.scheduler.run();
      };
      offer(['first']);
      await rig.store.answerAll();
      rig.clock.advance(1);
      offer(fast);
      await rig.store.answerAll();
      const passes = (ms: number): void => {
        rig.clock.advance(ms);
        rig.scheduler.run();
      };
      return { ...rig, offer, passes };
    };

    it('gives a group a step to grow, and no other when it does not', async () => {
      const { store, offer, passes } = await fastRig();
      offer(['a', 'b']);
      expect(store.calls).toHaveLength(0);

      passes(limits.groupGrowthStepMs);

      expect(store.calls.map(({ entries }) => entries[0]!.received)).toEqual([2]);
    });

    it('gives a group that grows a bounded number of steps', async () => {
      const { store, offer, passes } = await fastRig();
      offer(['a']);
      for (let step = 0; step < limits.groupGrowthSteps; step++) {
        offer(['more']);
        expect(store.calls).toHaveLength(0);
        passes(limits.groupGrowthStepMs);
      }

      expect(store.calls.map(({ entries }) => entries[0]!.received)).toEqual([1 + limits.groupGrowthSteps]);
    });

    it('makes a group at once when much waits', async () => {
      const { store, offer } = await fastRig();
      offer(['a']);
      expect(store.calls).toHaveLength(0);

      offer(['x'.repeat(limits.groupBytesMin)]);

      expect(store.calls.map(({ entries }) => entries[0]!.received)).toEqual([2]);
    });

    it('makes a group at once when the large one before is long ago', async () => {
      const { store, offer, passes } = await fastRig();
      offer(['a']);
      passes(1_000);
      await store.answerAll();

      offer(['b']);

      expect(store.calls.map(({ entries }) => entries[0]!.received)).toEqual([1]);
    });
  });

  it('keeps a refused group, tries it again before anything new, and drops nothing', async () => {
    const { intake, store, scheduler, clock, telemetry } = intakeRig();
    const peer = new RecordingPeer();
    const inlet = intake.open({ source: 's', ack: 'fsynced' }, peer);
    inlet.offer(arrival('a/1', '1'));
    scheduler.run();
    await store.answerAll(full);
    inlet.offer(arrival('a/1', '2'));
    scheduler.run();

    expect(store.calls).toHaveLength(0);
    expect(intake.inspect().trouble).toMatchObject({ trouble: 'full' });
    clock.advance(limits.appendRetryMsMin);
    await store.answerAll();
    scheduler.run();
    await store.answerAll();

    expect(storedTexts(store.stored, 'a')).toEqual(['1', '2']);
    expect(peer.settledIds).toHaveLength(2);
    expect(telemetry.events).toEqual(['ingest_append_refused', 'ingest_append_recovered']);
    expect(intake.inspect().trouble).toBeNull();
  });

  it('settles in order when an earlier append is refused and a later one committed', async () => {
    const { intake, store, scheduler, clock } = intakeRig();
    const peer = new RecordingPeer();
    const inlet = intake.open({ source: 's', ack: 'fsynced' }, peer);
    const [first, second] = [arrival('a/1', '1'), arrival(heavyTopic, '2')];
    for (const one of [first, second]) {
      inlet.offer(one);
      scheduler.run();
    }
    const [one, two] = store.calls.slice();

    await one!.answer(full);
    await two!.answer({ ok: true });
    expect(peer.settledIds).toEqual([]);
    clock.advance(limits.appendRetryMsMax);
    await store.answerAll();

    expect(peer.settledIds).toEqual([first.id, second.id]);
  });

  it('retries at once when told that there is room', async () => {
    const { intake, store, scheduler } = intakeRig();
    intake.open({ source: 's', ack: 'fsynced' }, new RecordingPeer()).offer(arrival('a/1', '1'));
    scheduler.run();
    await store.answerAll(full);

    intake.retryNow();

    expect(store.calls).toHaveLength(1);
  });

  it('pauses an inlet at its own bound and resumes it at half', async () => {
    const { intake, store, scheduler } = intakeRig();
    const [busy, calm] = [new RecordingPeer(), new RecordingPeer()];
    const inlet = intake.open({ source: 's', ack: 'fsynced', bytesMax: 2_000 }, busy);
    intake.open({ source: 't', ack: 'fsynced' }, calm);

    inlet.offer(arrival('a/1', 'x'.repeat(2_000)));
    expect([busy.paused, calm.paused]).toEqual([true, false]);
    scheduler.run();
    await store.answerAll();

    expect(busy.paused).toBe(false);
  });

  it('keeps an inlet paused while more than half of its bound is unsettled', async () => {
    const { intake, store, scheduler } = intakeRig();
    const peer = new RecordingPeer();
    const inlet = intake.open({ source: 's', ack: 'fsynced', bytesMax: 1.5 * limits.groupBytesMin }, peer);
    for (const size of [limits.groupBytesMin / 2, limits.groupBytesMin]) {
      inlet.offer(arrival('a/1', 'x'.repeat(size)));
      scheduler.run();
    }

    await store.calls[0]!.answer({ ok: true });
    expect(peer.paused).toBe(true);
    await store.answerAll();

    expect(peer.paused).toBe(false);
  });

  it('pauses every inlet, also one opened later, when the bytes in flight reach their bound', async () => {
    const { intake, store, scheduler } = intakeRig();
    const peers = [new RecordingPeer(), new RecordingPeer(), new RecordingPeer()] as const;
    const inlet = intake.open({ source: 's', ack: 'fsynced', bytesMax: Infinity }, peers[0]);
    intake.open({ source: 't', ack: 'fsynced' }, peers[1]);

    for (let i = 0; i < 17; i++) inlet.offer(arrival('a/1', 'x'.repeat(1024 * 1024)));
    intake.open({ source: 'u', ack: 'fsynced' }, peers[2]);
    expect(peers.map((peer) => peer.paused)).toEqual([true, true, true]);
    for (let i = 0; i < 17; i++) {
      scheduler.run();
      await store.answerAll();
    }

    expect(peers.map((peer) => peer.paused)).toEqual([false, false, false]);
    expect(intake.inspect().bytes).toBe(0);
  });

  it('gives every inlet its turn in one group', async () => {
    const { intake, store, scheduler } = intakeRig();
    const loud = intake.open({ source: 's', ack: 'fsynced' }, new RecordingPeer());
    const quiet = intake.open({ source: 't', ack: 'fsynced' }, new RecordingPeer());
    for (let i = 0; i < limits.groupArrivals * 2; i++) loud.offer(arrival('a/1', 'x'));
    quiet.offer(arrival('b/1', 'y'));

    scheduler.run();

    expect(store.calls[0]!.entries.map((entry) => entry.stream)).toEqual(['a', 'b']);
  });

  it('still settles what a closed inlet had offered, and takes nothing more from it', async () => {
    const { intake, store, scheduler } = intakeRig();
    const peer = new RecordingPeer();
    const inlet = intake.open({ source: 's', ack: 'fsynced' }, peer);
    const one = arrival('a/1', 'x');
    inlet.offer(one);
    inlet.close();
    inlet.offer(arrival('a/1', 'y'));

    scheduler.run();
    await store.answerAll();

    expect(peer.settledIds).toEqual([one.id]);
  });

  it('commits marks with the readings, and marks alone under the name of a stream', async () => {
    const { intake, store, scheduler } = intakeRig();
    const inlet = intake.open({ source: 's', ack: 'fsynced' }, new RecordingPeer());
    const mark = { source: 's', packetId: 7, hash: 1, state: 'seen' } as const;
    inlet.offer(arrival('b/1', 'x', { mark }));
    scheduler.run();
    await store.answerAll();
    inlet.offer(arrival('', '', { kind: 'mark', mark: { ...mark, state: 'released' } }));
    scheduler.run();
    await store.answerAll();

    expect(store.stored.map(({ stream, marks }) => [stream, marks.map((one) => one.state)])).toEqual([
      ['b', ['seen']],
      ['a', ['released']],
    ]);
  });

  it('drains when all is settled, and does not wait for a store that refuses', async () => {
    const { intake, store, scheduler } = intakeRig();
    const inlet = intake.open({ source: 's', ack: 'fsynced' }, new RecordingPeer());
    inlet.offer(arrival('a/1', 'x'));
    let drained = 0;
    void intake.drain().then(() => drained++);
    scheduler.run();
    expect(drained).toBe(0);
    await store.answerAll();
    expect(drained).toBe(1);

    inlet.offer(arrival('a/1', 'y'));
    void intake.drain().then(() => drained++);
    scheduler.run();
    await store.answerAll(full);
    expect(drained).toBe(2);
  });
});

describe('Intake with a stage that derives alarms', () => {
  const deriving: StreamPlan = {
    ...plan('a'),
    preprocess: {
      process: (batch) => ({
        outputs: [
          { stream: 'a', batch },
          { stream: 'alarms', batch: { ...batch, stream: 'alarms' } },
        ],
        filtered: [],
      }),
    },
  };

  it('stores alarms of an urgent stream first and by themselves, and acknowledges after both', async () => {
    const { intake, store, scheduler } = intakeRig([deriving]);
    intake.configure({ router, plans: [deriving], urgentStreams: new Set(['alarms']) });
    const peer = new RecordingPeer();
    const inlet = intake.open({ source: 's', ack: 'fsynced' }, peer);
    const one = arrival('a/1', 'x');
    inlet.offer(one);
    scheduler.run();

    const calls = store.calls.map(({ entries, urgent }) => [urgent, entries.map(({ stream }) => stream)]);
    await store.calls.find(({ urgent }) => !urgent)!.answer({ ok: true });
    const early = [...peer.settledIds];
    await store.answerAll();

    expect(calls).toEqual([
      [true, ['alarms']],
      [false, ['a']],
    ]);
    expect(early).toEqual([]);
    expect(peer.settledIds).toEqual([one.id]);
  });

  it('keeps alarms together with the rest where nobody said that they are urgent', () => {
    const { intake, store, scheduler } = intakeRig([deriving]);
    const inlet = intake.open({ source: 's', ack: 'fsynced' }, new RecordingPeer());
    inlet.offer(arrival('a/1', 'x'));
    scheduler.run();

    expect(store.calls.map(({ entries }) => entries.length)).toEqual([2]);
  });
});

describe('Intake with an urgent stream', () => {
  const plans = [{ ...plan('a'), urgent: true }, plan('b')];

  it('stores it apart from its neighbours, and settles both in the order they came', async () => {
    const { intake, store, scheduler } = intakeRig(plans);
    const peer = new RecordingPeer();
    const inlet = intake.open({ source: 's', ack: 'fsynced' }, peer);
    const [usual, urgent] = [arrival('b/1', 'usual'), arrival('a/1', 'urgent')];
    inlet.offer(usual);
    inlet.offer(urgent);
    scheduler.run();
    expect(
      store.calls.map(({ entries, urgent: apart }) => [apart, entries.map(({ stream }) => stream)]),
    ).toEqual([
      [true, ['a']],
      [false, ['b']],
    ]);

    await store.calls[0]!.answer({ ok: true });
    expect(peer.settledIds).toEqual([]);
    await store.answerAll();

    expect(peer.settledIds).toEqual([usual.id, urgent.id]);
    expect(intake.inspect()).toMatchObject({ bytes: 0, waiting: 0, appendsInFlight: 0 });
  });

  it('goes on storing and acknowledging it while a full store refuses the others', async () => {
    const { intake, store, scheduler, clock } = intakeRig(plans);
    const [alarms, telemetry] = [new RecordingPeer(), new RecordingPeer()];
    const [first, second] = [alarms, telemetry].map((peer) =>
      intake.open({ source: 's', ack: 'fsynced' }, peer),
    );
    second!.offer(arrival('b/1', 'usual'));
    scheduler.run();
    await store.answerAll(full);
    second!.offer(arrival('b/1', 'more'));
    second!.offer(arrival('a/1', 'alarm behind it'));
    const alarm = arrival('a/1', 'alarm');
    first!.offer(alarm);

    scheduler.run();
    await store.calls.find(({ urgent }) => urgent)!.answer({ ok: true });

    expect(storedTexts(store.stored, 'a').sort()).toEqual(['alarm', 'alarm behind it']);
    expect(alarms.settledIds).toEqual([alarm.id]);
    expect(telemetry.settledIds).toEqual([]);
    clock.advance(limits.appendRetryMsMax);
    await store.answerAll();
    scheduler.run();
    await store.answerAll();
    expect(telemetry.settledIds).toHaveLength(3);
    expect(storedTexts(store.stored, 'b')).toEqual(['usual', 'more']);
    expect(intake.inspect()).toMatchObject({ bytes: 0, trouble: null });
  });

  it('lets a sender of QoS 2 give packet ids back while the store is full, so that its alarms do not run out of them', async () => {
    const { intake, store, scheduler } = intakeRig(plans);
    const [peer, other] = [new RecordingPeer(), new RecordingPeer()];
    const alarms = intake.open({ source: 's', ack: 'fsynced' }, peer);
    const telemetry = intake.open({ source: 's', ack: 'fsynced' }, other);
    const mark = { source: 's', packetId: 1, hash: 0, state: 'released' } as const;
    const [before, released] = [3, 1].map((packetId) =>
      arrival('', '', { kind: 'mark', mark: { ...mark, packetId }, gaveBack: true }),
    );
    telemetry.offer(arrival('b/1', 'usual'));
    alarms.offer(before!);
    scheduler.run();
    await store.calls.find(({ urgent }) => urgent)?.answer({ ok: true });
    await store.answerAll(full);

    alarms.offer(released!);
    telemetry.offer(arrival('', '', { kind: 'mark', mark: { ...mark, packetId: 2 } }));
    scheduler.run();
    await store.calls.find(({ urgent }) => urgent)?.answer({ ok: true });

    expect(peer.settledIds).toEqual([before!.id, released!.id]);
    expect(other.settledIds).toEqual([]);
  });

  it('acknowledges one that is delivered again while the store is full, so that what follows on its connection is not held up', async () => {
    const { intake, store, scheduler } = intakeRig(plans);
    const [alarms, telemetry] = [new RecordingPeer(), new RecordingPeer()];
    const inlet = intake.open({ source: 's', ack: 'fsynced' }, alarms);
    intake.open({ source: 's', ack: 'fsynced' }, telemetry).offer(arrival('b/1', 'usual'));
    scheduler.run();
    await store.answerAll(full);
    const [again, next] = [arrival('a/1', '', { kind: 'duplicate' }), arrival('a/1', 'next')];

    inlet.offer(again);
    scheduler.run();
    inlet.offer(next);
    scheduler.run();
    await store.calls.find(({ urgent }) => urgent)?.answer({ ok: true });

    expect(alarms.settledIds).toEqual([again.id, next.id]);
    expect(telemetry.settledIds).toEqual([]);
  });

  it('acknowledges one that is delivered again on another connection only after the commit that holds it', async () => {
    const { intake, store, scheduler } = intakeRig(plans);
    const [before, after] = [new RecordingPeer(), new RecordingPeer()];
    intake.open({ source: 's', ack: 'fsynced' }, before).offer(arrival('a/1', 'alarm'));
    scheduler.run();
    const again = arrival(heavyTopic, '', { kind: 'duplicate' });

    intake.open({ source: 's', ack: 'fsynced' }, after).offer(again);
    scheduler.run();

    expect(after.settledIds).toEqual([]);
    await store.answerAll();
    expect(after.settledIds).toEqual([again.id]);
  });

  it('tries the refused ones again in time although urgent ones keep coming', async () => {
    const { intake, store, scheduler, clock } = intakeRig(plans);
    const inlet = intake.open({ source: 's', ack: 'fsynced' }, new RecordingPeer());
    inlet.offer(arrival('b/1', 'usual'));
    scheduler.run();
    await store.answerAll(full);

    for (let waited = 0; waited < limits.appendRetryMsMin; waited += 10) {
      inlet.offer(arrival('a/1', `alarm ${waited}`));
      scheduler.run();
      await store.answerAll();
      clock.advance(10);
    }

    expect(store.calls.map(({ urgent }) => urgent)).toEqual([false]);
  });

  it('remembers an inlet once, however many urgent ones it brings while the store is full', async () => {
    const { intake, store, scheduler, clock } = intakeRig(plans);
    const inlet = intake.open({ source: 's', ack: 'fsynced' }, new RecordingPeer());
    intake.open({ source: 's', ack: 'fsynced' }, new RecordingPeer()).offer(arrival('b/1', 'usual'));
    scheduler.run();
    await store.answerAll(full);
    for (let i = 0; i < 5; i++) {
      inlet.offer(arrival('a/1', `alarm ${i}`));
      scheduler.run();
      await store.calls.find(({ urgent }) => urgent)!.answer({ ok: true });
    }

    inlet.offer(arrival('b/1', 'more'));

    expect(intake.inspect().waiting).toBe(1);
    clock.advance(limits.appendRetryMsMax);
    await store.answerAll();
    scheduler.run();
    await store.answerAll();
    expect(intake.inspect()).toMatchObject({ bytes: 0, waiting: 0, appendsInFlight: 0 });
  });

  it('stores nothing ahead of its turn while the device fails', async () => {
    const { intake, store, scheduler } = intakeRig(plans);
    const inlet = intake.open({ source: 's', ack: 'fsynced' }, new RecordingPeer());
    inlet.offer(arrival('b/1', 'usual'));
    scheduler.run();
    await store.answerAll({ ok: false, trouble: 'io', message: 'broken' });
    inlet.offer(arrival('a/1', 'alarm'));

    scheduler.run();

    expect(store.calls).toEqual([]);
  });
});
