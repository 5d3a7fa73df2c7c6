import { parseScript, ScriptError, type Directive } from './datadriven.ts';
import { runInteraction } from './interaction/commands.ts';
import { Site } from './interaction/site.ts';
import { MembershipScript } from './membership-script.ts';
import { runQuorumDirective } from './quorum-script.ts';
import { releasesOf, type Release } from './release.ts';

export interface Mismatch {
  readonly line: number;
  readonly command: string;
  readonly expected: string;
  readonly actual: string;
}

export interface ScriptResult {
  /** That the members ran as; of a script that shows none, the first it agrees with. */
  readonly release: Release;
  readonly directives: number;
  /** The first directive whose output differs; what follows it is not run, as the state may differ too. */
  readonly mismatch: Mismatch | null;
}

/**
 * Runs a script of any of the three kinds, as the release that recorded it; kind and release are seen from the script. What it prints
 * is compared byte for byte.
 */
export function runScript(text: string, releases?: readonly Release[]): ScriptResult {
  const directives = parseScript(text);
  if (directives.length === 0) throw new ScriptError('holds no directive');
  let furthest: ScriptResult | null = null;
  for (const release of releases ?? releasesOf(directives)) {
    const result = { release, directives: directives.length, mismatch: mismatchOf(directives, release) };
    if (result.mismatch === null) return result;
    if (result.mismatch.line > (furthest?.mismatch?.line ?? 0)) furthest = result;
  }
  return furthest!;
}

function mismatchOf(directives: readonly Directive[], release: Release): Mismatch | null {
  const run = runnerFor(directives, release);
  for (const directive of directives) {
    const actual = withNewline(outputOf(run, directive));
    const { expected, line, command } = directive;
    if (actual !== expected) return { line, command, expected, actual };
  }
  return null;
}

type Runner = (directive: Directive) => string;

function runnerFor(directives: readonly Directive[], release: Release): Runner {
  const has = (...commands: readonly string[]): boolean =>
    directives.some(({ command }) => commands.includes(command));
  if (has('committed', 'vote')) return runQuorumDirective;
  if (has('simple', 'enter-joint', 'leave-joint')) {
    const script = new MembershipScript();
    return (directive) => script.run(directive);
  }
  const site = new Site(release);
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
