import { ScriptError, type Argument, type Directive } from '../datadriven.ts';
import { parseBool } from '../go-format.ts';

/** The arguments of a directive, read with the line at hand for what is wrong. */
export class Arguments {
  readonly #directive: Directive;

  constructor(directive: Directive) {
    this.#directive = directive;
  }

  get all(): readonly Argument[] {
    return this.#directive.args;
  }

  /** The bare words that must be numbers: members, mostly. */
  numbers(): number[] {
    return this.all.filter(({ values }) => values.length === 0).map(({ key }) => this.number(key));
  }

  /** The n-th argument, a number. */
  at(position: number): number {
    return this.number(this.word(position));
  }

  word(position: number): string {
    const argument = this.all[position];
    return argument?.key ?? this.fail(`argument ${position + 1} is missing`);
  }

  /** `key=value` pairs, one for each value, in order. */
  pairs(): { readonly key: string; readonly value: string }[] {
    return this.all.flatMap(({ key, values }) => values.map((value) => ({ key, value })));
  }

  named(name: string): string {
    const argument = this.all.find(({ key, values }) => key === name && values.length === 1);
    return argument?.values[0] ?? this.fail(`${name}= is missing`);
  }

  number(text: string): number {
    return /^\d+$/.test(text) ? Number(text) : this.fail(`not a number: ${text}`);
  }

  bool(text: string): boolean {
    return parseBool(text) ?? this.fail(`neither true nor false: ${text}`);
  }

  fail(what: string): never {
    throw new ScriptError(`line ${this.#directive.line}: ${this.#directive.command}: ${what}`);
  }
}
