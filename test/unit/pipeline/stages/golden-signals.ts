import { readFileSync } from 'node:fs';

/** The cases that scripts/golden/make_signals.py wrote. */
export function goldenSignals<T>(name: string): T[] {
  const url = new URL(`../../../golden/signal/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, 'utf8')) as T[];
}
