import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { play, type Run } from '#test/stories/play.ts';
import { raftStory } from '#test/stories/raft/commands.ts';
import { swimStory } from '#test/stories/swim/commands.ts';

const folder = fileURLToPath(new URL('../../stories', import.meta.url));
/** Set to write the stories as they come out; git shows what has changed in them. */
const isRewrite = process.env['SEDGE_REWRITE'] === '1';

const storiesOf = (room: string): string[] =>
  readdirSync(join(folder, room))
    .filter((name) => name.endsWith('.txt'))
    .sort();

function check(room: string, name: string, run: Run): void {
  const path = join(folder, room, name);
  const text = readFileSync(path, 'utf8');
  const played = play(text, run);
  if (isRewrite) writeFileSync(path, played);
  else expect(played, 'SEDGE_REWRITE=1 writes it anew').toBe(text);
}

describe('stories of Raft', () => {
  test.each(storiesOf('raft'))('%s is told as it happens', (name) => check('raft', name, raftStory()));
});

describe('stories of SWIM', () => {
  test.each(storiesOf('swim'))('%s is told as it happens', (name) => check('swim', name, swimStory()));
});
