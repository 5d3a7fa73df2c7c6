import { describe, expect, it } from 'vitest';
import { BodyCredit, type BodyRoom } from '#agent/ingest/body-credit.ts';
import { limits } from '#agent/ingest/limits.ts';
import { flushPromises, ManualClock } from '#test/support/mqtt-fakes.ts';

const half = limits.httpBodiesBytes / 2;

function rigOf() {
  const clock = new ManualClock();
  const credit = new BodyCredit(clock);
  const given: (BodyRoom | null | undefined)[] = [];
  const ask = (bytes: number): void => {
    const place = given.push(undefined) - 1;
    void (async () => {
      given[place] = await credit.take(bytes);
    })();
  };
  return { clock, credit, given, ask };
}

describe('BodyCredit', () => {
  it('lets bodies wait in their order once all is taken', async () => {
    const { credit, given, ask } = rigOf();
    for (const bytes of [half, half, half, half]) ask(bytes);
    await flushPromises();
    expect(given.map((room) => room !== undefined)).toEqual([true, true, false, false]);
    expect(credit.bytes).toBe(limits.httpBodiesBytes);

    given[1]!.release();
    given[1]!.release();
    await flushPromises();

    expect(given.map((room) => room !== undefined)).toEqual([true, true, true, false]);
    expect(credit.bytes).toBe(limits.httpBodiesBytes);
  });

  it('lets small bodies past those that wait', async () => {
    const { given, ask } = rigOf();
    for (const bytes of [half, half, half, limits.httpSmallBodyBytes]) ask(bytes);

    await flushPromises();

    expect(given.map((room) => room !== undefined)).toEqual([true, true, false, true]);
  });

  it('lets a body larger than all there is come alone', async () => {
    const { credit, given, ask } = rigOf();
    ask(half);
    ask(3 * half);
    await flushPromises();
    expect(given[1]).toBeUndefined();

    given[0]!.release();
    await flushPromises();

    expect(credit.bytes).toBe(3 * half);
  });

  it('gives up on a body that waited too long, and serves those behind it', async () => {
    const { clock, credit, given, ask } = rigOf();
    ask(half + 1);
    ask(half);
    clock.advance(1);
    ask(half - 1);

    clock.advance(limits.httpBodyWaitMs - 1);
    await flushPromises();

    expect(given[1]).toBeNull();
    expect(given[2]).toBeTruthy();
    expect(credit.waiting).toBe(0);
    given[0]!.release();
    given[2]!.release();
    expect(credit.bytes).toBe(0);
    expect(clock.alarms).toBe(0);
  });
});
