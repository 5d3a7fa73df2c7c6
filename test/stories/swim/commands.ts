import { assert } from '#agent/base/assert.ts';
import type { SwimEffect } from '#agent/mesh/swim/effect.ts';
import { parseScript, type Directive } from '#test/conformance/mesh/raft/datadriven.ts';
import { Arguments } from '#test/conformance/mesh/raft/interaction/arguments.ts';
import { Invariants } from '#test/simulation/swim/invariants.ts';
import { Site, type Place } from '#test/simulation/swim/site.ts';
import type { Run } from '../play.ts';
import { seconds, tell, tellMessage } from './transcript.ts';

/** A story that waits longer than this for peace has gone wrong. */
const settleMsMax = 600_000;

/** A site with what happens in it, as it is told. */
class Story {
  readonly site: Site;
  readonly invariants: Invariants;
  readonly #names: readonly string[];
  /** Agents whose messages are told, and those of others that ask for help with them. */
  readonly watched = new Set<string>();
  #lines: string[] = [];

  constructor(names: readonly string[], seed: number) {
    this.#names = names;
    this.site = new Site({ seed, size: names.length, nameOf: (index) => names[index]! });
    this.invariants = new Invariants(this.site);
    this.site.witnesses.push(this.invariants, {
      stepped: (place, _, effects) => {
        for (const effect of effects) this.#tell(place, effect);
      },
    });
  }

  place(name: string): Place {
    const place = this.site.places[this.#names.indexOf(name)];
    assert(place !== undefined, `there is no agent ${name}`);
    return place;
  }

  put(lines: readonly string[]): void {
    this.#lines.push(...lines);
  }

  takeLines(): string[] {
    const lines = this.#lines;
    this.#lines = [];
    return lines;
  }

  #tell(place: Place, effect: SwimEffect): void {
    const text = effect.kind === 'send' ? this.#tellSend(place, effect) : `: ${tell(effect)}`;
    if (text !== null) this.#lines.push(`${(this.site.now / 1000).toFixed(3)} ${place.agent}${text}`);
  }

  #tellSend(
    place: Place,
    { to, address, lane, message }: Extract<SwimEffect, { kind: 'send' }>,
  ): string | null {
    const receiver = this.site.places.find((other) => other.agent === to || other.address === address)!;
    const isAbout = message.kind === 'ping-request' && this.watched.has(message.target);
    if (!isAbout && !this.watched.has(place.agent) && !this.watched.has(receiver.agent)) return null;
    const isDead = receiver.swim === null || this.site.network.isCut(place.index, receiver.index);
    const way = lane === 'bulk' ? ' over the second lane' : '';
    return ` -> ${receiver.agent} ${tellMessage(message)}${way}${isDead ? ' (lost)' : ''}`;
  }
}

type Command = (story: Story, args: Arguments) => string | void;

const named = (story: Story, args: Arguments): Place[] =>
  args.all.filter(({ values }) => values.length === 0).map(({ key }) => story.place(key));

const listed = (story: Story, args: Arguments, name: string): number[] =>
  args.all
    .filter(({ key }) => key === name)
    .flatMap(({ values }) => values.map((value) => story.place(value).index));

/** `500ms`, `2s`, `3min`. */
function spanMs(args: Arguments, text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|min)$/.exec(text) ?? args.fail(`not a span of time: ${text}`);
  return Number(match[1]) * { ms: 1, s: 1_000, min: 60_000 }[match[2] as 'ms' | 's' | 'min'];
}

const everyPlace =
  (act: (story: Story, place: Place) => void): Command =>
  (story, args) => {
    for (const place of named(story, args)) act(story, place);
  };

