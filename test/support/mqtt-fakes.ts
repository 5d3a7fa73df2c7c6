import { micros, millis, type Millis } from '#agent/base/units.ts';
import type { Alarm, Clock } from '#agent/ports/clock.ts';
import type { AppendOutcome, Unstorable } from '#agent/ports/store.ts';
import type { Telemetry } from '#agent/ports/telemetry.ts';
import type { DeliveryMark, JournalEntry } from '#agent/reading/journal-entry.ts';
import { encodeMarks } from '#agent/reading/mark-bytes.ts';
import type {
  Arrival,
  DeadLetter,
  DeadLetters,
  Decoder,
  InletPeer,
  Router,
  StreamPlan,
} from '#agent/ingest/arrival.ts';
import { selectRows as selectRowsOf, type Batch } from '#agent/reading/batch.ts';
import { Intake } from '#agent/ingest/intake.ts';
import { MarkKeeper } from '#agent/ingest/mark-keeper.ts';

/** A clock that moves when told. */
export class ManualClock implements Clock {
  #now = 0;
  #alarms: { at: number; wake: () => void }[] = [];

  monotonic(): Millis {
    return millis(this.#now);
  }

  wall(): ReturnType<Clock['wall']> {
    return micros(1_700_000_000_000_000 + this.#now * 1000);
  }

  after(delay: Millis, wake: () => void): Alarm {
    const alarm = { at: this.#now + delay, wake };
    this.#alarms.push(alarm);
    return {
      cancel: () => {
        this.#alarms = this.#alarms.filter((one) => one !== alarm);
      },
    };
  }

  get alarms(): number {
    return this.#alarms.length;
  }

  advance(ms: number): void {
    this.#now += ms;
    const due = this.#alarms.filter((alarm) => alarm.at <= this.#now);
    this.#alarms = this.#alarms.filter((alarm) => alarm.at > this.#now);
    for (const alarm of due) alarm.wake();
  }
}

/** Counts and remembers. */
export class RecordingTelemetry implements Telemetry {
  readonly counters = new Map<string, number>();
  readonly events: string[] = [];

  log(_level: string, event: string): void {
    this.events.push(event);
  }

  count(name: string, _labels?: unknown, by = 1): void {
    this.counters.set(name, (this.counters.get(name) ?? 0) + by);
  }

  gauge(): void {}

  observe(): void {}
}

/** A store whose appends are answered by the test. */
export class ScriptedStore {
  readonly appendBytesMax = 4 * 1_048_576;
  readonly calls: {
    entries: readonly JournalEntry[];
    urgent: boolean;
    answer: (outcome: AppendOutcome) => Promise<void>;
  }[] = [];
  /** A text that begins with `huge` is too large. */
  unstorable({ columns }: Batch): Unstorable | null {
    const texts = columns.flatMap((column) => (column.kind === 'text' ? column.values : []));
    const index = texts.findIndex((text) => text.startsWith('huge'));
    return index < 0 ? null : { index, bytes: 300_000, bytesMax: 262_144 };
  }
  /** Entries of the appends answered `ok`, in that order. */
  readonly stored: JournalEntry[] = [];

  append(
    entries: readonly JournalEntry[],
    { urgent }: { readonly urgent: boolean } = { urgent: false },
  ): Promise<AppendOutcome> {
    return new Promise((resolve) => {
      const answer = async (outcome: AppendOutcome): Promise<void> => {
        if (outcome.ok) this.stored.push(...entries);
        this.calls.splice(this.calls.indexOf(call), 1);
        resolve(outcome);
        await flushPromises();
      };
      const call = { entries, urgent, answer };
      this.calls.push(call);
    });
  }

  async answerAll(outcome: AppendOutcome = { ok: true }): Promise<void> {
    for (const call of this.calls.slice()) await call.answer(outcome);
  }
}

export async function flushPromises(): Promise<void> {
  for (let i = 0; i < 5; i++) await Promise.resolve();
}

export const full: AppendOutcome = { ok: false, trouble: 'full', message: 'no room' };

/** Turns are run by the test. */
export class ManualScheduler {
  #turns: (() => void)[] = [];

  readonly defer = (turn: () => void): void => {
    this.#turns.push(turn);
  };

  get pending(): number {
    return this.#turns.length;
  }

  run(): void {
    while (this.#turns.length > 0) this.#turns.shift()!();
  }
}

/** Reads the payload as text: `bad…` is undecodable, anything else is one reading whose `value` is the text. */
export const textDecoder: Decoder = {
  decode(message, into) {
    const text = Buffer.from(message.payload).toString();
    if (text.startsWith('bad')) return { ok: false, reason: 'syntax', detail: `cannot read ${text}` };
    into.begin({ tags: message.tags, timeMicros: message.arrivalMicros });
    into.set('value', text);
    return { ok: true, readings: 1, ownTime: !text.startsWith('late') };
  },
};

/** Drops readings whose value starts with `drop`. */
const dropping: StreamPlan['preprocess'] = {
  process(batch) {
    const kept = Array.from({ length: batch.length }, (_, row) => row).filter((row) => {
      const column = batch.columns[0];
      return column?.kind !== 'text' || !column.values[row]!.startsWith('drop');
    });
    const rows = Uint32Array.from(kept);
    const batchKept = selectRowsOf(batch, rows);
    const dropped = batch.length - rows.length;
    return {
      outputs: rows.length > 0 ? [{ stream: batch.stream, batch: batchKept }] : [],
      filtered: dropped > 0 ? [{ rule: '0:drop', count: dropped }] : [],
    };
  },
};

export function plan(name: string, clock: StreamPlan['clock'] = 'agent'): StreamPlan {
  return { name, decoder: textDecoder, preprocess: dropping, clock };
}

/** `a/…` goes to stream a, `b/…` to b, `both/…` to both, anything else nowhere. */
export const router: Router = {
  routes(_source, topic) {
    const first = topic.split('/')[0];
    if (first === 'both') return [routeA, routeB];
    return first === 'a' ? [routeA] : first === 'b' ? [routeB] : [];
  },
};
const routeA = { stream: 'a', tags: {} };
const routeB = { stream: 'b', tags: {} };

export class ListedDeadLetters implements DeadLetters {
  readonly stream = '_dead_letter';
  readonly letters: DeadLetter[] = [];

  offer(letter: DeadLetter): void {
    this.letters.push(letter);
  }

  take(): null {
    return null;
  }
}

export interface TestArrival extends Arrival {
  readonly id: number;
}

let lastId = 0;

export function arrival(topic: string, text: string, more: Partial<TestArrival> = {}): TestArrival {
  return {
    kind: 'message',
    topic,
    payload: Buffer.from(text),
    arrivalMicros: 1,
    stream: null,
    format: null,
    mark: null,
    ownTime: false,
    progress: 'offered',
    verdict: 'waiting',
    detail: '',
    id: ++lastId,
    ...more,
  };
}

export class RecordingPeer implements InletPeer<TestArrival> {
  readonly settledIds: number[] = [];
  readonly verdicts: string[] = [];
  paused = false;

  settled(arrivals: readonly TestArrival[]): void {
    this.settledIds.push(...arrivals.map((one) => one.id));
    this.verdicts.push(...arrivals.map((one) => one.verdict));
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }
}

export interface IntakeRig {
  readonly intake: Intake;
  readonly store: ScriptedStore;
  readonly clock: ManualClock;
  readonly telemetry: RecordingTelemetry;
  readonly scheduler: ManualScheduler;
  readonly deadLetters: ListedDeadLetters;
}

export function intakeRig(plans: readonly StreamPlan[] = [plan('a'), plan('b')]): IntakeRig {
  const store = new ScriptedStore();
  const clock = new ManualClock();
  const telemetry = new RecordingTelemetry();
  const scheduler = new ManualScheduler();
  const deadLetters = new ListedDeadLetters();
  const intake = new Intake({ store, router, plans, deadLetters, clock, telemetry, defer: scheduler.defer });
  return { intake, store, clock, telemetry, scheduler, deadLetters };
}

/** The text values stored in one stream, in order. */
/** A keeper over a store that holds these marks. */
export function keeperOf(marks: readonly DeliveryMark[]): MarkKeeper {
  const runs = new Map(encodeMarks(marks).map(({ source, bytes }) => [source, bytes]));
  return new MarkKeeper((source) => Promise.resolve(runs.get(source) ?? new Uint8Array(0)));
}

export function storedTexts(entries: readonly JournalEntry[], stream: string): string[] {
  return entries.flatMap((entry) =>
    entry.stream === stream && entry.batch !== null
      ? entry.batch.columns.flatMap((column) => (column.kind === 'text' ? column.values.slice() : []))
      : [],
  );
}
