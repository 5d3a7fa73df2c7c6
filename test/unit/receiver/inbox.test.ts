import { expect, test } from 'vitest';
import { Inbox, type InboxIndex, type LineStore } from '#agent/receiver/inbox.ts';
import { type ReceivedLine, parseLine } from '#agent/receiver/parse-lines.ts';

/** Lines in memory; survives being opened again. */
class MemoryLines implements LineStore {
  lines: string[] = [];
  index: InboxIndex | null = null;
  indexed = 0;
  appends = 0;
  failing = 0;

  open(restore: Parameters<LineStore['open']>[0]): Promise<void> {
    if (this.index !== null) restore.index(this.index);
    for (const line of this.lines.slice(this.indexed)) restore.line(line);
    return Promise.resolve();
  }

  append(bytes: Uint8Array): Promise<void> {
    this.appends++;
    if (this.failing > 0) {
      this.failing--;
      return Promise.reject(new Error('no space left on device'));
    }
    this.lines.push(...new TextDecoder().decode(bytes).split('\n').slice(0, -1));
    return Promise.resolve();
  }

  wantsIndex(): boolean {
    return this.lines.length - this.indexed > 10;
  }

  indexTries = 0;
  indexFails = false;
  closed = false;

  saveIndex(index: InboxIndex): Promise<void> {
    this.indexTries++;
    if (this.indexFails) return Promise.reject(new Error('no space left on device'));
    this.index = structuredClone(index);
    this.indexed = this.lines.length;
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}

function readings(stream: string, first: number, count: number, epoch?: string): ReceivedLine[] {
  return Array.from({ length: count }, (_, i) => {
    const line = parseLine(JSON.stringify({ agent: 'gw-7', epoch, stream, offset: first + i }));
    if (typeof line === 'string') throw new Error(line);
    return line;
  });
}

test('keeps each reading once, however batches overlap, and tells what is missing', async () => {
  const lines = new MemoryLines();
  const inbox = new Inbox(lines);
  await inbox.start();

  await inbox.accept(readings('s', 0, 10));
  await inbox.accept(readings('s', 5, 10));
  const outcome = await inbox.accept(readings('s', 20, 2));

  expect(outcome).toEqual({ ok: true, received: 2, duplicates: 0 });
  expect(lines.lines).toHaveLength(17);
  expect(inbox.summary()).toEqual([
    {
      agent: 'gw-7',
      epoch: '',
      stream: 's',
      received: 17,
      duplicates: 5,
      maxOffset: 21,
      missing: 5,
      summaries: 0,
      gaps: [[15, 20]],
    },
  ]);
});

test('the same offsets of another epoch are other readings; within one they are duplicates', async () => {
  const lines = new MemoryLines();
  const inbox = new Inbox(lines);
  await inbox.start();
  await inbox.accept(readings('s', 0, 10, 'aaaa'));

  const wiped = await inbox.accept(readings('s', 0, 4, 'bbbb'));
  const again = await inbox.accept(readings('s', 0, 10, 'aaaa'));
  const nameless = await inbox.accept(readings('s', 2, 1));

  expect(wiped).toEqual({ ok: true, received: 4, duplicates: 0 });
  expect(again).toEqual({ ok: true, received: 0, duplicates: 10 });
  expect(nameless).toEqual({ ok: true, received: 1, duplicates: 0 });
  expect(lines.lines).toHaveLength(15);
  expect(inbox.summary()).toMatchObject([
    { epoch: 'aaaa', received: 10, duplicates: 10, missing: 0 },
    { epoch: 'bbbb', received: 4, duplicates: 0, missing: 0 },
    { epoch: '', received: 1, duplicates: 0, missing: 2 },
  ]);
});

test('epochs stay apart over a restart, from the index and from the lines', async () => {
  const lines = new MemoryLines();
  const first = new Inbox(lines);
  await first.start();
  await first.accept(readings('s', 0, 15, 'aaaa'));
  await first.stop();
  await first.start();
  await first.accept(readings('s', 0, 5, 'bbbb'));

  const second = new Inbox(lines);
  await second.start();
  const outcomes = [
    await second.accept(readings('s', 0, 16, 'aaaa')),
    await second.accept(readings('s', 0, 6, 'bbbb')),
  ];

  expect(lines.indexed).toBe(15);
  expect(outcomes).toEqual([
    { ok: true, received: 1, duplicates: 15 },
    { ok: true, received: 1, duplicates: 5 },
  ]);
});

test('an index from before epochs is read as the epoch without name', async () => {
  const lines = new MemoryLines();
  lines.index = {
    streams: [{ agent: 'gw-7', stream: 's', received: 10, duplicates: 2, runs: [[0, 10]] }],
  };
  const inbox = new Inbox(lines);
  await inbox.start();

  const old = await inbox.accept(readings('s', 0, 10));
  const named = await inbox.accept(readings('s', 0, 10, 'aaaa'));

  expect(old).toEqual({ ok: true, received: 0, duplicates: 10 });
  expect(named).toEqual({ ok: true, received: 10, duplicates: 0 });
  expect(inbox.summary()).toMatchObject([
    { epoch: '', received: 10, duplicates: 12 },
    { epoch: 'aaaa', received: 10, duplicates: 0 },
  ]);
});

test('names that run into one text are told apart', async () => {
  const inbox = new Inbox(new MemoryLines());
  await inbox.start();
  await inbox.accept(readings('b\ns', 0, 3, 'a'));

  expect(await inbox.accept(readings('s', 0, 3, 'a\nb'))).toMatchObject({ received: 3 });
});

test('requests of one moment share one sync, and a duplicate waits for the sync of its original', async () => {
  const lines = new MemoryLines();
  const inbox = new Inbox(lines);
  await inbox.start();

  const outcomes = await Promise.all([
    inbox.accept(readings('s', 0, 3)),
    inbox.accept(readings('s', 0, 3)),
    inbox.accept(readings('t', 0, 1)),
  ]);

  expect(lines.appends).toBe(1);
  expect(outcomes.map((outcome) => outcome.ok && [outcome.received, outcome.duplicates])).toEqual([
    [3, 0],
    [0, 3],
    [1, 0],
  ]);
});

test('what the disk did not take is not known afterwards and may come again', async () => {
  const lines = new MemoryLines();
  const inbox = new Inbox(lines);
  await inbox.start();
  lines.failing = 1;

  const failed = await inbox.accept(readings('s', 0, 3));
  const again = await inbox.accept(readings('s', 0, 3));

  expect(failed).toMatchObject({ ok: false, reason: 'disk' });
  expect(again).toEqual({ ok: true, received: 3, duplicates: 0 });
  expect(inbox.summary()).toMatchObject([{ received: 3, missing: 0 }]);
});

test('after a crash it knows from the lines alone what it has, with or without an index', async () => {
  const lines = new MemoryLines();
  const first = new Inbox(lines);
  await first.start();
  await first.accept(readings('s', 0, 15));
  await first.accept(readings('s', 15, 5));

  const second = new Inbox(lines);
  await second.start();
  const outcome = await second.accept(readings('s', 0, 21));

  expect(lines.index).not.toBeNull();
  expect(lines.indexed).toBeLessThan(20);
  expect(outcome).toEqual({ ok: true, received: 1, duplicates: 20 });
});

test('a stopped inbox takes nothing', async () => {
  const inbox = new Inbox(new MemoryLines());
  await inbox.start();
  await inbox.stop();

  expect(await inbox.accept(readings('s', 0, 1))).toMatchObject({ ok: false, reason: 'full' });
});

test('an index that cannot be written is told and costs nothing but a longer start', async () => {
  const lines = new MemoryLines();
  lines.indexFails = true;
  const told: string[] = [];
  const inbox = new Inbox(lines, (trouble) => told.push(trouble));
  await inbox.start();

  const outcome = await inbox.accept(readings('s', 0, 20));
  const next = await inbox.accept(readings('s', 20, 1));
  await inbox.stop();

  expect([outcome.ok, next.ok, lines.closed]).toEqual([true, true, true]);
  expect(told[0]).toBe('the index could not be written: no space left on device');
  const again = new Inbox(lines);
  await again.start();
  expect(again.summary()[0]).toMatchObject({ received: 21, missing: 0 });
});

test('refuses what would go beyond its bounds with a reason of its own, and changes nothing', async () => {
  const inbox = new Inbox(new MemoryLines(), () => {}, { streamsMax: 2, rangesMax: 2 });
  await inbox.start();
  await inbox.accept(readings('a', 0, 1));

  const streams = await inbox.accept([
    ...readings('a', 0, 2),
    ...readings('b', 0, 1),
    ...readings('c', 0, 1),
  ]);
  await inbox.accept(readings('a', 5, 1));
  const ranges = await inbox.accept(readings('a', 10, 1));

  expect(streams).toMatchObject({
    ok: false,
    reason: 'bounds',
    message: expect.stringContaining('2 streams'),
  });
  expect(ranges).toMatchObject({ ok: false, reason: 'bounds', message: expect.stringContaining('2 gaps') });
  expect(inbox.summary()).toMatchObject([{ stream: 'a', received: 2, duplicates: 0 }]);
});

test('a stream at its bound of gaps still takes what closes one', async () => {
  const inbox = new Inbox(new MemoryLines(), () => {}, { streamsMax: 2, rangesMax: 2 });
  await inbox.start();
  await inbox.accept([...readings('a', 0, 1), ...readings('a', 5, 1)]);

  expect(await inbox.accept([...readings('a', 1, 1), ...readings('a', 0, 1)])).toEqual({
    ok: true,
    received: 1,
    duplicates: 1,
  });
});
