import { assert } from '../base/assert.ts';
import { SedgeError } from '../base/errors.ts';
import { nearest } from '../base/nearest.ts';
import { problemOfValue } from './flag-kind.ts';
import { commonFlags, type FlagSpec, type Invocation, type Verb } from './verb.ts';

/**
 * Splits what follows the verb. `--flag=value` and `--flag value` are the same; `--` ends the flags.
 * @throws {SedgeError} SEDGE_CLI_USAGE for an unknown flag, a missing, wrong or needless value, a word too many or too few.
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
    const awaits = verb.awaited?.get(name);
    if (awaits !== undefined) throw usage(verb, awaits);
    if (spec === undefined) throw unknownFlag(verb, name, [...specs.keys()]);
    if (spec.value === undefined) {
      if (inline !== undefined) throw usage(verb, `--${name} takes no value`);
      flags.set(name, true);
      continue;
    }
    const value = inline ?? argv[++i];
    flags.set(name, checkedValue(verb, spec, value, inline !== undefined));
  }
  // Who asks for help has not finished the line.
  if (!flags.has('help')) checkWords(verb, words, flags.has('config'));
  return { words, flags };
}

function checkedValue(verb: Verb, spec: FlagSpec, text: string | undefined, inline: boolean): string {
  const { name, value, kind } = spec;
  if (text === undefined || text === '' || (!inline && text.startsWith('--')))
    throw usage(verb, `--${name} needs a value (${value})`);
  const problem = kind === undefined ? null : problemOfValue(text, kind);
  if (problem !== null) throw usage(verb, `--${name}: ${JSON.stringify(text)} ${problem}`);
  return text;
}

function checkWords(verb: Verb, words: readonly string[], isConfigGiven: boolean): void {
  const [first] = words;
  const { subverbs } = verb;
  if (subverbs !== undefined && (first === undefined || !subverbs.includes(first))) {
    const meant = first === undefined ? undefined : nearest(first, subverbs);
    const got = first === undefined ? '' : `, not ${JSON.stringify(first)}`;
    const guess = meant === undefined ? '' : `; did you mean ${meant}?`;
    throw usage(verb, `needs one of ${subverbs.join(', ')}${got}${guess}`);
  }
  const wordsMax = verb.operands === '' ? 0 : verb.operands.split(' ').length;
  const extra = words[wordsMax];
  if (extra === undefined) return;
  const word = JSON.stringify(extra);
  const isConfigMeant = !isConfigGiven && namesConfig(extra, wordsMax);
  throw usage(
    verb,
    `takes no further words, got ${word}${isConfigMeant ? `; did you mean --config ${word}?` : ''}`,
  );
}

/** Whether a word too many looks like a configuration file. Of verbs that take words, a path may stand for one of those. */
function namesConfig(word: string, wordsMax: number): boolean {
  return /\.ya?ml$/i.test(word) || (wordsMax === 0 && word.includes('/'));
}

/** The value of a flag, or undefined when it was not given. */
export function flagValue(invocation: Invocation, name: string): string | undefined {
  const value = invocation.flags.get(name);
  return typeof value === 'string' ? value : undefined;
}

/** A flag's value as a number; its kind, which says integer or share, was checked with the command line. */
export function flagNumber(invocation: Invocation, name: string, fallback: number): number {
  const text = flagValue(invocation, name);
  if (text === undefined) return fallback;
  const value = Number(text);
  assert(text !== '' && Number.isFinite(value), `--${name} has a kind of numbers`);
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
