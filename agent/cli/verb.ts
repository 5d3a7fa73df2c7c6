import type { FlagKind } from './flag-kind.ts';
import type { World } from '../ports/world.ts';

/** One flag of a verb. Flags are `--name value`, or `--name` alone when `value` is absent. */
export interface FlagSpec {
  readonly name: string;
  /** Placeholder of the value in the help text; absent for a switch. */
  readonly value?: string;
  /** What the value must look like; absent: any text but an empty one. */
  readonly kind?: FlagKind;
  readonly summary: string;
}

/** What stands after the verb, already split. */
export interface Invocation {
  readonly words: readonly string[];
  readonly flags: ReadonlyMap<string, string | true>;
}

/** One verb of the command line. `run` resolves to the exit code (sysexits). */
export interface Verb {
  readonly name: string;
  readonly summary: string;
  /** What may follow, one word each, as in the help: `STREAM`, `ls|stat|tail [STREAM]`. Empty when nothing may. */
  readonly operands: string;
  /** One of these must stand first after the verb. */
  readonly subverbs?: readonly string[];
  /** What each of them does, for the help. */
  readonly subverbSummaries?: Readonly<Record<string, string>>;
  /** What its operands may say, for the help: lines of a hundred characters. */
  readonly details?: string;
  readonly flags: readonly FlagSpec[];
  /** Flags that wait for what this version lacks, and what that is: not offered, and refused with the reason. */
  readonly awaited?: ReadonlyMap<string, string>;
  run(invocation: Invocation, world: World): Promise<number>;
}

/** Flags every verb takes. */
export const commonFlags: readonly FlagSpec[] = [
  {
    name: 'config',
    value: 'FILE',
    summary: 'configuration file (default: $SEDGE_CONFIG, ./sedge.yaml, /etc/sedge/sedge.yaml)',
  },
  { name: 'data', value: 'DIR', summary: 'data folder, instead of agent.data' },
  { name: 'json', summary: 'print JSON instead of text' },
  { name: 'help', summary: 'what this verb does and takes' },
];

/** Exit codes of sysexits.h that sedge uses. */
export const exit = {
  ok: 0,
  found: 1,
  usage: 64,
  data: 65,
  unavailable: 69,
  software: 70,
  tryAgain: 75,
  permission: 77,
  config: 78,
} as const;
