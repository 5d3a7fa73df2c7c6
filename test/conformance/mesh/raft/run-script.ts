import { parseScript, ScriptError, type Directive } from './datadriven.ts';
import { runInteraction } from './interaction/commands.ts';
import { Site } from './interaction/site.ts';
import { MembershipScript } from './membership-script.ts';
import { runQuorumDirective } from './quorum-script.ts';
import type { Recorded } from './recorded.ts';

export interface Mismatch {
  readonly line: number;
  readonly command: string;
  readonly expected: string;
  readonly actual: string;
}

export interface ScriptResult {
  readonly directives: number;
  /** The first directive whose output differs; what follows it is not run, as the state may differ too. */
  readonly mismatch: Mismatch | null;
}

/** Runs a script of any of the three kinds; the kind is seen from its commands. */
export function runScript(text: string, recorded: Recorded): ScriptResult {
  const directives = parseScript(text);
  const run = runnerFor(directives, recorded);
  const normal = recorded === 'current' ? withSteadyText : asOf2023;
  for (const directive of directives) {
    const actual = withNewline(outputOf(run, directive));
    const { expected, line, command } = directive;
    if (normal(actual) !== normal(expected))
      return { directives: directives.length, mismatch: { line, command, expected, actual } };
  }
  return { directives: directives.length, mismatch: null };
}

type Runner = (directive: Directive) => string;

function runnerFor(directives: readonly Directive[], recorded: Recorded): Runner {
  const has = (...commands: readonly string[]): boolean =>
    directives.some(({ command }) => commands.includes(command));
  if (has('committed', 'vote')) return runQuorumDirective;
  if (has('simple', 'enter-joint', 'leave-joint')) {
    const script = new MembershipScript();
    return (directive) => script.run(directive);
  }
  const site = new Site(recorded);
  return (directive) => runInteraction(site, directive);
}

/** A member that breaks is an output too: a difference with its line, not the end of the run. */
function outputOf(run: Runner, directive: Directive): string {
  try {
    return run(directive);
  } catch (thrown) {
    if (thrown instanceof ScriptError) throw thrown;
    return `broke: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}`;
  }
}

const withNewline = (text: string): string => (text === '' || text.endsWith('\n') ? text : `${text}\n`);

/** Go's protobuf text has one space or two between fields, by chance of the build. */
const withSteadyText = (text: string): string =>
  text.replaceAll(/(?<= ConfState (?:voters|learners)\S*:.*) {2}(?=\w+:)/g, ' ');

/** Joins what is nested under a message (entries, snapshot, responses) to its line, and blanks `next=`. */
function asOf2023(text: string): string {
  const joined: string[] = [];
  let open = 0;
  for (const line of text.split('\n')) {
    const nested = open > 0 || /^ *Snapshot: /.test(line);
    if (!nested) joined.push(line);
    else {
      const last = joined.pop() ?? '';
      const isItem = !last.endsWith('[') && !/^ *\]/.test(line) && !/^ *Snapshot: /.test(line);
      joined.push(`${last}${isItem ? ', ' : line.trim().startsWith('Snapshot') ? ' ' : ''}${line.trim()}`);
    }
    if (/(?:Entries|Responses):\[$/.test(line)) open++;
    if (/^ *\]/.test(line)) open--;
  }
  return joined.join('\n').replaceAll(/\bnext=\d+/g, 'next=*');
}
