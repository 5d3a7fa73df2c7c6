import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pythonLacks, runPython } from '#test/support/golden-python.ts';
import { golden } from '#test/unit/sketch/golden.ts';

const lacking = pythonLacks('datasketches', 'opentelemetry.proto.metrics.v1.metrics_pb2');
const names = ['hll', 'frequent', 'theta', 'histogram'];

interface KllCase {
  readonly k: number;
  readonly n: number;
  readonly bytes: string;
  readonly quantiles?: readonly number[];
  readonly ranksOfValues?: readonly number[];
}

describe.skipIf(lacking !== null)(
  lacking === null ? 'the golden bytes' : `the golden bytes (${lacking})`,
  () => {
    let folder: string;
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'sedge-golden-'));
      runPython('make_sketches.py', ['--into', folder, 'kll', ...names]);
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));
    const made = <T>(name: string): T[] =>
      JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as T[];

    it.each(names)('%s: the installed library writes those that are committed', (name) => {
      expect(made(name)).toEqual(golden(name));
    });

    it('kll: those that are committed, up to the first coin', () => {
      // Beyond k values the library flips coins nobody can seed.
      const fixed = (given: KllCase): object =>
        given.n <= given.k ? given : { ...given, bytes: '', quantiles: [], ranksOfValues: [] };

      expect(made<KllCase>('kll').map(fixed)).toEqual(golden<KllCase>('kll').map(fixed));
    });
  },
);
