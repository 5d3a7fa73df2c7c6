import type { AgentClient } from '../../host/agent-client.ts';
import { formatCount } from '../../base/words.ts';
import { line, type World } from '../../ports/world.ts';
import { deadLetterStream } from '../../reading/dead-letter.ts';
import { exit } from '../verb.ts';
import type { BufferAccess } from './buffer-access.ts';

/**
 * Sends what could not be decoded once more, after a decoder was mended: payloads kept whole go to the running agent under
 * their topic. What the agent takes is stored anew; the letters stay where they are.
 */
export async function replayDeadLetters(
  access: BufferAccess,
  { client, world, dryRun, json }: { client: AgentClient; world: World; dryRun: boolean; json: boolean },
): Promise<number> {
  const counts = { sent: 0, refused: 0, cut: 0, other: 0 };
  const known = (await access.streams()).some((stream) => stream.name === deadLetterStream);
  for (let next: number | null = known ? 0 : null; next !== null;) {
    const page = await access.page(deadLetterStream, next);
    for (const { values, tags } of page.readings) {
      const { payload, payload_bytes: bytes, topic } = values;
      const body = bytesOf(payload);
      // Readings that a receiver refused lie here too: they were decoded once and have no payload.
      if (body === null || typeof topic !== 'string') counts.other++;
      else if (body.length !== bytes) counts.cut++;
      else if (dryRun) counts.sent++;
      else {
        const refusal = await client.post(`/v1/ingest/${encodeURIComponent(topic)}`, body);
        if (refusal === null) counts.sent++;
        else {
          counts.refused++;
          line(world.stderr, `${topic} (${tags['reason'] ?? 'undecodable'}): ${refusal}`);
        }
      }
    }
    next = page.next;
  }
  if (json) {
    line(world.stdout, JSON.stringify({ dry_run: dryRun, ...counts }));
    return counts.refused === 0 ? exit.ok : exit.found;
  }
  const verb = dryRun ? 'would be sent' : 'taken';
  line(
    world.stdout,
    `${formatCount(counts.sent)} ${verb}, ${formatCount(counts.refused)} refused again, ${formatCount(counts.cut)} not kept whole, ${formatCount(counts.other)} of another kind`,
  );
  return counts.refused === 0 ? exit.ok : exit.found;
}

function bytesOf(payload: unknown): Uint8Array | null {
  if (typeof payload === 'string') return new TextEncoder().encode(payload);
  const base64 = (payload as { base64?: unknown } | undefined)?.base64;
  return typeof base64 === 'string' ? Uint8Array.from(Buffer.from(base64, 'base64')) : null;
}
