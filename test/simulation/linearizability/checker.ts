/** What one client asked and was told. `Call` and `Result` are the model's. */
export interface Operation<Call, Result> {
  readonly call: Call;
  readonly result: Result;
  /** Order of events, not time: any numbers that rise as things happen, each used once. */
  readonly calledAt: number;
  /** Infinity: never answered, so it may have taken effect at any time after, or not at all. */
  readonly returnedAt: number;
}

/** What the object would do if it were asked one thing at a time. States are values: equal ones are the same. */
export interface Model<Call, Result, State extends string | number> {
  readonly initial: State;
  /** The state after it, or undefined when that result is impossible in this state. */
  step(state: State, call: Call, result: Result): State | undefined;
  /** Whether it leaves every state in which it is possible as it was. */
  isObservation(call: Call, result: Result): boolean;
  /** Operations on different objects do not touch: each object is judged alone (Herlihy & Wing, locality). */
  objectOf(call: Call): string | number;
}

/** `unknown`: given up after so many steps. */
export type Verdict = 'linearizable' | 'not-linearizable' | 'unknown';

export interface Judgement {
  readonly verdict: Verdict;
  /** Where it went wrong, or was given up. */
  readonly object: string | number | null;
  readonly steps: number;
}

/** Bounds the search: histories of our size take some thousands of steps. */
const stepsMaxDefault = 5_000_000;

/** Whether there is an order of the operations, each between its call and its answer, that the model allows. */
export function judge<Call, Result, State extends string | number>(
  model: Model<Call, Result, State>,
  operations: readonly Operation<Call, Result>[],
  stepsMax = stepsMaxDefault,
): Judgement {
  const byObject = new Map<string | number, Operation<Call, Result>[]>();
  for (const operation of operations) {
    const object = model.objectOf(operation.call);
    const list = byObject.get(object);
    if (list === undefined) byObject.set(object, [operation]);
    else list.push(operation);
  }
  let steps = 0;
  let unknown: string | number | null = null;
  for (const [object, list] of byObject) {
    const search = new Search(model, list, stepsMax);
    const verdict = search.run();
    steps += search.steps;
    if (verdict === 'not-linearizable') return { verdict, object, steps };
    if (verdict === 'unknown') unknown = object;
  }
  return { verdict: unknown === null ? 'linearizable' : 'unknown', object: unknown, steps };
}

/** A call or an answer, in a list that operations are taken out of and put back into. */
interface Node {
  readonly operation: number;
  readonly at: number;
  /** The answer that belongs to a call; null on answers, and on calls that were never answered. */
  readonly answer: Node | null;
  readonly isCall: boolean;
  before: Node | null;
  after: Node | null;
}

interface Placed<State> {
  readonly call: Node;
  readonly state: State;
  readonly without: State | null;
  readonly isObservation: boolean;
}

/**
 * Wing and Gong's search with Lowe's memory of what was tried: take the operations that may come first one after the other, as far
 * as the model goes along; step back when an answer is met whose operation has not been placed. An observation that is possible is
 * placed for good: whatever order has it later has a twin that has it now.
 *
 * What was never answered need not have happened. It comes last of those that may come first, and whatever is placed next must be
 * possible because of it: else the order without it, or with it later, explains as much. Of several alike the first called is tried.
 */
class Search<Call, Result, State extends string | number> {
  steps = 0;
  readonly #model: Model<Call, Result, State>;
  readonly #operations: readonly Operation<Call, Result>[];
  readonly #stepsMax: number;
  /** Calls and answers of what was answered. */
  readonly #answered: Node;
  /** Calls of what was not. */
  readonly #open: Node;
  /** By operation that was never answered: the one like it that was called just before. */
  readonly #alike: ReadonlyMap<number, number>;
  /** Which operations are placed, 32 to a word. */
  readonly #placedBits: Uint32Array;
  /** The same memory by halves of words, for a key. */
  readonly #placedHalves: Uint16Array;
  readonly #tried = new Map<string, Set<State>>();
  #state: State;
  /** The state before what was never answered, when that was placed last. */
  #without: State | null = null;

  constructor(
    model: Model<Call, Result, State>,
    operations: readonly Operation<Call, Result>[],
    stepsMax: number,
  ) {
    this.#model = model;
    this.#operations = operations;
    this.#stepsMax = stepsMax;
    this.#state = model.initial;
    this.#answered = listOf(operations, true);
    this.#open = listOf(operations, false);
    this.#alike = alikeOf(this.#open, operations);
    this.#placedBits = new Uint32Array(Math.ceil(operations.length / 32));
    this.#placedHalves = new Uint16Array(this.#placedBits.buffer);
  }

  run(): Verdict {
    const placed: Placed<State>[] = [];
    let at = this.#first();
    let missing = this.#operations.filter(isAnswered).length;
    while (missing > 0) {
      if (++this.steps > this.#stepsMax) return 'unknown';
      if (at !== null) {
        const next = this.#place(at);
        if (next === null) {
          at = this.#next(at);
          continue;
        }
        placed.push(next);
        missing -= Number(at.answer !== null);
        at = this.#first();
        continue;
      }
      let last = placed.pop();
      for (; last?.isObservation === true; last = placed.pop()) missing += this.#takeBack(last);
      if (last === undefined) return 'not-linearizable';
      missing += this.#takeBack(last);
      at = this.#next(last.call);
    }
    return 'linearizable';
  }

  #first(): Node | null {
    return this.#candidate(this.#answered.after);
  }

