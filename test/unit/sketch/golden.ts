import { readFileSync } from 'node:fs';

/** The cases that scripts/golden/make_sketches.py wrote. */
export function golden<T>(name: string): T[] {
  const url = new URL(`../../golden/sketch/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, 'utf8')) as T[];
}

export function fromBase64(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64'));
}

/** The generator of the script: doubles in [0, 1000). */
export function* goldenValues(n: number): Generator<number> {
  let state = 12345;
  for (let i = 0; i < n; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield (state / 2 ** 32) * 1000;
  }
}
