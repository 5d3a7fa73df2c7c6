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

/** What a word of another system is called here, if that is legal at the place. */
export function translatedWord(word: string, legal: readonly string[]): string | null {
  const known = word.toLowerCase();
  if (!Object.hasOwn(otherWords, known)) return null;
  return otherWords[known]!.find((other) => legal.includes(other)) ?? null;
}

/** The key or value a person most likely meant, out of what is legal at that place. */
export function meantWord(word: string, legal: readonly string[]): string | null {
  const translated = translatedWord(word, legal);
  if (translated !== null || word.length > comparedWordMax) return translated;
  const byBareForm = new Map<string, string>();
  for (const candidate of legal) if (candidate !== word) byBareForm.set(bare(candidate), candidate);
  const found = nearest(bare(word), [...byBareForm.keys()]);
  return found === undefined ? null : byBareForm.get(found)!;
}

/** `receiveMaximum`, `receive-maximum` and `receive_maximum` are one word to a reader. */
function bare(word: string): string {
  return word.replaceAll(/[-_\s]/g, '').toLowerCase();
}
