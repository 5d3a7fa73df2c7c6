import { expect, test } from 'vitest';
import { memoryLogOf } from '#agent/mesh/raft-log/image.ts';
import { LogStore } from '#agent/mesh/raft-log/log-store.ts';
import type { AppendOrder } from '#agent/mesh/raft-log/port.ts';
import { SqliteDevice } from '#agent/mesh/raft-log/sqlite-device.ts';
import { Crash, faulty, Faults } from '#test/property/buffer/model/fault-database.ts';
import { applied, difference, emptyTwin } from '#test/property/mesh/raft-log/log-twin.ts';
import { SqliteRig } from '#test/unit/mesh/raft-log/sqlite-rig.ts';
import { run, snapshotAt, state } from '#test/unit/mesh/raft-log/storage-compliance.ts';

const append = (write: Partial<AppendOrder>): AppendOrder => ({
  kind: 'append',
  id: 1,
  hardState: null,
  entries: [],
  snapshot: null,
  ...write,
});

/** One of each kind of write; a compaction stands between as its index. */
const script = [
  append({ hardState: state(1, 2, 0), entries: run(1, 4, 1) }),
  append({ hardState: state(2, 3, 2), entries: run(3, 5, 2) }),
  { kind: 'keep-snapshot', id: 1, snapshot: snapshotAt(2, 1) } as const,
  2,
  append({ hardState: state(3, 0, 5) }),
  append({ hardState: state(3, 1, 20), snapshot: snapshotAt(20, 2), entries: run(21, 22, 3) }),
];

const states = script.reduce(
  (all, step) => [...all, typeof step === 'number' ? all.at(-1)! : applied(all.at(-1)!, step)],
  [emptyTwin],
);

/** Carries the script out until it dies; answers how many steps were answered. */
function carryOut(store: LogStore): number {
  let answered = 0;
  try {
    store.open();
    for (const step of script) {
      if (typeof step === 'number') store.compactStep(step);
      else store.write([step]);
      answered++;
    }
  } catch (error) {
    if (!(error instanceof Crash)) throw error;
  }
  return answered;
}

test.each([
  ['before it is carried out', false],
  ['after it was carried out', true],
])('a crash at any statement, %s, leaves what was answered, or one write more', (_, afterwards) => {
  let stood = 0;
  for (let atStatement = 1; ; atStatement++) {
    const rig = new SqliteRig();
    try {
      const faults = new Faults();
      const files = { ...rig.files, open: (n: number) => faulty(rig.files.open(n), faults) };
      faults.set({ kind: 'crash', atStatement, afterwards });
      const answered = carryOut(new LogStore(new SqliteDevice({ files, owner: 'site/1' })));
      if (!faults.struck) break;
      rig.kill();
      faults.set(null);

      const opening = new LogStore(new SqliteDevice({ files: rig.files, owner: 'site/1' })).open();

      if (opening.kind === 'damaged') throw new Error(`statement ${atStatement}: ${opening.damage.reason}`);
      expect(opening.truncation).toBeNull();
      const reader = memoryLogOf(opening.image);
      const bounds = { low: answered > 3 ? 2 : 0, high: answered >= 3 ? 2 : 0 };
      const differences = states
        .slice(answered, answered + 2)
        .map((candidate) => difference(reader, candidate, bounds));
      expect(differences, `statement ${atStatement}`).toContain(null);
      if (differences[0] !== null) stood++;
    } finally {
      rig.remove();
    }
  }
  // Only a commit that was carried out stands without an answer.
  expect(stood > 0).toBe(afterwards);
});
