import * as z from 'zod';
import { choice, duration, integer, list, share, size, text } from './leaf.ts';

export const bufferSchema = z.strictObject({
  size: size('32MiB', '16TiB', 'one commit holds a twelfth of it at most, and a whole message has to fit')
    .prefault('512MiB')
    .describe('Hard cap of everything the buffer keeps on disk, write-ahead log included.'),
  keep_free: share()
    .prefault('10%')
    .describe('Part of the file system that stays free for others, as percentage or size.'),
  when_full: choice('block', 'drop_oldest', 'coarsen')
    .prefault('coarsen')
    .describe(
      'Near the cap: make the oldest, least important readings coarser (lines, windows, sketches; count, sum, min and max stay exact) and drop only what can be no coarser; or stop taking, so that senders keep their readings and feel the pressure; or drop the oldest of the least important. Each is counted in the ledger.',
    ),
  seal: z
    .strictObject({
      readings: integer(16, 65_536)
        .prefault(4096)
        .describe('Readings of a stream after which they become a block.'),
      age: duration('1s', '1d')
        .prefault('1m')
        .describe('Age of the oldest unsealed reading after which they become a block.'),
    })
    .prefault({})
    .describe('When fresh readings are packed into compressed blocks.'),
  rollups: z
    .strictObject({
      streams: list(text({ what: 'a stream, or a glob such as pump*', max: 128 }), { min: 1, max: 64 })
        .prefault(['*'])
        .describe('Streams that are summed up by minute, hour and day, as names or globs.'),
      fields: list(text({ what: 'a field, or a glob such as temp*', max: 128 }), { min: 1, max: 64 })
        .prefault(['*'])
        .describe('Numeric fields that are summed up; at most 64 of a stream are.'),
      share: share()
        .prefault('5%')
        .describe(
          'Part of the buffer that summaries may take; beyond it the oldest and finest go. 0% keeps none.',
        ),
    })
    .prefault({})
    .describe(
      'Summaries that answer queries about long times, and about readings that are delivered already.',
    ),
});
