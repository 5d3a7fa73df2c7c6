import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { run } from '#test/unit/pipeline/pipeline-fixture.ts';
import { runs, signal } from './signal-arbitraries.ts';

test('an alarm tells what its twin tells, which looks at all readings before each', () => {
  fc.assert(
    fc.property(signal, fc.constantFrom(0, 4), fc.constantFrom(0, 15), (points, held, silence) => {
      const twin: string[] = [];
      let raisedAt = Number.NEGATIVE_INFINITY;
      let raised = false;
      let ended = 0;
      for (const [i, { at, values }] of points.entries()) {
        if (raised) {
          if (values.a < -1) {
            raised = false;
            ended = i + 1;
            twin.push(`${at} cleared`);
          }
          continue;
        }
        if (values.a <= 0) continue;
        // Where the unbroken run of readings above 0 began, not before the alarm last ended.
        let from = i;
        while (from > 0 && points[from - 1]!.values.a > 0 && from > ended) from--;
        if (at - points[from]!.at < held - 1e-9 || at - raisedAt < silence - 1e-9) continue;
        raised = true;
        raisedAt = at;
        twin.push(`${at} raised`);
      }
      const stage = {
        alert: { when: 'reading.a > 0', clear: 'reading.a < -1', for: held * 1000, silence: silence * 1000 },
      };
      const told = run([stage], points)
        .out.filter(({ values }) => 'alarm.state' in values)
        .map(({ at, values }) => `${at} ${String(values['alarm.state'])}`);
      expect(told).toEqual(twin);
    }),
    runs,
  );
});
