import { assert } from '../base/assert.ts';
import type { Micros } from '../base/units.ts';
import { micros } from '../base/units.ts';
import type { Batch } from '../reading/batch.ts';
import type { FilteredCount, SavedState } from '../reading/journal-entry.ts';
import { tapsMax } from './limits.ts';
import { readSnapshot, writeSnapshot } from './snapshot.ts';
import { type Restored, StateLog } from './state-log.ts';
import type {
  Command,
  Stage,
  StageContext,
  StageNote,
  StageOutput,
  StageState,
  StreamBatch,
} from './stage.ts';

/** Invariant: readings in + derived === sum of the outputs of the pipeline's own stream + sum(filtered.count). */
export interface PipelineOutput {
  /** Readings that stages added to the pipeline's own stream, see {@link StageOutput}. Absent: 0. */
  readonly derived?: number;
  /** Absent: none. */
  readonly commands?: readonly Command[];
  /** The pipeline's own stream first, when anything is left of it; then what stages derived for other streams. */
  readonly outputs: readonly StreamBatch[];
  /** Each rule once, counts > 0. */
  readonly filtered: readonly FilteredCount[];
  readonly notes: readonly StageNote[];
}

/** Sees what leaves a stage. It must neither change nor keep the batch's arrays, and not throw. */
export type TapListener = (tapped: {
  readonly batch: Batch | null;
  readonly filtered: readonly FilteredCount[];
}) => void;

interface Tap {
  /** Stage index; -1 for what enters. */
  readonly after: number;
  readonly listener: TapListener;
}

const nothing: readonly never[] = [];

/** The stages of one stream in order. Synchronous, without clock; what it remembers is in its stages. */
export class Pipeline {
  readonly stream: string;
  /** Other streams that stages want to see. */
  readonly listensTo: ReadonlySet<string>;
  readonly #stages: readonly Stage[];
  readonly #fingerprints: readonly string[];
  readonly #needsEventTime: boolean;
  readonly #log: StateLog;
  #eventMicrosMax = Number.NEGATIVE_INFINITY;
  /** Something was processed since state was asked for. */
  #changed = false;
  /** Null when nobody listens: the only price of taps is this comparison. */
  #taps: Tap[] | null = null;

  /** `fingerprints` say which saved state fits which stage: equal text, equal meaning. One a stage. */
  constructor(options: { stream: string; stages: readonly Stage[]; fingerprints: readonly string[] }) {
    assert(options.stages.length === options.fingerprints.length, 'one fingerprint a stage');
    this.stream = options.stream;
    this.#stages = options.stages;
    this.#fingerprints = options.fingerprints;
    this.listensTo = new Set(
      options.stages.flatMap(({ listensTo }) => (listensTo === undefined ? [] : [listensTo])),
    );
    this.#log = new StateLog(options.stages, options.fingerprints);
    this.#needsEventTime = options.stages.some((stage) => stage.needsEventTime === true);
  }

  /** Names of the stages in order, as accounts show them. */
  get rules(): readonly string[] {
    return this.#stages.map((stage) => stage.rule);
  }

