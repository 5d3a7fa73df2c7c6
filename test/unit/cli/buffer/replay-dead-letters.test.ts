import { describe, expect, it } from 'vitest';
import type { ReadingJson } from '#agent/api/contract.ts';
import type { BufferAccess } from '#agent/cli/buffer/buffer-access.ts';
import { replayDeadLetters } from '#agent/cli/buffer/replay-dead-letters.ts';
import type { AgentClient } from '#agent/host/agent-client.ts';
import { fakeWorld } from '#test/support/fake-world.ts';

const letter = (offset: number, topic: string, payload: string): ReadingJson => ({
  agent: 'gw',
  epoch: '5eed5eed5eed5eed',
  stream: '_dead_letter',
  offset,
  time: '2026-11-21T08:00:00.000Z',
  quality: 'good',
  fidelity: 'raw',
  tags: { reason: 'syntax' },
  values: { topic, payload, payload_bytes: payload.length },
});

function bufferOf(readings: readonly ReadingJson[]): BufferAccess {
  const stream = {
    name: '_dead_letter',
    priority: 0,
    buffered: 0,
    head: 0,
    bytes: 0,
    rungs: [],
    passed_over: [],
    oldest: null,
  };
  return {
    where: 'here',
    streams: () => Promise.resolve([stream]),
    page: () => Promise.resolve({ stream: stream.name, readings, next: null, walk: 'w' }),
    windows: () => Promise.reject(new Error('not asked for')),
    close: () => Promise.resolve(),
  };
}

async function replay(readings: readonly ReadingJson[], dryRun: boolean) {
  const sent: string[] = [];
  const client = {
    post: (path: string, body: Uint8Array) => {
      sent.push(`${path} ${Buffer.from(body).toString()}`);
      return Promise.resolve(body.includes(0x78) ? 'still wrong' : null);
    },
  } as unknown as AgentClient;
  const world = fakeWorld();
  const code = await replayDeadLetters(bufferOf(readings), { client, world, dryRun, json: false });
  return { code, sent, out: world.outText(), error: world.errorText() };
}

describe('replayDeadLetters', () => {
  it('sends equal letters once, so that what is refused again and again does not multiply', async () => {
    const letters = [letter(0, 'a', 'x'), letter(1, 'a', '1'), letter(2, 'a', 'x'), letter(3, 'b', 'x')];

    const { code, sent, out, error } = await replay(letters, false);

    expect(sent).toEqual(['/v1/ingest/a x', '/v1/ingest/a 1', '/v1/ingest/b x']);
    expect(out).toBe('1 taken, 2 refused again, 1 the same as others, 0 not kept whole, 0 of another kind\n');
    expect(error).toContain('the letters stay, and another replay sends them again');
    expect(code).toBe(1);
  });

  it('says what it would do, and does nothing', async () => {
    const { code, sent, out, error } = await replay([letter(0, 'a', 'x'), letter(1, 'a', 'x')], true);

    expect({ code, sent, error }).toEqual({ code: 0, sent: [], error: '' });
    expect(out).toBe(
      '1 would be sent, 0 refused again, 1 the same as others, 0 not kept whole, 0 of another kind\n',
    );
  });
});
