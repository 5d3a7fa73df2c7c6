import { describe, expect, it } from 'vitest';
import { bytesOf, type EntryToStore } from '#agent/buffer/append.ts';
import { decodeJournalRow } from '#agent/buffer/codec/journal-row.ts';
import { journalReadingsMax } from '#agent/buffer/codec/limits.ts';
import type { DiskChannel, DiskReport, DiskRequest } from '#agent/buffer/disk-protocol.ts';
import { defaultSettings } from '#agent/buffer/settings.ts';
import { StoreClient } from '#agent/buffer/store-client.ts';
import type { AppendOutcome } from '#agent/ports/store.ts';
import type { Batch } from '#agent/reading/batch.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import type { JournalEntry } from '#agent/reading/journal-entry.ts';
import { encodeMarks } from '#agent/reading/mark-bytes.ts';
import { SilentTelemetry } from '#test/support/silent-telemetry.ts';

const appendBytesMax = 65_536;

/** A disk thread that keeps what it takes and refuses the appends it is told to, by their number. Its appends may have a new `size`'s bytes after a reload. */
function disk(refused: ReadonlySet<number>, trouble: 'full' | 'io') {
  let report: (report: DiskReport) => void = () => {};
  let appends = 0;
  let bytesMax = appendBytesMax;
  const stored: EntryToStore[] = [];
  const sizes: number[] = [];
  const requests: Extract<DiskRequest, { call: 'append' }>[] = [];
  const channel: DiskChannel = {
    post: (request: DiskRequest) => {
      if (request.call === 'configure') bytesMax = request.ask.sizeBytes;
      const isTerms = request.call === 'open' || request.call === 'configure';
      let answer: unknown = isTerms ? { epoch: '5eed5eed5eed5eed', appendBytesMax: bytesMax } : null;
      if (request.call === 'append') {
        const number = appends++;
        requests.push(request);
        sizes.push(
          request.ask.flatMap((entry) => entry.rows).reduce((sum, row) => sum + row.bytes.length, 0),
        );
        if (!refused.has(number)) stored.push(...request.ask);
        answer = (
          refused.has(number) ? { ok: false, trouble, message: trouble } : { ok: true }
        ) satisfies AppendOutcome;
      }
      queueMicrotask(() =>
        report({ answers: [{ id: request.id, ok: true, answer }], grown: [], observations: [] }),
      );
    },
    onReport: (listener) => void (report = listener),
    onDeath: () => {},
    end: () => Promise.resolve(),
  };
  return { channel, stored, sizes, requests };
}

function textEntry(readings: number, letters: number): JournalEntry {
  const builder = new BatchBuilder({ stream: 's', clock: 'agent' });
  for (let i = 0; i < readings; i++) {
    builder.begin({ tags: {}, timeMicros: i });
    builder.set('text', String(i).padStart(letters, 'x'));
  }
  return {
    stream: 's',
    batch: builder.finish(),
    received: readings + 3,
    filtered: [{ rule: '0:keep', count: 3 }],
    marks: [],
  };
}

async function client(refused: readonly number[] = [], trouble: 'full' | 'io' = 'full') {
  const fake = disk(new Set(refused), trouble);
  const telemetry = new SilentTelemetry();
  const store = new StoreClient({ channel: fake.channel, telemetry });
  await store.start(defaultSettings);
  return { store, telemetry, ...fake };
}

const readingsOf = (entries: readonly EntryToStore[]) =>
  entries.reduce((sum, entry) => sum + entry.rows.reduce((rows, row) => rows + row.count, 0), 0);
const textsIn = ({ columns }: Batch) =>
  columns.flatMap((column) => (column.kind === 'text' ? column.values : []));
const textsOf = (entries: readonly EntryToStore[]) =>
  entries
    .flatMap(({ rows }) => rows)
    .flatMap(({ bytes }) => {
      const batch = decodeJournalRow(bytes, { stream: 's' });
      return batch.ok ? textsIn(batch.value) : [];
    });
const receivedOf = (entries: readonly EntryToStore[]) =>
  entries.reduce((sum, entry) => sum + entry.received, 0);

describe('StoreClient.epoch', () => {
  it('is what the disk thread found when it opened the database', async () => {
    const { store } = await client();

    expect(store.epoch).toBe('5eed5eed5eed5eed');
  });
});

