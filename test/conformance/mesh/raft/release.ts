import type { Pacing } from '#agent/mesh/raft/options.ts';
import type { Directive } from './datadriven.ts';

/** The build of etcd-io/raft that recorded a script: all in which one differs from another, apart from what it does right in each. */
export interface Release {
  readonly name: string;
  /** How its leaders pace what they send. */
  readonly pacing: Pacing;
  /** Where the entries, responses and snapshot of a message stand: on lines of their own, or on the message's. */
  readonly nesting: 'lines' | 'inline';
  /** How its log shows a change of membership that was refused, and a membership the member is not in: as text of protobuf, or as structures of Go. */
  readonly structures: 'protobuf' | 'plain';
  /** Between fields of protobuf's text: Go takes one space or two, by chance of the build. */
  readonly gap: ' ' | '  ';
}

/** cdfbeed. Others since 2024 print the same. */
export const august2026: Release = {
  name: 'August 2026',
  pacing: 'lean',
  nesting: 'lines',
  structures: 'protobuf',
  gap: ' ',
};

/** f873799. */
export const september2023: Release = {
  name: 'September 2023',
  pacing: 'eager',
  nesting: 'inline',
  structures: 'plain',
  gap: ' ',
};

/** What only one of the two prints. */
const marks2026 =
  /(?:Entries|Responses):\[$|^ *Snapshot: Index:|ignoring conf change transition:|ConfState voters:/m;
const marks2023 = /Responses:\[.|Entries:\[[^\]]+,|\S Snapshot: Index:|ignoring conf change \{|ConfState \{/m;
/** Payloads are anybody's words. */
const payload = /"(?:[^"\\]|\\.)*"/g;
const wideGap = /ConfState \w+:\S+ {2}\w/;

/** The releases that may have recorded a script, by what it shows; of one that shows nothing, or contradicts itself, both. */
export function releasesOf(directives: readonly Directive[]): readonly Release[] {
  const outputs = directives.map(({ expected }) => expected.replaceAll(payload, '""'));
  const shows = (marks: RegExp): boolean => outputs.some((output) => marks.test(output));
  const current: Release = shows(wideGap) ? { ...august2026, gap: '  ' } : august2026;
  const [is2026, is2023] = [shows(marks2026), shows(marks2023)];
  if (is2026 !== is2023) return [is2026 ? current : september2023];
  return [current, september2023];
}
