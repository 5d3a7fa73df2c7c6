import type { Database, SqlValue } from '../ports/database.ts';
import type { Cursor } from './cursor.ts';
import { settledBy, type Claim } from './doubt.ts';
import type { Budget } from './memory.ts';
import type { Level } from './rungs/levels.ts';
import { ledgerKey, type LedgerAccount, type StreamState } from './stream-state.ts';

/**
 * What a transaction changed in the mirror. Each row is written once, before the commit, however often it changed: a group of a
 * thousand appends costs one row an account.
 */
export class Changes {
  readonly #streams = new Set<StreamState>();
  readonly #cursors = new Map<Cursor, StreamState>();
  readonly #ledger = new Map<StreamState, Set<string>>();
  readonly #budgets = new Map<string, Budget>();
  readonly #rungs = new Map<StreamState, Set<Level>>();

  stream(stream: StreamState): void {
    this.#streams.add(stream);
  }

  rung(stream: StreamState, level: Level): void {
    let levels = this.#rungs.get(stream);
    if (levels === undefined) this.#rungs.set(stream, (levels = new Set()));
    levels.add(level);
  }

  cursor(stream: StreamState, cursor: Cursor): void {
    this.#cursors.set(cursor, stream);
  }

  account(stream: StreamState, entry: { account: LedgerAccount; rule: string; count: number }): void {
    if (entry.count === 0) return;
    const key = ledgerKey(entry.account, entry.rule);
    stream.ledger.set(key, (stream.ledger.get(key) ?? 0) + entry.count);
    let keys = this.#ledger.get(stream);
    if (keys === undefined) this.#ledger.set(stream, (keys = new Set()));
    keys.add(key);
  }

  budget(uplink: string, budget: Budget): void {
    this.#budgets.set(uplink, budget);
  }

  write(db: Database): void {
    for (const stream of this.#streams) {
      db.prepare(
        `UPDATE streams SET priority = ?, head = ?, blocks = ?, block_readings = ?, block_bytes = ?, eras = ? WHERE id = ?`,
      ).run(
        stream.priority,
        stream.head,
        stream.blocks,
        stream.blockReadings,
        stream.blockBytes,
        JSON.stringify([...stream.blockEras]),
        stream.id,
      );
    }
    for (const [cursor, stream] of this.#cursors) writeCursor(db, stream, cursor);
    this.#writeLedger(db);
    this.#writeRungs(db);
    for (const [uplink, { day, bytes }] of this.#budgets) {
      db.prepare('INSERT OR REPLACE INTO uplinks VALUES (?, ?, ?)').run(uplink, day, bytes);
    }
  }

  /** Many rows a statement: a group of appends to many streams writes as many accounts as readings. */
  #writeLedger(db: Database): void {
    let values: SqlValue[] = [];
    for (const [stream, keys] of this.#ledger) {
      for (const key of keys) {
        const space = key.indexOf(' ');
        values.push(stream.id, key.slice(0, space), key.slice(space + 1), stream.ledger.get(key) ?? 0);
        if (values.length < 4 * accountsTogether) continue;
        db.prepare(upsertMany).run(...values);
        values = [];
      }
    }
    const one = db.prepare(upsertOne);
    for (let at = 0; at < values.length; at += 4) one.run(...values.slice(at, at + 4));
  }

  #writeRungs(db: Database): void {
    for (const [stream, levels] of this.#rungs) {
      for (const level of levels) {
        const rung = stream.rungs.get(level);
        if (rung === undefined) continue;
        db.prepare('INSERT OR REPLACE INTO rungs VALUES (?, ?, ?, ?, ?, ?)').run(
          stream.id,
          level,
          rung.blocks,
          rung.readings,
          rung.summaries,
          rung.bytes,
        );
      }
    }
  }

  claims(): Claim[] {
    const claims: Claim[] = [];
    for (const [stream, keys] of this.#ledger) {
      for (const key of keys) {
        claims.push({ kind: 'account', stream: stream.name, key, count: stream.ledger.get(key) ?? 0 });
      }
    }
    for (const [cursor, stream] of this.#cursors) {
      claims.push({
        kind: 'cursor',
        stream: stream.name,
        uplink: cursor.uplink,
        settled: settledBy(cursor),
      });
    }
    for (const [uplink, budget] of this.#budgets) claims.push({ kind: 'budget', uplink, budget });
    return claims;
  }

  clear(): void {
    this.#streams.clear();
    this.#cursors.clear();
    this.#ledger.clear();
    this.#budgets.clear();
    this.#rungs.clear();
  }
}

/** Beyond it a statement costs more to bind than it saves. */
const accountsTogether = 16;

function upsertAccounts(rows: number): string {
  const row = '(?, ?, ?, ?)';
  const all = Array.from({ length: rows }, () => row).join(', ');
  return `INSERT INTO ledger VALUES ${all} ON CONFLICT DO UPDATE SET count = excluded.count`;
}

const upsertOne = upsertAccounts(1);
const upsertMany = upsertAccounts(accountsTogether);

function writeCursor(db: Database, stream: StreamState, cursor: Cursor): void {
  db.prepare('INSERT OR REPLACE INTO cursors VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)').run(
    cursor.uplink,
    stream.id,
    cursor.start,
    cursor.base,
    JSON.stringify(cursor.settled),
    cursor.delivered,
    cursor.refused,
    cursor.dropped,
    cursor.parked ? 1 : 0,
  );
}
