import { emptyRecord } from '#agent/mesh/raft/membership/membership.ts';
import { leaveJoint, type MembershipChange, type Transition } from '#agent/mesh/raft/membership/change.ts';
import type { MessageType } from '#agent/mesh/raft/message.ts';
import { peerId, type PeerId } from '#agent/mesh/raft/peer-id.ts';
import { votersOf } from '#agent/mesh/raft/quorum/joint.ts';
import type { Directive } from '../datadriven.ts';
import {
  describeEntries,
  describeProgressOf,
  messageNames,
  otherMessageNames,
  roleNames,
} from '../describe.ts';
import { parseSteps } from '../change-text.ts';
import { parseBool } from '../go-format.ts';
import { Arguments } from './arguments.ts';
import { levels } from './log-lines.ts';
import { electionTicks, heartbeatTicks, problemOf, type Node, type NodeOptions, type Site } from './site.ts';
import { stabilize } from './stabilize.ts';

/** Carries one directive out; the result is the error it ends with, if any. */
type Command = (site: Site, args: Arguments, input: string) => string | null;

const done = (): null => null;

function nodeOf(site: Site, args: Arguments, id: number): Node {
  return site.nodes[id - 1] ?? args.fail(`there is no member ${id}`);
}

const first = (site: Site, args: Arguments): Node => nodeOf(site, args, args.at(0));

/** For each member named: alone as it is, among several under a heading. */
function each(site: Site, args: Arguments, heading: string, act: (node: Node) => void): null {
  const ids = args.numbers();
  for (const id of ids) {
    const node = nodeOf(site, args, id);
    if (ids.length === 1) act(node);
    else {
      site.output.write(`> ${id} ${heading}\n`);
      site.output.indented(() => act(node));
    }
  }
  return null;
}

const addNodes: Command = (site, args) => {
  const voters: PeerId[] = [];
  const learners: PeerId[] = [];
  let index = 0;
  let content = '';
  const options: NodeOptions = {
    asyncStorage: false,
    preVote: site.rules.preVote,
    checkQuorum: site.rules.checkQuorum,
    guardChanges: true,
    stepDownOnRemoval: site.rules.stepDownOnRemoval,
    readMode: 'safe',
    inflightMessagesMax: 2 ** 31 - 1,
    applyingBytesMax: Infinity,
    applied: 0,
  };
  for (const { key, value } of args.pairs()) {
    if (key === 'voters') voters.push(peerId(args.number(value)));
    else if (key === 'learners') learners.push(peerId(args.number(value)));
    else if (key === 'index') index = args.number(value);
    else if (key === 'content') content = value;
    else if (key === 'inflight') options.inflightMessagesMax = args.number(value);
    else if (key === 'async-storage-writes') options.asyncStorage = args.bool(value);
    else if (key === 'prevote') options.preVote = args.bool(value);
    else if (key === 'checkquorum') options.checkQuorum = args.bool(value);
    else if (key === 'step-down-on-removal') options.stepDownOnRemoval = args.bool(value);
    else if (key === 'disable-conf-change-validation') options.guardChanges = !args.bool(value);
    else if (key === 'max-committed-size-per-ready') {
      const bytes = args.number(value);
      options.applyingBytesMax = bytes === 0 ? Infinity : bytes;
    } else if (key === 'read-only') {
      if (value !== 'safe' && value !== 'lease-based')
        return `invalid read-only option ${JSON.stringify(value)}`;
      options.readMode = value === 'safe' ? 'safe' : 'lease';
    }
  }
  options.applied = index;
  const isEmpty = voters.length === 0 && learners.length === 0 && index === 0 && content === '';
  if (!isEmpty && index <= 1) return 'index must be specified as > 1 due to bootstrap';
  const membership = { ...emptyRecord, voters, learners };
  const data = new TextEncoder().encode(content);
  const id = isEmpty ? { term: 0, index: 0 } : { term: 1, index };
  for (let count = args.at(0); count > 0; count--) site.addNode(options, { id, membership, data });
  return null;
};

const deliverMessages: Command = (site, args) => {
  let type: MessageType | null = null;
  const recipients = args.numbers().map((id) => ({ id: peerId(id), drop: false }));
  for (const { key, value } of args.pairs()) {
    if (key === 'drop') {
      const id = peerId(args.number(value));
      if (recipients.some((other) => other.id === id)) args.fail(`both delivers and drops messages to ${id}`);
      recipients.push({ id, drop: true });
    } else if (key === 'type') {
      const name = Object.entries(messageNames).find(([, text]) => text === value)?.[0];
      if (name === undefined && !otherMessageNames.includes(value))
        args.fail(`unknown message type ${value}`);
      type = (name ?? 'never') as MessageType;
    }
  }
  let count = 0;
  for (const { id, drop } of recipients) {
    const messages = site.takeMessages(id, { drop, type });
    count += messages.length;
    if (drop) for (const message of messages) site.output.write(`dropped: ${site.describe(message)}\n`);
    else site.deliver(messages);
  }
  if (count === 0) site.output.write('no messages\n');
  return null;
};

const propose: Command = (site, args) => {
  const argument = args.all[1];
  if (args.all.length !== 2 || argument === undefined || argument.values.length > 0)
    args.fail('takes a member and one word');
  return problemOf(first(site, args).member.propose(new TextEncoder().encode(args.word(1))));
};

