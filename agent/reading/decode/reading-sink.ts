import { formatCount } from '../../base/words.ts';
import type { BatchBuilder } from '../batch-builder.ts';
import { Quality, type Scalar, type Tags } from '../batch.ts';
import { readTime, type EventTime, type TimeUnit } from '../event-time.ts';
import * as limits from '../limits.ts';
import type { TagTable } from '../tag-table.ts';
import type { DecodeOptions } from './options.ts';
import { qualityOf } from './quality-text.ts';
import { Roles, type Role } from './roles.ts';
import { beyondFixed, checkText, Undecodable } from './undecodable.ts';

/**
 * Where a format's reader puts what it finds: fields, then `finish` for each reading. It gives each field its role,
 * keeps the limits, and writes to the builder when a reading is whole. `share` makes what was set so far
 * part of every following reading of the message.
 */
export class ReadingSink {
  readonly #roles: Roles;
  readonly #timeUnit: TimeUnit;
  readonly #readingsMax: number;
  readonly #valuesMax: number;
  /** The way out for a sender of too much. */
  readonly #inParts: string;
  readonly #tagTable: TagTable;
  /** Names of the reading before and their roles, by position: sensors repeat themselves. */
  readonly #hintNames: string[] = [];
  readonly #hintRoles: Role[] = [];
  #into!: BatchBuilder;
  #topicTags!: Tags;
  #arrivalMicros = 0;
  /** Readings and values of the message so far. */
  #readings = 0;
  #valuesWritten = 0;
  #ownTime = true;
  readonly #names: string[] = [];
  readonly #values: Scalar[] = [];
  readonly #tagValues: (string | undefined)[];
  readonly #now: State = fresh();
  readonly #shared: State = fresh();
  readonly #sharedTagValues: (string | undefined)[];
  readonly #read: EventTime = { micros: 0, nanos: 0 };

  constructor(options: DecodeOptions, tagTable: TagTable) {
    this.#roles = new Roles(options);
    this.#timeUnit = options.time_unit ?? (options.format === 'influx' ? 'ns' : 'auto');
    this.#tagTable = tagTable;
    const lines = options.format === 'ndjson';
    this.#readingsMax = lines ? limits.readingsPerNdjsonLimit : limits.readingsPerMessageLimit;
    this.#valuesMax = lines ? limits.valuesPerNdjsonLimit : limits.valuesPerMessageLimit;
    this.#inParts = lines
      ? 'send it in parts'
      : `send it in parts, or by HTTP as application/x-ndjson (up to ${formatCount(limits.readingsPerNdjsonLimit)} readings)`;
    this.#tagValues = this.#roles.tagNames.map(() => undefined);
    this.#sharedTagValues = [...this.#tagValues];
  }

  get readings(): number {
    return this.#readings;
  }

  /** Whether every reading of the message brought its own time. */
  get ownTime(): boolean {
    return this.#ownTime;
  }

  get topicTags(): Tags {
    return this.#topicTags;
  }

  open(into: BatchBuilder, message: { readonly tags: Tags; readonly arrivalMicros: number }): void {
    this.#into = into;
    this.#topicTags = message.tags;
    this.#arrivalMicros = message.arrivalMicros;
    this.#readings = 0;
    this.#valuesWritten = 0;
    this.#ownTime = true;
    this.unshare();
  }

  field(name: string, value: Scalar): void {
    const position = this.#now.cursor++;
    const role =
      this.#hintNames[position] === name ? this.#hintRoles[position]! : this.#resolve(position, name);
    if (role.kind === 'value') this.#value(role.name, value);
    else if (role.kind !== 'skip') this.#special(role, value);
  }

