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
  /** The answer that belongs to a call; null on answers. */
  readonly answer: Node | null;
  before: Node | null;
  after: Node | null;
}

interface Placed<State> {
  readonly call: Node;
  readonly state: State;
  readonly isObservation: boolean;
}

/**
 * Wing and Gong's search with Lowe's memory of what was tried: take the operations that may come first one after the other, as far
 * as the model goes along; step back when an answer is met whose operation has not been placed. An observation that is possible is
 * placed for good: whatever order has it later has a twin that has it now.
 */
class Search<Call, Result, State extends string | number> {
  steps = 0;
  readonly #model: Model<Call, Result, State>;
  readonly #operations: readonly Operation<Call, Result>[];
  readonly #stepsMax: number;
  readonly #head: Node;
  /** Which operations are placed, 32 to a word. */
  readonly #placedBits: Uint32Array;
  /** The same memory by halves of words, for a key. */
  readonly #placedHalves: Uint16Array;
  readonly #tried = new Map<string, Set<State>>();

  constructor(
    model: Model<Call, Result, State>,
    operations: readonly Operation<Call, Result>[],
    stepsMax: number,
  ) {
    this.#model = model;
    this.#operations = operations;
    this.#stepsMax = stepsMax;
    this.#head = listOf(operations);
    this.#placedBits = new Uint32Array(Math.ceil(operations.length / 32));
    this.#placedHalves = new Uint16Array(this.#placedBits.buffer);
  }

  run(): Verdict {
    const placed: Placed<State>[] = [];
    const head = this.#head;
    let state = this.#model.initial;
    let at = head.after;
    let missing = this.#operations.filter(({ returnedAt }) => returnedAt !== Infinity).length;
    while (missing > 0) {
      if (++this.steps > this.#stepsMax) return 'unknown';
      if (at !== null && at.answer !== null) {
        const { call, result, returnedAt } = this.#operations[at.operation]!;
        const isAnswered = returnedAt !== Infinity;
        const next = this.#model.step(state, call, result);
        const isObservation = next !== undefined && this.#model.isObservation(call, result);
        // What was never answered need not have happened: it is placed only where that explains something.
        const isIdle = !isAnswered && next === state;
        if (next === undefined || isIdle || (!isObservation && this.#wasTried(at.operation, next))) {
          at = at.after;
          continue;
        }
        missing -= Number(isAnswered);
        this.#flip(at.operation);
        placed.push({ call: at, state, isObservation });
        state = next;
        lift(at);
        at = head.after;
        continue;
      }
      let last = placed.pop();
      for (; last?.isObservation === true; last = placed.pop()) missing += this.#takeBack(last);
      if (last === undefined) return 'not-linearizable';
      missing += this.#takeBack(last);
      state = last.state;
      at = last.call.after;
    }
    return 'linearizable';
  }

  /** How many answered operations that leaves unexplained: 1, or 0. */
  #takeBack({ call }: Placed<State>): number {
    this.#flip(call.operation);
    putBack(call);
    return Number(this.#operations[call.operation]!.returnedAt !== Infinity);
  }

  /** Whether those placed and this one have led to that state before. */
  #wasTried(operation: number, state: State): boolean {
    this.#flip(operation);
    const key = String.fromCharCode.apply(null, this.#placedHalves as unknown as number[]);
    this.#flip(operation);
    const states = this.#tried.get(key);
    if (states === undefined) this.#tried.set(key, new Set([state]));
    else if (states.has(state)) return true;
    else states.add(state);
    return false;
  }

  #flip(operation: number): void {
    this.#placedBits[operation >>> 5]! ^= 1 << (operation & 31);
  }
}

function listOf(operations: readonly Operation<unknown, unknown>[]): Node {
  const events: { readonly at: number; readonly isCall: boolean; readonly node: Node }[] = [];
  for (const [operation, { calledAt, returnedAt }] of operations.entries()) {
    const answer: Node = { operation, answer: null, before: null, after: null };
    const call: Node = { operation, answer, before: null, after: null };
    events.push({ at: calledAt, isCall: true, node: call }, { at: returnedAt, isCall: false, node: answer });
  }
  // At the same time calls come first: then the two overlap, and either order is allowed.
  events.sort((a, b) => (a.at === b.at ? Number(b.isCall) - Number(a.isCall) : a.at - b.at));
  const head: Node = { operation: -1, answer: null, before: null, after: null };
  let last = head;
  for (const { node } of events) {
    node.before = last;
    last.after = node;
    last = node;
  }
  return head;
}

/** Takes a call and its answer out; `putBack` in the reverse order undoes it. */
function lift(call: Node): void {
  for (const node of [call, call.answer!]) {
    node.before!.after = node.after;
    if (node.after !== null) node.after.before = node.before;
  }
}

function putBack(call: Node): void {
  for (const node of [call.answer!, call]) {
    node.before!.after = node;
    if (node.after !== null) node.after.before = node;
  }
}
