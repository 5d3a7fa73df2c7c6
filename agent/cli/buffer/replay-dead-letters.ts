import { createHash } from 'node:crypto';
import type { AgentClient } from '../../host/agent-client.ts';
import { formatCount } from '../../base/words.ts';
import { line, type World } from '../../ports/world.ts';
import { deadLetterStream } from '../../reading/dead-letter.ts';
import { exit } from '../verb.ts';
import type { BufferAccess } from './buffer-access.ts';

/**
 * Sends what could not be decoded once more, after a decoder was mended: payloads kept whole go to the running agent under
 * their topic, equal ones once. What the agent takes is stored anew; the letters stay where they are.
 */
export async function replayDeadLetters(
  access: BufferAccess,
  { client, world, dryRun, json }: { client: AgentClient; world: World; dryRun: boolean; json: boolean },
): Promise<number> {
  const counts = { sent: 0, refused: 0, repeated: 0, cut: 0, other: 0 };
  const seen = new Set<string>();
  const known = (await access.streams()).some((stream) => stream.name === deadLetterStream);
  for (let next: number | null = known ? 0 : null; next !== null;) {
    const page = await access.page(deadLetterStream, next);
    for (const { values, tags } of page.readings) {
      const { payload, payload_bytes: bytes, topic } = values;
      const body = bytesOf(payload);
      // Readings that a receiver refused lie here too: they were decoded once and have no payload.
      if (body === null || typeof topic !== 'string') counts.other++;
      else if (body.length !== bytes) counts.cut++;
      else if (!isNew(seen, topic, body)) counts.repeated++;
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
    `${formatCount(counts.sent)} ${verb}, ${formatCount(counts.refused)} refused again, ${formatCount(counts.repeated)} the same as others, ${formatCount(counts.cut)} not kept whole, ${formatCount(counts.other)} of another kind`,
  );
  if (counts.sent > 0 && !dryRun)
    line(
      world.stderr,
      'sedge: the letters stay, and another replay sends them again; sedge buffer purge _dead_letter takes them away once the agent is stopped',
    );
  return counts.refused === 0 ? exit.ok : exit.found;
}

/** Messages remembered, 16 MiB: what is refused again becomes a letter again, and must not be sent twice as often by each replay. */
const seenMax = 131_072;

function isNew(seen: Set<string>, topic: string, body: Uint8Array): boolean {
  const hash = createHash('sha256').update(topic).update('\0').update(body).digest('base64');
  if (seen.has(hash)) return false;
  if (seen.size >= seenMax) seen.clear();
  seen.add(hash);
  return true;
}

function bytesOf(payload: unknown): Uint8Array | null {
  if (typeof payload === 'string') return new TextEncoder().encode(payload);
  const base64 = (payload as { base64?: unknown } | undefined)?.base64;
  return typeof base64 === 'string' ? Uint8Array.from(Buffer.from(base64, 'base64')) : null;
}
