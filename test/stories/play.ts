import { parseScript, type Directive } from '#test/conformance/mesh/raft/datadriven.ts';

/** Carries out one directive and says what came of it. */
export type Run = (directive: Directive) => string;

/**
 * A script as it comes out when it is played: prose, directives and input as they stand, each answer as `run` gives it. A script
 * that tells the truth comes out as it went in.
 */
export function play(text: string, run: Run): string {
  const lines = text.split('\n');
  const played: string[] = [];
  let at = 0;
  for (const directive of parseScript(text)) {
    const { start, end } = directive.answer;
    played.push(...lines.slice(at, start), ...answerLines(run(directive)));
    at = end;
  }
  return [...played, ...lines.slice(at)].join('\n');
}

/** A blank line ends an answer, so one that has any stands between doubled separators. */
function answerLines(output: string): string[] {
  const lines = output.trimEnd().split('\n');
  return lines.includes('') ? ['----', '----', ...lines, '----', '----'] : ['----', ...lines];
}