describe('StoreClient.append', () => {
  it('sends what fits one transaction as one request', async () => {
    const { store, stored, sizes } = await client();

    expect(await store.append([textEntry(10, 20), textEntry(5, 20)])).toEqual({ ok: true });

    expect(sizes.length).toBe(1);
    expect(readingsOf(stored)).toBe(15);
  });

  it('cuts what does not fit into parts within the bound, accounts counted once', async () => {
    const { store, stored, sizes } = await client();

    expect(await store.append([textEntry(3_000, 100), textEntry(10, 20)])).toEqual({ ok: true });

    expect(sizes.length).toBeGreaterThan(3);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(appendBytesMax);
    expect(readingsOf(stored)).toBe(3_010);
    expect(receivedOf(stored)).toBe(3_016);
  });

  it('cuts a batch of more readings than a row may hold, however few bytes they take', async () => {
    const { store, stored } = await client();
    const readings = journalReadingsMax * 2 + 1;
    const builder = new BatchBuilder({ stream: 's', clock: 'agent' });
    for (let i = 0; i < readings; i++) builder.begin({ tags: {}, timeMicros: i });
    const entry = { stream: 's', batch: builder.finish(), received: readings, filtered: [], marks: [] };

    expect(await store.append([entry])).toEqual({ ok: true });

    expect(readingsOf(stored)).toBe(readings);
    expect(receivedOf(stored)).toBe(readings);
    const rows = stored.flatMap((one) => one.rows);
    expect(Math.max(...rows.map(({ count }) => count))).toBeLessThanOrEqual(journalReadingsMax);
  });

  it('sends the marks of a cut append with its last part, so that none is stored before its readings', async () => {
    const { store, requests } = await client();
    const marks = [{ source: 'line', packetId: 1, hash: 2, state: 'released' as const }];

    await store.append([{ ...textEntry(3_000, 100), marks }, textEntry(10, 20)]);

    const sent = requests.map(({ ask }) => ask.flatMap((entry) => entry.marks));
    expect(sent.slice(0, -1).flat()).toEqual([]);
    expect(sent.at(-1)).toEqual(encodeMarks(marks));
  });

  it('stops a cut append at the part that is refused, and lets nothing overtake it', async () => {
    const { store, stored, requests } = await client([1]);

    const answers = await Promise.all([
      store.append([textEntry(3_000, 100)]),
      store.append([textEntry(1, 20)]),
    ]);

    expect(answers.map(({ ok }) => ok)).toEqual([false, true]);
    expect(requests.map(({ place }) => place)).toEqual([1, 1, 2]);
    expect(readingsOf(stored.slice(0, -1))).toBeLessThan(3_000);
  });

  it('gives an append its place once, and keeps it when it is asked again', async () => {
    const { store, requests } = await client([0]);
    const first = [textEntry(1, 20)];
    const second = [textEntry(2, 20)];
    await Promise.all([store.append(first), store.append(second)]);

    await store.append(first);

    expect(requests.map(({ place }) => place)).toEqual([1, 2, 1]);
  });

  it('says of an urgent append that it is one, also when it is asked again', async () => {
    const { store, requests } = await client([0]);
    const alarm = [textEntry(1, 20)];
    await store.append(alarm, { urgent: true });

    await store.append(alarm, { urgent: true });

    expect(requests.map(({ place, urgent }) => [place, urgent])).toEqual([
      [1, true],
      [1, true],
    ]);
  });

  it('says of a reading that is too large which stream it is of, how large it may be and what to do, and counts it as filtered', async () => {
    const { store, telemetry, stored } = await client([0]);
    const entries = [textEntry(2, 100_000), textEntry(3, 10)];

    const refused = await store.append(entries);
    const outcome = await store.append(entries);

    expect(refused.ok).toBe(false);
    expect(outcome).toEqual({ ok: true });
    expect(readingsOf(stored)).toBe(3);
    expect(stored[0]).toMatchObject({ received: 5, filtered: [{}, { rule: 'oversize', count: 2 }] });
    expect(telemetry.counts.get('buffer_oversize_readings')).toBe(2);
    expect(telemetry.events).toEqual([
      {
        level: 'warning',
        event: 'buffer_oversize',
        message: expect.stringMatching(
          /^2 readings of s are too large to be stored \([\d,]+ bytes encoded, 65,536 at most\) and dropped, .* filtered by oversize: a larger buffer\.size/,
        ) as string,
      },
    ]);
  });

  it('stores only the rest when a partly refused append is tried again', async () => {
    const { store, stored } = await client([1]);
    const entries = [textEntry(3_000, 100)];

    expect(await store.append(entries)).toMatchObject({ ok: false, trouble: 'full' });
    expect(readingsOf(stored)).toBeLessThan(3_000);
    expect(await store.append(entries)).toEqual({ ok: true });

    expect(readingsOf(stored)).toBe(3_000);
    expect(receivedOf(stored)).toBe(3_003);
  });

  it.each([
    ['larger', [2], [appendBytesMax * 4]],
    ['smaller', [2, 4], [appendBytesMax / 2]],
    ['smaller, then larger', [2, 5, 8], [appendBytesMax / 2, appendBytesMax * 4, appendBytesMax]],
    ['smaller before any of it is stored', [0], [appendBytesMax / 2]],
  ])(
    'stores each reading once when a refused append is tried again in a buffer made %s',
    async (_how, refused, sizes) => {
      const { store, stored, requests } = await client(refused);
      const entries = Array.from({ length: 60 }, (_, i) => textEntry(50, 80 + i));
      let outcome = await store.append(entries);

      for (const sizeBytes of [...sizes, ...sizes]) {
        if (outcome.ok) break;
        await store.configure({ ...defaultSettings, sizeBytes });
        const before = requests.length;
        outcome = await store.append(entries);
        for (const { ask } of requests.slice(before)) expect(bytesOf(ask)).toBeLessThanOrEqual(sizeBytes);
      }

      expect(outcome).toEqual({ ok: true });
      expect(textsOf(stored)).toEqual(entries.flatMap(({ batch }) => textsIn(batch!)));
      expect(receivedOf(stored)).toBe(60 * 53);
      expect(new Set(requests.map(({ place }) => place))).toEqual(new Set([1]));
    },
  );

  it('does not cut anew what may be stored already, because nobody can say it yet', async () => {
    const { store, requests } = await client([1], 'io');
    const entries = [textEntry(3_000, 100)];
    await store.append(entries);
    const refused = requests.at(-1)!;

    await store.configure({ ...defaultSettings, sizeBytes: appendBytesMax * 4 });
    await store.append(entries);

    expect(requests[2]).toMatchObject({ again: refused.id });
    expect(readingsOf(requests[2]!.ask)).toBe(readingsOf(refused.ask));
  });
});
