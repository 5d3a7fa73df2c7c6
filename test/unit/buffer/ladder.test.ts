import { expect, onTestFinished, test } from 'vitest';
import { nextStep, type Holding } from '#agent/buffer/ladder.ts';
import { lastLevel } from '#agent/buffer/rungs/levels.ts';
import { entryOf, smallSettings, StoreRig } from '#test/property/buffer/model/store-rig.ts';

function holding(of: Partial<Holding<string>>): Holding<string> {
  return { stream: 's', level: 0, priority: 5, waited: true, bytes: 1_000, blocks: 3, ...of };
}

test('within a level the least important goes first, then what nobody waits for, then where most is', () => {
  const much = holding({ stream: 'much', bytes: 5_000 });
  const unwaited = holding({ stream: 'unwaited', waited: false });
  const least = holding({ stream: 'least', priority: 1 });

  expect(nextStep([holding({}), much])).toBe(much);
  expect(nextStep([much, unwaited])).toBe(unwaited);
  expect(nextStep([much, unwaited, least])).toBe(least);
});

test('urgent priorities stay as they are until all others stand at the last rung', () => {
  const alarms = holding({ stream: 'alarms', priority: 9, bytes: 1e9 });
  const low = holding({ stream: 'low', level: 8, bytes: 10 });
  const done = holding({ stream: 'done', level: lastLevel, blocks: 1 });

  expect(nextStep([alarms, low])).toBe(low);
  expect(nextStep([alarms, done])).toBe(alarms);
  expect(nextStep([done])).toBeNull();
});

test('the level that is most beyond its share goes, so that the newest stay raw and the oldest reach far back', () => {
  const raw = holding({ level: 0, bytes: 300 });
  const windows = holding({ level: 3, bytes: 200 });

  expect(nextStep([raw, windows])).toBe(windows);
  expect(nextStep([raw, holding({ level: 3, bytes: 20 })])).toBe(raw);
});

test('an append larger than what the ladder keeps free is refused once, and finds room after its steps', () => {
  const rig = new StoreRig();
  onTestFinished(() => rig.dispose());
  rig.store.open({
    ...smallSettings,
    whenFull: 'coarsen',
    ladderShare: 0.001,
    seal: { readings: 100, bytes: 65_536, ageMillis: 50 },
  });
  let value = 0;
  let refusals = 0;
  for (let i = 0; i < 25; i++) {
    const values = Array.from({ length: 24 }, () => value++);
    const entries = [entryOf('s', values, { textBytes: 4_000 })];
    for (let tries = 0; ; tries++) {
      const { outcomes } = rig.store.commit([{ kind: 'append', entries }], rig.now);
      rig.tick(100);
      while (rig.store.maintain(rig.now));
      if (outcomes[0]?.ok === true) break;
      refusals++;
      expect(tries).toBeLessThan(3);
    }
  }

  const [account] = rig.store.ledger().streams;
  expect(refusals).toBeGreaterThan(0);
  expect(account).toMatchObject({ received: value, dropped: [], balanced: true });
  expect(account?.coarsened).toBeGreaterThan(0);
});