  /** Shows stages that listen to it what another stream's pipeline gave out. */
  observe(stream: string, batch: Batch): void {
    this.#changed = true;
    for (const stage of this.#stages) if (stage.listensTo === stream) stage.observe?.(batch);
  }

  process(batch: Batch, nowMicros: Micros): PipelineOutput {
    if (this.#stages.length === 0 && this.#taps === null) {
      return {
        outputs: batch.length === 0 ? nothing : [{ stream: this.stream, batch }],
        filtered: nothing,
        notes: nothing,
      };
    }
    this.#changed = true;
    if (this.#needsEventTime) this.#observeEventTime(batch);
    if (this.#taps !== null) this.#offer(-1, batch, nothing);
    return this.#run(batch.length === 0 ? null : batch, 0, this.#context(nowMicros), new Gathered());
  }

  /** The earliest wall clock at which a stage wants `tick`, or null. */
  nextDeadline(): Micros | null {
    let earliest: Micros | null = null;
    for (const stage of this.#stages) {
      const deadline = stage.nextDeadline?.() ?? null;
      if (deadline !== null && (earliest === null || deadline < earliest)) earliest = deadline;
    }
    return earliest;
  }

  /** Lets stages whose deadline has come act; what they release runs through the stages after them. */
  tick(nowMicros: Micros): PipelineOutput {
    return this.#release(nowMicros, (stage, _index, context) => {
      const deadline = stage.nextDeadline?.() ?? null;
      return deadline === null || deadline > nowMicros ? undefined : stage.tick?.(context);
    });
  }

  /** Lets stages give out all that they hold, each through those after it, but for those that go on under one of these fingerprints. */
  part(goingOn: ReadonlySet<string>, nowMicros: Micros): PipelineOutput {
    return this.#release(nowMicros, (stage, index, context) =>
      goingOn.has(this.#fingerprints[index]!) ? undefined : stage.flush?.(context),
    );
  }

  /** `of`: what a stage releases; undefined: nothing is asked of it. */
  #release(
    nowMicros: Micros,
    of: (stage: Stage, index: number, context: StageContext) => StageOutput | undefined,
  ): PipelineOutput {
    const gathered = new Gathered();
    const mains: StreamBatch[] = [];
    const context = this.#context(nowMicros);
    for (const [index, stage] of this.#stages.entries()) {
      const output = of(stage, index, context);
      if (output === undefined) continue;
      this.#changed = true;
      gathered.add(output);
      if (this.#taps !== null) this.#offer(index, output.main, output.filtered ?? nothing);
      const rest = this.#run(output.main, index + 1, context, gathered, false);
      mains.push(...rest.outputs);
    }
    return gathered.finish(mains);
  }

  /** Returns the way to stop. @throws {Bug} beyond the bound on listeners, which the caller checks with `tapsFree`. */
  tap(after: number, listener: TapListener): () => void {
    assert(this.tapsFree > 0, 'a tap is free');
    assert(after >= -1 && after < this.#stages.length, 'the tap is at a stage');
    const tap: Tap = { after, listener };
    this.#taps = [...(this.#taps ?? []), tap];
    return () => {
      const left = this.#taps?.filter((other) => other !== tap) ?? [];
      this.#taps = left.length === 0 ? null : left;
    };
  }

  get tapsFree(): number {
    return tapsMax - (this.#taps?.length ?? 0);
  }

  /** State of all stages; a pipeline restored from it answers as this one would. */
  snapshot(): Uint8Array<ArrayBuffer> {
    const states = this.#stages.map((stage, i) => ({
      fingerprint: this.#fingerprints[i]!,
      state: stage.snapshot?.() ?? null,
    }));
    return writeSnapshot({ eventMicrosMax: this.#eventMicrosMax, states });
  }

  /**
   * Gives every stage the state saved under its fingerprint; stages that changed start empty. The answer names both; null when
   * the bytes are no snapshot, and every stage then starts empty.
   */
  restore(
    bytes: Uint8Array,
  ): { readonly restored: readonly string[]; readonly empty: readonly string[] } | null {
    const saved = readSnapshot(bytes);
    const restored: string[] = [];
    const empty: string[] = [];
    const states = new Map(saved?.states.map(({ fingerprint, state }) => [fingerprint, state]));
    for (const [i, stage] of this.#stages.entries()) {
      if (stage.restore === undefined) continue;
      const state = states.get(this.#fingerprints[i]!) ?? null;
      const fits = state !== null ? stage.restore(state) : (stage.restore(new Uint8Array(0)), false);
      (fits ? restored : empty).push(stage.rule);
    }
    if (saved === null) return null;
    this.#eventMicrosMax = saved.eventMicrosMax;
    return { restored, empty };
  }

  /** Whether a crash loses nothing of some stage. What it gives out must then be stored in the order it was given. */
  get isDurable(): boolean {
    return this.#log.isDurable;
  }

  /**
   * What is to be stored together with what was given out since the last call, at most `bytesMax`; null: nothing. Rules whose state
   * has no room are named by `stateLeftOut`.
   */
  changes(bytesMax: number): SavedState | null {
    if (!this.#changed) return null;
    this.#changed = false;
    return this.#log.changes(this.#eventMicrosMax, bytesMax);
  }

  /** All of the state, for a clean stop. Null: there is none. */
  whole(bytesMax: number): SavedState | null {
    this.#changed = false;
    return this.#log.whole(this.#eventMicrosMax, bytesMax);
  }

  get stateLeftOut(): readonly string[] {
    return this.#log.leftOut;
  }

  /** Goes on from what `changes` and `whole` gave and was stored, oldest first. Call before anything is processed. */
  resume(saved: readonly SavedState[]): Restored {
    const restored = this.#log.restore(saved);
    this.#eventMicrosMax = restored.eventMicrosMax;
    if (this.#log.isFullDue) this.#changed = true;
    return restored;
  }

  /**
   * Goes on, as far as stages are the same, for a pipeline whose state is stored: the next state is a full one. Answers what the stages give out that
   * are not there any more.
   */
  succeed(earlier: Pipeline, nowMicros: Micros): PipelineOutput {
    const parting = earlier.part(new Set(this.#fingerprints), nowMicros);
    this.restore(earlier.snapshot());
    this.#changed = true;
    this.#log.begin();
    return parting;
  }

  /** Whether every stage of the other is here too, with the same config. */
  covers(other: Pipeline): boolean {
    return other.#fingerprints.every((one) => this.#fingerprints.includes(one));
  }

  /** Whether a stage takes over what was saved under this. */
  has(fingerprint: string): boolean {
    return this.#fingerprints.includes(fingerprint);
  }

  /** State of every stage that keeps some. */
  inspect(): readonly (StageState & { readonly rule: string })[] {
    return this.#stages.flatMap((stage) =>
      stage.inspect === undefined ? [] : [{ rule: stage.rule, ...stage.inspect() }],
    );
  }

  #run(
    input: Batch | null,
    from: number,
    context: StageContext,
    gathered: Gathered,
    finish = true,
  ): PipelineOutput {
    let main = input;
    for (let index = from; index < this.#stages.length; index++) {
      if (main === null) break;
      const output = this.#stages[index]!.process(main, context);
      gathered.add(output);
      main = output.main;
      if (this.#taps !== null) this.#offer(index, main, output.filtered ?? nothing);
    }
    const mains = main === null ? [] : [{ stream: this.stream, batch: main }];
    return finish ? gathered.finish(mains) : { outputs: mains, filtered: nothing, notes: nothing };
  }

  #context(nowMicros: Micros): StageContext {
    return { nowMicros: micros(nowMicros), eventMicrosMax: this.#eventMicrosMax };
  }

  #observeEventTime(batch: Batch): void {
    for (const time of batch.timeMicros) if (time > this.#eventMicrosMax) this.#eventMicrosMax = time;
  }

  #offer(after: number, batch: Batch | null, filtered: readonly FilteredCount[]): void {
    for (const tap of this.#taps ?? []) if (tap.after === after) tap.listener({ batch, filtered });
  }
}

/** Side outputs, accounts and notes of one pass. Rules are distinct by stage, so only ticks add one rule twice. */
class Gathered {
  #into: StreamBatch[] | null = null;
  #filtered: FilteredCount[] | null = null;
  #notes: StageNote[] | null = null;
  #commands: Command[] | null = null;
  #derived = 0;

  add(output: StageOutput): void {
    if (output.derived !== undefined) this.#derived += output.derived;
    if (output.commands !== undefined) (this.#commands ??= []).push(...output.commands);
    if (output.into !== undefined) (this.#into ??= []).push(...output.into);
    if (output.filtered !== undefined) (this.#filtered ??= []).push(...output.filtered);
    if (output.notes !== undefined) (this.#notes ??= []).push(...output.notes);
  }

  finish(mains: readonly StreamBatch[]): PipelineOutput {
    return {
      outputs: this.#into === null ? mains : [...mains, ...this.#into],
      filtered: this.#filtered === null ? nothing : merged(this.#filtered),
      notes: this.#notes ?? nothing,
      ...(this.#derived === 0 ? {} : { derived: this.#derived }),
      ...(this.#commands === null ? {} : { commands: this.#commands }),
    };
  }
}

function merged(counts: readonly FilteredCount[]): readonly FilteredCount[] {
  const byRule = new Map<string, number>();
  for (const { rule, count } of counts) byRule.set(rule, (byRule.get(rule) ?? 0) + count);
  if (byRule.size === counts.length) return counts;
  return Array.from(byRule, ([rule, count]) => ({ rule, count }));
}
