import { SedgeError } from '../base/errors.ts';
import { nearest } from '../base/nearest.ts';
import { commonFlags, type FlagSpec, type Invocation, type Verb } from './verb.ts';

/**
 * Splits what follows the verb. `--flag=value` and `--flag value` are the same; `--` ends the flags.
 * @throws {SedgeError} SEDGE_CLI_USAGE for an unknown flag, a missing or a needless value.
 */
export function parseInvocation(verb: Verb, argv: readonly string[]): Invocation {
  const specs = new Map([...commonFlags, ...verb.flags].map((flag) => [flag.name, flag]));
  const words: string[] = [];
  const flags = new Map<string, string | true>();
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (word === '--') {
      words.push(...argv.slice(i + 1));
      break;
    }
    if (word === '-h') {
      flags.set('help', true);
      continue;
    }
    if (!word.startsWith('--')) {
      words.push(word);
      continue;
    }
    const [name, inline] = splitFlag(word);
    const spec = specs.get(name);
    if (spec === undefined) throw unknownFlag(verb, name, [...specs.keys()]);
    if (spec.value === undefined) {
      if (inline !== undefined) throw usage(verb, `--${name} takes no value`);
      flags.set(name, true);
      continue;
    }
    const value = inline ?? argv[++i];
    if (value === undefined) throw usage(verb, `--${name} needs a value (${spec.value})`);
    flags.set(name, value);
  }
  if (verb.operands === '' && words.length > 0)
    throw usage(verb, `takes no further words, got "${words[0]}"`);
  return { words, flags };
}

/** The value of a flag, or undefined when it was not given. */
export function flagValue(invocation: Invocation, name: string): string | undefined {
  const value = invocation.flags.get(name);
  return typeof value === 'string' ? value : undefined;
}

/** A flag's value as an integer in a range. */
export function flagInteger(
  invocation: Invocation,
  name: string,
  range: { fallback: number; min: number; max: number },
): number {
  const text = flagValue(invocation, name);
  if (text === undefined) return range.fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < range.min || value > range.max) {
    throw new SedgeError(
      'SEDGE_CLI_USAGE',
      `--${name}: ${JSON.stringify(text)} is not a whole number from ${range.min} to ${range.max}`,
    );
  }
  return value;
}

export function usage(verb: Verb, problem: string): SedgeError {
  return new SedgeError('SEDGE_CLI_USAGE', `sedge ${verb.name}: ${problem}`, {
    hint: `see sedge ${verb.name} --help`,
  });
}

function splitFlag(word: string): [string, string | undefined] {
  const equals = word.indexOf('=');
  return equals < 0 ? [word.slice(2), undefined] : [word.slice(2, equals), word.slice(equals + 1)];
}

function unknownFlag(verb: Verb, name: string, known: readonly string[]): SedgeError {
  const meant = nearest(name, known);
  return usage(verb, `unknown flag --${name}${meant === undefined ? '' : `; did you mean --${meant}?`}`);
}

export function flagLine(flag: FlagSpec): string {
  return `  --${flag.name}${flag.value === undefined ? '' : ` ${flag.value}`}`.padEnd(26) + flag.summary;
}
