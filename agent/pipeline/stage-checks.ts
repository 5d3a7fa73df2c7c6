import { seriesLimitMax } from './limits.ts';

/** `path` is where in the stage's config, '' for the whole of it. */
export interface StageProblem {
  readonly path: string;
  readonly message: string;
}

/** Collects what is wrong with one stage's config. Options left out are never wrong here; `need` asks for them. */
export class StageChecks {
  readonly problems: StageProblem[] = [];
  readonly #kind: string;

  constructor(kind: string) {
    this.#kind = kind;
  }

  /** `option` '' stands for the stage as a whole. */
  problem(option: string, message: string): this {
    this.problems.push({ path: option === '' ? this.#kind : `${this.#kind}.${option}`, message });
    return this;
  }

  need(condition: boolean, option: string, message: string): this {
    return condition ? this : this.problem(option, message);
  }

  /** Texts that must not be empty. */
  names(options: Readonly<Record<string, string | undefined>>): this {
    for (const [option, name] of Object.entries(options))
      if (name === '') this.problem(option, 'a field name is needed');
    return this;
  }

  /** Finite numbers greater than 0. */
  positive(options: Readonly<Record<string, number | undefined>>): this {
    for (const [option, value] of Object.entries(options))
      if (value !== undefined && !(value > 0 && Number.isFinite(value)))
        this.problem(option, `${value} is not a number > 0`);
    return this;
  }

  /** Finite numbers of at least 0. */
  notNegative(options: Readonly<Record<string, number | undefined>>): this {
    for (const [option, value] of Object.entries(options))
      if (value !== undefined && !(value >= 0 && Number.isFinite(value)))
        this.problem(option, `${value} is not a number >= 0`);
    return this;
  }

  whole(option: string, value: number | undefined, range: { min: number; max: number }): this {
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= range.min && value <= range.max))
      this.problem(option, `${value} is not a whole number from ${range.min} to ${range.max}`);
    return this;
  }

  series(maxSeries: number | undefined): this {
    return this.whole('max_series', maxSeries, { min: 1, max: seriesLimitMax });
  }

  /** The stage, or the problems found. */
  orBuild<Built>(build: () => Built): Built | readonly StageProblem[] {
    return this.problems.length > 0 ? this.problems : build();
  }
}