  /** The next that may come first, after those that were looked at. */
  #next(call: Node): Node | null {
    return call.answer === null ? this.#openCandidate(call.after) : this.#candidate(call.after);
  }

  #candidate(node: Node | null): Node | null {
    return node?.isCall === true ? node : this.#openCandidate(this.#open.after);
  }

  /** Called before the first answer that is not explained yet. */
  #openCandidate(node: Node | null): Node | null {
    if (node === null) return null;
    let end = this.#answered.after;
    while (end?.isCall === true) end = end.after;
    return end === null || node.at <= end.at ? node : null;
  }

  /** Null when it cannot come now, or need not be tried. */
  #place(at: Node): Placed<State> | null {
    const state = this.#state;
    const without = this.#without;
    const alike = this.#alike.get(at.operation);
    if (alike !== undefined && !this.#isPlaced(alike)) return null;
    const { call, result } = this.#operations[at.operation]!;
    const next = this.#model.step(state, call, result);
    if (next === undefined) return null;
    const isObservation = this.#model.isObservation(call, result);
    if (without !== null) {
      const otherwise = this.#model.step(without, call, result);
      if (otherwise !== undefined && (isObservation || otherwise === next)) return null;
    }
    const isOpen = at.answer === null;
    if (isOpen && next === state) return null;
    const pending = isOpen ? state : null;
    if (!isObservation && this.#wasTried(at.operation, next, pending)) return null;
    this.#flip(at.operation);
    this.#state = next;
    this.#without = pending;
    lift(at);
    return { call: at, state, without, isObservation };
  }

  /** How many answered operations that leaves unexplained: 1, or 0. */
  #takeBack({ call, state, without }: Placed<State>): number {
    this.#flip(call.operation);
    putBack(call);
    this.#state = state;
    this.#without = without;
    return Number(call.answer !== null);
  }

  /** Whether those placed and this one have led to that state before, with as much or more left to try. */
  #wasTried(operation: number, state: State, without: State | null): boolean {
    this.#flip(operation);
    const key = String.fromCharCode.apply(null, this.#placedHalves as unknown as number[]);
    this.#flip(operation);
    if (this.#tried.get(key)?.has(state) === true) return true;
    const own = without === null ? key : `${key}|${without}`;
    const states = this.#tried.get(own);
    if (states === undefined) this.#tried.set(own, new Set([state]));
    else if (states.has(state)) return true;
    else states.add(state);
    return false;
  }

  #isPlaced(operation: number): boolean {
    return (this.#placedBits[operation >>> 5]! & (1 << (operation & 31))) !== 0;
  }

  #flip(operation: number): void {
    this.#placedBits[operation >>> 5]! ^= 1 << (operation & 31);
  }
}

const isAnswered = ({ returnedAt }: Operation<unknown, unknown>): boolean => returnedAt !== Infinity;

function listOf(operations: readonly Operation<unknown, unknown>[], areAnswered: boolean): Node {
  const events: Node[] = [];
  const node = (operation: number, at: number, isCall: boolean, answer: Node | null): Node => {
    const made: Node = { operation, at, isCall, answer, before: null, after: null };
    events.push(made);
    return made;
  };
  for (const [operation, each] of operations.entries()) {
    if (isAnswered(each) !== areAnswered) continue;
    const answer = areAnswered ? node(operation, each.returnedAt, false, null) : null;
    node(operation, each.calledAt, true, answer);
  }
  // At the same time calls come first: then the two overlap, and either order is allowed.
  events.sort((a, b) => (a.at === b.at ? Number(b.isCall) - Number(a.isCall) : a.at - b.at));
  const head: Node = { operation: -1, at: -1, isCall: true, answer: null, before: null, after: null };
  let last = head;
  for (const event of events) {
    event.before = last;
    last.after = event;
    last = event;
  }
  return head;
}

function alikeOf(
  open: Node,
  operations: readonly Operation<unknown, unknown>[],
): ReadonlyMap<number, number> {
  const alike = new Map<number, number>();
  const newest = new Map<string, number>();
  for (let at = open.after; at !== null; at = at.after) {
    const { call, result } = operations[at.operation]!;
    const name = JSON.stringify([call, result]);
    const before = newest.get(name);
    if (before !== undefined) alike.set(at.operation, before);
    newest.set(name, at.operation);
  }
  return alike;
}

/** Takes a call and its answer out; `putBack` in the reverse order undoes it. */
function lift(call: Node): void {
  for (const node of call.answer === null ? [call] : [call, call.answer]) {
    node.before!.after = node.after;
    if (node.after !== null) node.after.before = node.before;
  }
}

function putBack(call: Node): void {
  for (const node of call.answer === null ? [call] : [call.answer, call]) {
    node.before!.after = node;
    if (node.after !== null) node.after.before = node;
  }
}