  /** A time that stands beside the fields; one read from the configured field wins. */
  stamp(text: string): void {
    if (this.#now.timed) return;
    this.#time('timestamp', text);
  }

  /** Tags that stand beside the fields, with those of the topic in them. */
  retag(tags: Tags): void {
    this.#now.tags = tags;
  }

  share(): void {
    restore(this.#shared, this.#now);
    for (const [i, value] of this.#tagValues.entries()) this.#sharedTagValues[i] = value;
  }

  /** Ends what `share` began. */
  unshare(): void {
    restore(this.#shared, empty);
    restore(this.#now, empty);
    this.#tagValues.fill(undefined);
    this.#sharedTagValues.fill(undefined);
  }

  /** @throws {Undecodable} when the reading misses its time or does not fit. */
  finish(): void {
    const now = this.#now;
    if (!now.timed) this.#untimed();
    if (++this.#readings > this.#readingsMax) {
      throw beyondFixed(`${formatCount(this.#readingsMax)} readings in one message`, this.#inParts);
    }
    this.#valuesWritten += now.count;
    if (this.#valuesWritten > this.#valuesMax) {
      throw beyondFixed(`${formatCount(this.#valuesMax)} values in one message`, this.#inParts);
    }
    const tags = now.tagged ? this.#fieldTags(now.tags ?? this.#topicTags) : (now.tags ?? this.#topicTags);
    const { timeMicros, timeNanos, quality, count } = now;
    const into = this.#into;
    into.begin({ tags, timeMicros, timeNanos, quality, arrived: !now.timed });
    for (let i = 0; i < count; i++) {
      if (!into.set(this.#names[i]!, this.#values[i]!)) {
        throw new Undecodable(
          'columns',
          `no room for column ${this.#names[i]} beside ${into.columnsLimit} others`,
        );
      }
    }
    if (into.cells > limits.cellsPerBatchLimit) this.#overfull();
    restore(now, this.#shared);
    if (this.#roles.tagNames.length > 0) {
      for (const [i, value] of this.#sharedTagValues.entries()) this.#tagValues[i] = value;
    }
  }

  /** An empty batch may hold it, where this one has readings of other messages. */
  #overfull(): never {
    const alone = this.#into.length <= this.#readings;
    throw new Undecodable(
      alone ? 'limit' : 'columns',
      `${this.#readings} readings of many names take more than ${limits.cellsPerBatchLimit} cells, a fixed limit: send them in parts`,
    );
  }

  #value(name: string, value: Scalar): void {
    const i = this.#now.count++;
    if (i >= limits.fieldsPerReadingLimit) {
      throw beyondFixed(
        `${limits.fieldsPerReadingLimit} fields in one reading`,
        'split it into several readings',
      );
    }
    if (typeof value === 'string') checkLength(name, value);
    this.#names[i] = name;
    this.#values[i] = value;
  }

  #special(role: Role, value: Scalar): void {
    if (role.kind === 'time') this.#time(role.name, value);
    else if (role.kind === 'quality') this.#now.quality = qualityOf(value);
    else {
      const text = value instanceof Uint8Array ? hex(value) : String(value);
      if (text.length > limits.tagValueLengthLimit) {
        throw new Undecodable(
          'limit',
          `tag ${role.name} has ${text.length} characters, at most ${limits.tagValueLengthLimit} are taken`,
        );
      }
      checkText(text, `tag ${role.name}`);
      this.#tagValues[role.index] = text;
      this.#now.tagged = true;
    }
  }

  #time(name: string, value: Scalar): void {
    const problem = readTime(value, this.#timeUnit, this.#read);
    if (problem !== null) throw new Undecodable('time', `${name}: ${problem}`);
    if (Math.abs(this.#read.micros) > limits.payloadMicrosLimit)
      throw new Undecodable('time', `${name}: the time is out of range (years 1716 to 2223)`);
    this.#now.timed = true;
    this.#now.timeMicros = this.#read.micros;
    this.#now.timeNanos = this.#read.nanos;
  }

  #untimed(): void {
    if (this.#roles.timeName !== null) {
      throw new Undecodable('time', `${this.#roles.timeName} is missing in reading ${this.#readings + 1}`);
    }
    this.#ownTime = false;
    this.#now.timeMicros = this.#arrivalMicros;
    this.#now.timeNanos = 0;
  }

  #fieldTags(base: Tags): Tags {
    const { tagNames } = this.#roles;
    const values = this.#tagValues;
    let key = values[0] ?? '';
    if (tagNames.length > 1) {
      key = '';
      for (const value of values) key += value === undefined ? '-' : `${value.length}:${value}`;
    }
    return this.#tagTable.derive(base, key, () =>
      tagNames.flatMap((name, i) => {
        const value = values[i];
        return value === undefined ? [] : [[name, value] as const];
      }),
    );
  }

  #resolve(position: number, name: string): Role {
    const role = this.#roles.roleOf(name);
    if (position < limits.nameHintsLimit) {
      this.#hintNames[position] = role.path;
      this.#hintRoles[position] = role;
    }
    return role;
  }
}

/** The part of a reading under construction that `share` keeps. */
interface State {
  /** Fields seen, also those without a column. */
  cursor: number;
  /** Values held. */
  count: number;
  timed: boolean;
  timeMicros: number;
  timeNanos: number;
  quality: Quality;
  tagged: boolean;
  tags: Tags | null;
}

function fresh(): State {
  return {
    cursor: 0,
    count: 0,
    timed: false,
    timeMicros: 0,
    timeNanos: 0,
    quality: Quality.good,
    tagged: false,
    tags: null,
  };
}

const empty: Readonly<State> = Object.freeze(fresh());

function restore(to: State, from: Readonly<State>): void {
  to.cursor = from.cursor;
  to.count = from.count;
  to.timed = from.timed;
  to.timeMicros = from.timeMicros;
  to.timeNanos = from.timeNanos;
  to.quality = from.quality;
  to.tagged = from.tagged;
  to.tags = from.tags;
}

function checkLength(name: string, text: string): void {
  checkText(text, name);
  if (text.length <= limits.textLengthLimit) return;
  throw new Undecodable(
    'limit',
    `${name} is a text of ${text.length} characters, at most ${limits.textLengthLimit} are taken`,
  );
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
