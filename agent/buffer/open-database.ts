import { SedgeError } from '../base/errors.ts';
import { DiskError, type Database } from '../ports/database.ts';
import { openSchema } from './schema.ts';
import type { StoreOptions } from './store-core.ts';

export interface OpenedDatabase {
  readonly db: Database;
  readonly epoch: string;
}

/** Opens the database, created or brought up to date where needed. @throws {DiskError} @throws {SedgeError} */
export function openDatabase(options: StoreOptions): OpenedDatabase {
  try {
    return attempt(options);
  } catch (error) {
    // A device so full that an older database can not be brought up to date: the reserve is the last resort.
    const full = error instanceof DiskError && error.trouble === 'full';
    if (!full || options.space.reserveBytes() === 0) throw inWords(error);
    options.space.releaseReserve();
  }
  try {
    return attempt(options);
  } catch (error) {
    throw inWords(error);
  }
}

function attempt({ open, agent, entropy }: StoreOptions): OpenedDatabase {
  const db = open();
  try {
    return { db, epoch: openSchema(db, { agent, entropy }) };
  } catch (error) {
    db.close();
    throw error;
  }
}

/** What opening met, as the operator needs it; a device that fails stays weather. */
export function inWords(error: unknown): unknown {
  if (!(error instanceof DiskError)) return error;
  if (error.trouble === 'busy') {
    return new SedgeError('SEDGE_DATA_LOCKED', `the buffer is in use: ${error.message}`, { cause: error });
  }
  if (error.trouble === 'corrupt') {
    return new SedgeError('SEDGE_DATA_CORRUPT', `the buffer can not be opened: ${error.message}`, {
      cause: error,
      hint: 'keep the file for study, move it away, and start with an empty buffer',
    });
  }
  return error;
}
