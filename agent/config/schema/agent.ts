import * as z from 'zod';
import { choice, name, path } from './leaf.ts';

export const agentSchema = z.strictObject({
  id: name()
    .optional()
    .describe(
      'Name of this agent, part of every delivered reading and of its idempotency key: it must differ from all others and never change. Default: derived from the machine id.',
    ),
  site: name().prefault('default').describe('Name of the place that this agent shares with its neighbours.'),
  clock: choice('auto', 'trusted')
    .prefault('auto')
    .describe(
      'auto: times of arrival are believed once the host says that its clock is synchronized; before, they are labelled and corrected when it is. trusted: the clock is right without synchronization (a good RTC, a network without NTP).',
    ),
  data: path()
    .prefault('/var/lib/sedge')
    .describe('Folder of everything the agent keeps; one agent a folder. `--data` overrides it.'),
});