const commands: Readonly<Record<string, Command>> = {
  join: (story, args) => {
    const via = listed(story, args, 'via');
    for (const { index } of named(story, args)) story.site.start(index, via);
  },
  advance: (story, args) => story.site.run(spanMs(args, args.word(0))),
  settle: (story) => {
    const spent = story.site.runUntil(() => story.site.isOfOneMind(), settleMsMax);
    return spent === Infinity ? `no peace within ${seconds(settleMsMax, 0)}` : undefined;
  },
  await: (story, args) => awaitLine(story, args.named('line')),
  watch: (story, args) => {
    story.watched.clear();
    for (const place of named(story, args)) story.watched.add(place.agent);
  },
  kill: everyPlace((story, { index }) => story.site.crash(index, { refusing: true })),
  'power-off': everyPlace((story, { index }) => story.site.crash(index)),
  leave: everyPlace((story, { index }) => story.site.happen(index, { kind: 'leave' })),
  wipe: everyPlace((story, place) => {
    place.ceiling = 0;
    story.invariants.wiped(place);
  }),
  pause: (story, args) => story.site.pause(story.place(args.word(0)).index, spanMs(args, args.word(1))),
  deafen: everyPlace((story, { index }) => {
    for (const other of story.site.places) story.site.network.cut(other.index, index);
  }),
  split: (story, args) => story.site.network.split(listed(story, args, 'left'), listed(story, args, 'right')),
  heal: (story) => story.site.network.heal(),
  members: (story, args) => {
    const { swim } = story.place(args.word(0));
    const lines = swim!.inspect().members.map(({ agent, state, incarnation, isFlapping }) => {
      return `${agent} ${state} @${incarnation}${isFlapping ? ', flapping' : ''}`;
    });
    return lines.join('\n') || 'nobody';
  },
  suspicions: (story) => {
    const lines = story.site.alive.flatMap((place) =>
      place.swim!.inspect().suspicions.map(({ agent, accusers, endsAt }) => {
        const leftMs = endsAt + place.clockZero - story.site.now;
        return `${place.agent}: ${agent}, accused by ${accusers.map((each) => each.agent).join(', ')}; ${seconds(leftMs, 1)} left`;
      }),
    );
    return lines.join('\n') || 'none';
  },
  metrics: (story) => {
    const lines = story.site.alive.map((place) => {
      const { incarnation, incarnationCeiling, health } = place.swim!.inspect();
      const sent = `${place.sentMessages} messages, ${place.sentBytes} bytes`;
      place.sentMessages = 0;
      place.sentBytes = 0;
      return `${place.agent}: @${incarnation}, ${incarnationCeiling} reserved, health ${health}, sent ${sent}`;
    });
    return lines.join('\n');
  },
};

/** Runs on until something is told that holds the given words; what came before it is passed over. */
function awaitLine(story: Story, words: string): void {
  for (let spentMs = 0; spentMs < settleMsMax; spentMs++) {
    story.site.run(1);
    const lines = story.takeLines();
    const at = lines.findIndex((line) => line.includes(words));
    if (at >= 0) return story.put(lines.slice(at));
  }
  story.put([`"${words}" did not happen within ${seconds(settleMsMax, 0)}`]);
}

/** Sets the scene: each line of the input is a directive, and nothing is told of it. */
function quietly(run: Run, input: string): string {
  for (const line of input.split('\n')) for (const directive of parseScript(line)) run(directive);
  return 'ok';
}

/** Scripts that are told by the production machines under virtual time (README.md has the commands). */
export function swimStory(): Run {
  let story: Story | null = null;
  const run = (directive: Directive): string => {
    const args = new Arguments(directive);
    if (directive.command === 'quietly') return quietly(run, directive.input);
    if (directive.command === 'site') {
      const names = args.all.filter(({ values }) => values.length === 0).map(({ key }) => key);
      story = new Story(names, args.number(args.named('seed')));
      return 'ok';
    }
    const command = commands[directive.command] ?? args.fail('unknown command');
    if (story === null) return args.fail('the first command is site');
    const answer = command(story, args);
    const lines = story.takeLines();
    return [...lines, ...(answer === undefined ? [] : [answer])].join('\n') || 'ok';
  };
  return run;
}
