import { peerId } from '#agent/mesh/raft/peer-id.ts';
import { promotableLearners } from '#agent/mesh/raft/promotion.ts';
import { parseScript, type Directive } from '#test/conformance/mesh/raft/datadriven.ts';
import { Arguments } from '#test/conformance/mesh/raft/interaction/arguments.ts';
import { runInteraction } from '#test/conformance/mesh/raft/interaction/commands.ts';
import { Site, type GroupRules, type Node } from '#test/conformance/mesh/raft/interaction/site.ts';
import { august2026 } from '#test/conformance/mesh/raft/release.ts';
import type { Run } from '../play.ts';
import { settle } from './settle.ts';

/** The group as sites run it, unlike the bare one that etcd-io/raft's own scripts take. */
const ourRules: GroupRules = {
  preVote: true,
  checkQuorum: true,
  stepDownOnRemoval: true,
  guardImpossible: true,
  frankVotes: true,
  ownVoteFirst: true,
  retryLeave: true,
  restoresState: true,
};

type StoryCommand = (site: Site, args: Arguments) => string;

function nodeOf(site: Site, args: Arguments): Node {
  return site.nodes[args.at(0) - 1] ?? args.fail(`there is no member ${args.at(0)}`);
}

/** What the stories say beyond etcd-io/raft's commands (README.md explains both). */
const storyCommands: Readonly<Record<string, StoryCommand>> = {
  'cut-off': (site, args) => {
    for (const id of args.numbers()) site.cutOff.add(peerId(id));
    site.messages = site.messages.filter(
      (message) =>
        message.from === message.to || !(site.cutOff.has(message.to) || site.cutOff.has(message.from)),
    );
    return 'ok';
  },
  heal: (site, args) => {
    const ids = args.numbers().map(peerId);
    for (const id of ids.length === 0 ? [...site.cutOff] : ids) site.cutOff.delete(id);
    return 'ok';
  },
  settle: (site, args) => {
    const ids = args.numbers();
    settle(site, ids.length === 0 ? site.nodes.map(({ id }) => id) : ids.map(peerId));
    return 'nothing happens';
  },
  'read-index': (site, args) => {
    const outcome = nodeOf(site, args).member.readIndex(new TextEncoder().encode(args.word(1)));
    return outcome.taken ? 'ok' : `refused: ${outcome.refusal}`;
  },
  'learners-to-promote': (site, args) => {
    const lag = args.number(args.named('lag'));
    return promotableLearners(nodeOf(site, args).member.status(), lag).join(' ') || 'none';
  },
  restart: (site, args) => {
    const lost = args.pairs().find(({ key }) => key === 'lose-entries');
    site.restart(nodeOf(site, args), { lostEntries: lost === undefined ? 0 : args.number(lost.value) });
    return 'ok';
  },
  state: (site, args) => {
    const { data } = nodeOf(site, args).history.at(-1)!;
    return JSON.stringify(new TextDecoder().decode(data));
  },
};

/** Sets the scene: each line of the input is a directive, of which only refusals are told. */
function quietly(site: Site, input: string): string {
  let after = site.output.level;
  const refusals = input.split('\n').flatMap((line) => {
    site.output.level = 'NONE';
    const answer = parseScript(line)
      .map((directive) => runDirective(site, directive))
      .join('');
    if (line.startsWith('log-level ')) after = site.output.level;
    return answer === 'ok' || answer === 'nothing happens' ? [] : [`${line}: ${answer}`];
  });
  site.output.level = after;
  return refusals.length === 0 ? 'ok' : refusals.join('\n');
}

function runDirective(site: Site, directive: Directive): string {
  if (directive.command === 'quietly') return quietly(site, directive.input);
  const command = storyCommands[directive.command];
  if (command === undefined) return runInteraction(site, directive);
  site.output.clear();
  const answer = command(site, new Arguments(directive));
  return site.output.text === '' ? answer : site.output.text;
}

export function raftStory(): Run {
  const site = new Site(august2026, ourRules);
  return (directive) => runDirective(site, directive);
}