const proposeChange: Command = (site, args, input) => {
  const { member } = first(site, args);
  let single = false;
  let transition: Transition = 'auto';
  for (const { key, value } of args.pairs()) {
    if (key === 'v1') {
      const parsed = parseBool(value);
      if (parsed === undefined) return `strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`;
      single = parsed;
    } else if (key !== 'transition') return `unknown command ${key}`;
    else if (value === 'auto' || value === 'implicit' || value === 'explicit') transition = value;
    else return `unknown transition ${value}`;
  }
  const steps = parseSteps(input);
  if (typeof steps === 'string') return steps;
  if (single && (steps.length > 1 || transition !== 'auto'))
    return 'v1 conf change can only have one operation and no transition';
  if (single && steps.length === 0) args.fail('a v1 change has one step');
  const form = single ? 'single' : 'general';
  const change: MembershipChange = { form, transition, steps, context: leaveJoint.context };
  return problemOf(member.proposeChange(change));
};

const printLog = (site: Site, node: Node): null => {
  const firstIndex = node.log.firstIndex();
  const lastIndex = node.log.lastIndex();
  if (lastIndex < firstIndex)
    site.output.write(`log is empty: first index=${firstIndex}, last index=${lastIndex}`);
  else site.output.write(describeEntries(node.log.entries(firstIndex, lastIndex + 1, Infinity)!));
  return null;
};

const compact: Command = (site, args) => {
  const node = first(site, args);
  if (!node.log.compact(args.at(1))) return 'requested index is unavailable due to compaction';
  return printLog(site, node);
};

const printState: Command = (site) => {
  for (const { member } of site.nodes) {
    const { id, softState, hardState, membership } = member.status();
    const kind = votersOf(membership).includes(id) ? '(Voter)' : '(Non-Voter)';
    site.output.write(
      `${id}: ${roleNames[softState.role]} ${kind} Term:${hardState.term} Lead:${softState.lead}\n`,
    );
  }
  return null;
};

const setLevel = (site: Site, name: string): string | null => {
  const level = levels.find((known) => known === name.toUpperCase());
  if (level === undefined) return `log levels must be either of [${levels.join(' ')}]`;
  site.output.level = level;
  return null;
};

const stabilizeCommand: Command = (site, args) => {
  const before = site.output.level;
  try {
    for (const { key, value } of args.pairs()) {
      const problem = key === 'log-level' ? setLevel(site, value) : null;
      if (problem !== null) return problem;
    }
    const ids = args.numbers();
    stabilize(site, ids.length === 0 ? site.nodes : ids.map((id) => nodeOf(site, args, id)));
    return null;
  } finally {
    site.output.level = before;
  }
};

const tick =
  (ticks: number): Command =>
  (site, args) => {
    for (let count = 0; count < ticks; count++) first(site, args).member.tick();
    return null;
  };

const sendSnapshot: Command = (site, args) => {
  const [from, to] = args.numbers();
  const node = nodeOf(site, args, from ?? 0);
  const snapshot = node.history.at(-1)!;
  const { term } = node.member.status().hardState;
  const message = { type: 'snapshot', term, from: node.id, to: peerId(to ?? 0), snapshot } as const;
  site.messages.push(message);
  site.output.write(site.describe(message));
  return null;
};

const reportUnreachable: Command = (site, args) => {
  const ids = args.numbers();
  if (ids.length !== 2)
    return 'must specify exactly two node indexes: node on which to report, and reported node';
  nodeOf(site, args, ids[0]!).member.reportUnreachable(nodeOf(site, args, ids[1]!).id);
  return null;
};

const transfer: Command = (site, args) => {
  const from = nodeOf(site, args, args.number(args.named('from')));
  const to = nodeOf(site, args, args.number(args.named('to')));
  from.member.transferLeader(to.id);
  return null;
};

/** Every command of etcd's interaction environment. */
export const commands: Readonly<Record<string, Command>> = {
  _breakpoint: done,
  'add-nodes': addNodes,
  campaign: (site, args) => problemOf(first(site, args).member.campaign()),
  compact,
  'deliver-msgs': deliverMessages,
  'process-ready': (site, args) => each(site, args, 'handling Ready', (node) => site.processReady(node)),
  'process-append-thread': (site, args) =>
    each(site, args, 'processing append thread', (node) => site.processAppend(node)),
  'process-apply-thread': (site, args) =>
    each(site, args, 'processing apply thread', (node) => site.processApply(node)),
  'log-level': (site, args) => setLevel(site, args.word(0)),
  'raft-log': (site, args) => printLog(site, first(site, args)),
  'raft-state': printState,
  'set-randomized-election-timeout': (site, args) => {
    first(site, args).member.setElectionTimeout(args.number(args.named('timeout')));
    return null;
  },
  stabilize: stabilizeCommand,
  status: (site, args) => {
    site.output.write(describeProgressOf(first(site, args).member.status().progress));
    return null;
  },
  'tick-election': tick(electionTicks),
  'tick-heartbeat': tick(heartbeatTicks),
  'transfer-leadership': transfer,
  'forget-leader': (site, args) => {
    first(site, args).member.forgetLeader();
    return null;
  },
  'send-snapshot': sendSnapshot,
  propose,
  'propose-conf-change': proposeChange,
  'report-unreachable': reportUnreachable,
};

export function runInteraction(site: Site, directive: Directive): string {
  site.output.clear();
  const command = commands[directive.command];
  const problem =
    command === undefined ? 'unknown command' : command(site, new Arguments(directive), directive.input);
  if (problem !== null) {
    if (site.output.quiet) return problem;
    site.output.write(problem);
  }
  return site.output.text === '' ? 'ok' : site.output.text;
}
