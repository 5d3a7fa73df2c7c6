import { peerId, type PeerId } from '#agent/mesh/raft/peer-id.ts';
import { committedByJoint, voteByJoint, votersOf, type JointQuorum } from '#agent/mesh/raft/quorum/joint.ts';
import {
  committedByMajority,
  voteByMajority,
  type AcknowledgedIndex,
  type Majority,
} from '#agent/mesh/raft/quorum/majority.ts';
import { ScriptError, type Directive } from './datadriven.ts';
import { committedByCounting } from './committed-by-counting.ts';
import { hex } from './go-format.ts';

const voteNames = { pending: 'VotePending', lost: 'VoteLost', won: 'VoteWon' };
const voteCodes: Readonly<Record<string, number>> = { y: 2, n: 1, _: 0 };
const nobody: Majority = new Set();

interface QuorumArguments {
  readonly incoming: readonly PeerId[];
  readonly outgoing: readonly PeerId[];
  readonly joint: boolean;
  /** One a voter, in order of first mention; 0: not given. */
  readonly inputs: readonly number[];
}

/** `committed` and `vote`: the laws of quorums, each answer checked against its neighbours. */
export function runQuorumDirective(directive: Directive): string {
  const args = argumentsOf(directive);
  const quorum: JointQuorum = { incoming: new Set(args.incoming), outgoing: new Set(args.outgoing) };
  if (votersOf(quorum).length !== args.inputs.length) {
    const voters = `map[${votersOf(quorum)
      .map((id) => `${id}:{}`)
      .join(' ')}]`;
    return `error: mismatched input (explicit or _) for voters ${voters}: [${args.inputs.join(' ')}]`;
  }
  const given = new Map<PeerId, number>();
  for (const [at, id] of [...new Set([...args.incoming, ...args.outgoing])].entries()) {
    if (args.inputs[at] !== 0) given.set(id, args.inputs[at]!);
  }
  if (directive.command === 'vote') return voteOutput(quorum, given, args.joint);
  return args.joint ? jointOutput(quorum, given) : majorityOutput(quorum.incoming, given);
}

function argumentsOf(directive: Directive): QuorumArguments {
  const incoming: PeerId[] = [];
  const outgoing: PeerId[] = [];
  const inputs: number[] = [];
  let joint = false;
  for (const { key, values } of directive.args) {
    for (const value of values) {
      if (key === 'cfg') incoming.push(peerId(Number(value)));
      else if (key === 'cfgj') {
        joint = true;
        if (value !== 'zero') outgoing.push(peerId(Number(value)));
      } else if (key === 'idx') inputs.push(value === '_' ? 0 : Number(value));
      else if (key === 'votes' && value in voteCodes) inputs.push(voteCodes[value]!);
      else throw new ScriptError(`line ${directive.line}: unknown argument ${key}=${value}`);
    }
  }
  return { incoming, outgoing, joint, inputs };
}

const indexText = (index: number): string => (index === Infinity ? '∞' : String(index));

function voteOutput(quorum: JointQuorum, given: ReadonlyMap<PeerId, number>, joint: boolean): string {
  const votes = new Map([...given].map(([id, code]) => [id, code !== 1] as const));
  if (!joint) return `${voteNames[voteByMajority(quorum.incoming, votes)]}\n`;
  const result = voteByJoint(quorum, votes);
  const swapped = voteByJoint({ incoming: quorum.outgoing, outgoing: quorum.incoming }, votes);
  return `${swapped === result ? '' : `${voteNames[swapped]} <-- via symmetry\n`}${voteNames[result]}\n`;
}

function jointOutput(quorum: JointQuorum, given: ReadonlyMap<PeerId, number>): string {
  const acknowledged: AcknowledgedIndex = (id) => given.get(id);
  const index = committedByJoint(quorum, acknowledged);
  const swapped = committedByJoint({ incoming: quorum.outgoing, outgoing: quorum.incoming }, acknowledged);
  const note = swapped === index ? '' : `${indexText(swapped)} <-- via symmetry\n`;
  return `${diagram(new Set(votersOf(quorum)), acknowledged)}${note}${indexText(index)}\n`;
}

function majorityOutput(members: Majority, given: ReadonlyMap<PeerId, number>): string {
  const acknowledged: AcknowledgedIndex = (id) => given.get(id);
  const index = committedByMajority(members, acknowledged);
  let text = diagram(members, acknowledged);
  const compare = (other: number, via: string, end = '\n'): void => {
    if (other !== index) text += `${indexText(other)} <-- ${via}${end}`;
  };
  compare(committedByCounting(members, acknowledged), 'via alternative computation');
  compare(committedByJoint({ incoming: members, outgoing: nobody }, acknowledged), 'via zero-joint quorum');
  compare(committedByJoint({ incoming: members, outgoing: members }, acknowledged), 'via self-joint quorum');
  // Lowering what does not reach the committed index must not move it.
  for (const member of members) {
    const own = acknowledged(member) ?? 0;
    if (index <= own || own === 0) continue;
    const overlay =
      (value: number): AcknowledgedIndex =>
      (id) =>
        id === member ? value : given.get(id);
    compare(committedByMajority(members, overlay(own - 1)), `overlaying ${member}->${own}`, '');
    compare(committedByMajority(members, overlay(0)), `overlaying ${member}->0`, '');
  }
  return `${text}${indexText(index)}\n`;
}

/** A bar a member: how many others it is ahead of. */
function diagram(members: Majority, acknowledged: AcknowledgedIndex): string {
  if (members.size === 0) return '<empty majority quorum>';
  const size = members.size;
  const rows = [...members].map((id) => ({ id, index: acknowledged(id) }));
  let text = `${' '.repeat(size)}    idx\n`;
  for (const { id, index } of rows.sort((a, b) => a.id - b.id)) {
    const behind = rows.filter((other) => (other.index ?? 0) < (index ?? 0)).length;
    const bar =
      index === undefined ? `?${' '.repeat(size)}` : `${'x'.repeat(behind)}>${' '.repeat(size - behind)}`;
    text += `${bar} ${String(index ?? 0).padStart(5)}    (id=${hex(id)})\n`;
  }
  return text;
}
