import { nearest } from '../base/nearest.ts';
import { comparedWordMax } from './limits.ts';

/** Words that users of other systems write, and ours. Looked at before spelling. */
const otherWords: Readonly<Record<string, readonly string[]>> = {
  address: ['url', 'listen'],
  bind: ['listen'],
  bootstrap: ['url'],
  brokers: ['url'],
  broker: ['url'],
  capacity: ['size'],
  certificate: ['cert'],
  endpoint: ['url'],
  expression: ['keep'],
  filter: ['keep', 'match'],
  format: ['decode'],
  host: ['url', 'listen'],
  hostname: ['id', 'url'],
  max_bytes: ['size'],
  max_size: ['size'],
  name: ['id'],
  period: ['every'],
  port: ['listen', 'url'],
  processors: ['stages'],
  server: ['url'],
  servers: ['url'],
  session: ['clean'],
  sinks: ['uplinks'],
  outputs: ['uplinks'],
  inputs: ['sources'],
  source: ['from'],
  storage: ['buffer'],
  subscribe: ['topics'],
  timestamp: ['time'],
  topic: ['topics', 'match'],
  transforms: ['stages'],
  user: ['username'],
  verify: ['insecure_skip_verify'],
};

/** The key or value a person most likely meant, out of what is legal at that place. */
export function meantWord(word: string, legal: Iterable<string>): string | null {
  if (word.length > comparedWordMax) return null;
  const byBareForm = new Map<string, string>();
  for (const candidate of legal) if (candidate !== word) byBareForm.set(bare(candidate), candidate);
  const known = otherWords[word.toLowerCase()]?.find((other) => byBareForm.has(bare(other)));
  if (known !== undefined && Object.hasOwn(otherWords, word.toLowerCase())) return known;
  const found = nearest(bare(word), [...byBareForm.keys()]);
  return found === undefined ? null : byBareForm.get(found)!;
}

/** `receiveMaximum`, `receive-maximum` and `receive_maximum` are one word to a reader. */
function bare(word: string): string {
  return word.replaceAll(/[-_\s]/g, '').toLowerCase();
}
