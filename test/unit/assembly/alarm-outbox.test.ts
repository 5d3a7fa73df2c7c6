import { expect, test } from 'vitest';
import { AlarmOutbox } from '#agent/assembly/alarm-outbox.ts';
import type { Clock } from '#agent/ports/clock.ts';
import type { PublishAnswer, Publisher } from '#agent/ports/publisher.ts';
import type { Telemetry } from '#agent/ports/telemetry.ts';

/** A broker that answers as told, a clock that rings when asked to, and the counters. */
function rig(answers: PublishAnswer[]) {
  const sent: string[] = [];
  const outcomes: Record<string, number> = {};
  const alarms: { delay: number; wake: () => void }[] = [];
  const publisher: Publisher = {
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    publish: ({ topic, payload }) => {
      sent.push(`${topic} ${new TextDecoder().decode(payload)}`);
      return Promise.resolve(answers.shift() ?? { ok: true });
    },
  };
  const telemetry = {
    log: () => undefined,
    count: (_name: string, labels: Record<string, string>) => {
      outcomes[labels['outcome']!] = (outcomes[labels['outcome']!] ?? 0) + 1;
    },
  } as unknown as Telemetry;
  const clock = {
    after: (delay: number, wake: () => void) => {
      alarms.push({ delay, wake });
      return { cancel: () => undefined };
    },
  } as unknown as Clock;
  const outbox = new AlarmOutbox({ publisher, clock, telemetry, source: 'line' });
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 2000; i++) await Promise.resolve();
  };
  return { outbox, sent, outcomes, alarms, settle };
}

const away: PublishAnswer = { ok: false, trouble: 'unreachable', message: 'no broker' };

test('alarms go out in order, one after the other', async () => {
  const { outbox, sent, outcomes, settle } = rig([]);

  for (const payload of ['1', '2', '3']) outbox.send({ stream: 's', topic: 't', payload });
  await settle();

  expect(sent).toEqual(['t 1', 't 2', 't 3']);
  expect(outcomes).toEqual({ sent: 3 });
});

test('while the broker is away they wait, longer each time, and are sent when it is back', async () => {
  const { outbox, sent, alarms, settle } = rig([away, away]);
  outbox.send({ stream: 's', topic: 't', payload: '1' });
  await settle();
  outbox.send({ stream: 's', topic: 't', payload: '2' });
  for (const at of [0, 1]) {
    alarms[at]!.wake();
    await settle();
  }

  expect(alarms.map(({ delay }) => delay)).toEqual([1000, 2000]);
  expect(sent).toEqual(['t 1', 't 1', 't 1', 't 2']);
});

test('what the broker refuses is given up, and so are the oldest when too many wait', async () => {
  const { outbox, sent, outcomes, alarms, settle } = rig([
    { ok: false, trouble: 'rejected', code: 135, message: 'not authorised' },
    away,
  ]);
  outbox.send({ stream: 's', topic: 't', payload: 'refused' });
  await settle();
  for (let i = 0; i < 300; i++) outbox.send({ stream: 's', topic: 't', payload: String(i) });
  await settle();
  alarms[0]!.wake();
  await settle();

  expect(outcomes).toEqual({ refused: 1, dropped: 44, delayed: 1, sent: 256 });
  expect(sent.at(-1)).toBe('t 299');
});

test('nothing is sent after the stop', async () => {
  const { outbox, sent, settle } = rig([]);
  await outbox.stop();
  await outbox.stop();
  outbox.send({ stream: 's', topic: 't', payload: '1' });
  await settle();

  expect(sent).toEqual([]);
});
