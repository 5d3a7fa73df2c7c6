import {
  DiskError,
  type Database,
  type DiskTrouble,
  type SqlValue,
  type Statement,
} from '#agent/ports/database.ts';

/** The process is gone: nothing below may be used any more. */
export class Crash extends Error {
  override readonly name = 'Crash';
}

/** What goes wrong, and at which statement from now on (1 is the next one), or at the next commit, where most can go wrong. */
export interface Fault {
  readonly kind: 'crash' | DiskTrouble;
  readonly atStatement: number | 'commit';
  /** The statement is carried out before it fails: a commit that stands although its answer is lost. */
  readonly afterwards: boolean;
  /** How many statements in a row fail; the later ones before they are carried out. A crash needs no more than one. */
  readonly lasting?: number;
}

/** Counts statements over all connections of a run, and lets one of them fail. */
export class Faults {
  statements = 0;
  /** The fault struck since it was set. */
  struck = false;
  #fault: Fault | null = null;
  #dead = false;
  /** Number of the statement at which the fault begins; null until that is known. */
  #begin: number | null = null;

  set(fault: Fault | null): void {
    this.#fault = fault;
    this.statements = 0;
    this.struck = false;
    this.#dead = false;
    this.#begin = fault === null || fault.atStatement === 'commit' ? null : fault.atStatement;
  }

  get mayStrike(): boolean {
    return this.#fault !== null;
  }

  get mayCrash(): boolean {
    return this.#fault?.kind === 'crash';
  }

  run<T>(statement: () => T, sql = ''): T {
    if (this.#dead) throw new Crash('dead');
    this.statements++;
    const fault = this.#fault;
    if (fault?.atStatement === 'commit' && sql === 'COMMIT') this.#begin ??= this.statements;
    const late = this.#begin === null ? -1 : this.statements - this.#begin;
    if (fault === null || late < 0 || late >= (fault.lasting ?? 1)) return statement();
    this.struck = true;
    // A full device fails before it writes; only a crash or a failing sync can leave the change behind.
    if (late === 0 && fault.afterwards && fault.kind !== 'full' && fault.kind !== 'busy') statement();
    if (fault.kind === 'crash') {
      this.#dead = true;
      throw new Crash(`at statement ${fault.atStatement}`);
    }
    throw new DiskError(fault.kind, `injected ${fault.kind}`);
  }
}

/** A database whose statements pass through {@link Faults}. Closing always works: it is what the end of a process does. */
export function faulty(database: Database, faults: Faults): Database {
  return {
    exec: (sql) => faults.run(() => database.exec(sql), sql),
    pragma: (text) => faults.run(() => database.pragma(text)),
    close: () => database.close(),
    prepare: <Row = Record<string, SqlValue>>(sql: string): Statement<Row> => {
      const statement = database.prepare<Row>(sql);
      return {
        run: (...parameters) => faults.run(() => statement.run(...parameters)),
        get: (...parameters) => faults.run(() => statement.get(...parameters)),
        all: (...parameters) => faults.run(() => statement.all(...parameters)),
      };
    },
  };
}
