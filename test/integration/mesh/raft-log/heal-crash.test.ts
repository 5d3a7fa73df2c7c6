import { expect, test } from 'vitest';
import { LogStore } from '#agent/mesh/raft-log/log-store.ts';
import { SqliteDevice } from '#agent/mesh/raft-log/sqlite-device.ts';
import { Crash, faulty, Faults } from '#test/property/buffer/model/fault-database.ts';
import { SqliteRig } from '#test/unit/mesh/raft-log/sqlite-rig.ts';
import { run, snapshotAt, state } from '#test/unit/mesh/raft-log/storage-compliance.ts';

const storeOf = (rig: SqliteRig): LogStore =>
  new LogStore(new SqliteDevice({ files: rig.files, owner: 'site/1' }));

function onFolder<T>(body: (rig: SqliteRig) => T): T {
  const rig = new SqliteRig();
  try {
    return body(rig);
  } finally {
    rig.remove();
  }
}

test('a crash at any statement of healing leaves the damaged log or the healed one, never an empty one', () => {
  const healed = { hardState: state(2, 3, 9), before: { index: 9, term: 2 } };
  const outcomes = new Set<string>();
  for (let atStatement = 1; ; atStatement++) {
    const struck = onFolder((rig) => {
      const faults = new Faults();
      const files = { ...rig.files, open: (n: number) => faulty(rig.files.open(n), faults) };
      const store = new LogStore(new SqliteDevice({ files, owner: 'site/1' }));
      store.open();
      const hardState = state(2, 3, 4);
      store.write([{ kind: 'append', id: 1, hardState, entries: run(1, 6, 2), snapshot: null }]);
      store.close();
      rig.change('DELETE FROM entries WHERE idx = 2');
      const damage = store.open();
      faults.set({ kind: 'crash', atStatement, afterwards: atStatement % 2 === 0 });
      try {
        store.heal(snapshotAt(9, 2), { ballot: { term: 2, vote: state(2, 3, 0).vote }, doubt: 0 });
        store.open();
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
      }
      rig.kill();
      const { struck } = faults;
      faults.set(null);

      const opening = storeOf(rig).open();

      outcomes.add(opening.kind);
      if (opening.kind === 'damaged') expect(opening).toEqual(damage);
      else expect(opening.image).toMatchObject(healed);
      return struck;
    });
    if (!struck) break;
  }
  expect([...outcomes].sort()).toEqual(['damaged', 'sound']);
});
