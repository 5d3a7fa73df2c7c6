import { describe, expect, it } from 'vitest';
import { Prng } from '#agent/base/prng.ts';
import { millis } from '#agent/base/units.ts';
import { agentId, type AgentId } from '#agent/mesh/swim/agent-id.ts';
import type { Claim } from '#agent/mesh/swim/claim.ts';
import { digestOf } from '#agent/mesh/swim/digest.ts';
import type { SwimEffect } from '#agent/mesh/swim/effect.ts';
import { limits } from '#agent/mesh/swim/limits.ts';
import type { Message } from '#agent/mesh/swim/message.ts';
import { edgeLan } from '#agent/mesh/swim/parameters.ts';
import { ProbeOrder } from '#agent/mesh/swim/probe-order.ts';
import { Swim } from '#agent/mesh/swim/swim.ts';

type Send = Extract<SwimEffect, { kind: 'send' }>;

const peer = (n: number): AgentId => agentId(`gw-${n}`);

function claimAbout(n: number, change: Partial<Claim> = {}): Claim {
  return {
    agent: peer(n),
    state: 'alive',
    incarnation: 1,
    details: { address: `10.0.0.${n}:7435`, instance: n, attributes: '' },
    accusers: [],
    ageSeconds: 0,
    ...change,
  };
}

/** One machine, hand-fed. Agent gw-0, started at 0; members vouch for each other. */
function machine(members: number) {
  const swim = new Swim({
    self: peer(0),
    address: '10.0.0.0:7435',
    attributes: '',
    seeds: [],
    incarnationCeiling: 0,
    parameters: edgeLan,
    entropy: new Prng(3),
  });
  let clock = 0;
  const notes: string[] = [];
  const step = (event: Parameters<Swim['step']>[0]): Send[] => {
    const effects = swim.step(event, millis(clock));
    for (const effect of effects) if (effect.kind === 'note') notes.push(effect.note.what);
    return effects.filter((effect) => effect.kind === 'send');
  };
  const receive = (from: AgentId, message: Message) => step({ kind: 'receive', from, message });
  /** Ticks through deadlines until one sends something that fits; at most a minute. */
  const untilAll = (isWanted: (send: Send) => boolean): Send[] => {
    const end = clock + 60_000;
    while (clock < end) {
      clock = swim.nextDeadline()!;
      const found = step({ kind: 'tick' }).filter(isWanted);
      if (found.length > 0) return found;
    }
    throw new Error('nothing of the kind was sent');
  };
  const until = (isWanted: (send: Send) => boolean): Send => untilAll(isWanted)[0]!;
  const wait = (spanMs: number): Send[] => {
    const sends: Send[] = [];
    const end = clock + spanMs;
    while (swim.nextDeadline()! <= end) {
      clock = swim.nextDeadline()!;
      sends.push(...step({ kind: 'tick' }));
    }
    clock = end;
    return sends;
  };
  const learn = (numbers: readonly number[]) => {
    for (const n of numbers) receive(peer(n === 1 ? 2 : 1), { kind: 'gossip', claims: [claimAbout(n)] });
  };
  step({ kind: 'start' });
  learn(Array.from({ length: members }, (_, i) => i + 1));
  return { swim, notes, receive, until, untilAll, wait, learn };
}

const isKind = (kind: Message['kind']) => (send: Send) => send.message.kind === kind;
const numbered = (send: Send): number => ('sequence' in send.message ? send.message.sequence : -1);

describe('a probe', () => {
  it('is answered as well over the second lane', () => {
    const { until, receive, notes, wait } = machine(1);
    const again = until((send) => send.lane === 'bulk');
    expect(again.to).toBe(peer(1));
    receive(peer(1), { kind: 'ack', sequence: numbered(again), claims: [] });
    wait(600);
    expect(notes).toEqual([]);
  });

  it('repeats its ping over both lanes, without news, until it is answered', () => {
    const { until, wait } = machine(1);
    const first = until((send) => send.lane === 'bulk');
    const repeated = wait(480).filter((send) => isKind('ping')(send) && numbered(send) === numbered(first));
    expect(repeated).toHaveLength(edgeLan.repeatedPings - 1);
    expect(repeated.filter((send) => send.lane === 'control')).toHaveLength(6);
    expect([first, ...repeated].flatMap((send) => send.message.claims)).toEqual([]);
  });

  it('that is answered late stops repeating', () => {
    const { until, receive, wait, notes } = machine(1);
    const second = until((send) => send.lane === 'bulk');
    receive(peer(1), { kind: 'ack', sequence: numbered(second), claims: [] });
    expect(wait(400).filter((send) => numbered(send) === numbered(second))).toEqual([]);
    expect(notes).toEqual([]);
  });

  it('takes no answer from an agent that was not asked', () => {
    const { until, receive, swim } = machine(3);
    const ping = until(isKind('ping'));
    const stranger = [1, 2, 3].map(peer).find((agent) => agent !== ping.to)!;
    receive(stranger, { kind: 'ack', sequence: numbered(ping), claims: [] });
    expect(swim.inspect().probing).toBe(ping.to);
    receive(ping.to!, { kind: 'ack', sequence: numbered(ping), claims: [] });
    expect(swim.inspect().probing).toBeNull();
  });

  it.each([
    { nacks: 0, health: 3 },
    { nacks: 2, health: 1 },
    { nacks: 3, health: 0 },
  ])('that fails with $nacks of 3 nacks costs $health of our health', ({ nacks, health }) => {
    const { untilAll, receive, swim, notes, wait } = machine(5);
    const helpers = untilAll(isKind('ping-request'));
    expect(helpers).toHaveLength(3);
    for (const helper of helpers.slice(0, nacks))
      receive(helper.to!, { kind: 'nack', sequence: numbered(helper), claims: [] });
    wait(600);
    expect(notes).toContain('probe-failed');
    expect(swim.inspect().health).toBe(health);
  });

  it('reaches newcomers within the turn they came in', () => {
    const { wait, learn } = machine(10);
    wait(1_500);
    const newcomers = Array.from({ length: 10 }, (_, i) => 11 + i);
    learn(newcomers);
    const probed = wait(9_000).filter(isKind('ping'));
    expect(probed.some((send) => newcomers.map(peer).includes(send.to!))).toBe(true);
  });

  it('goes round in another order each turn', () => {
    const order = new ProbeOrder(new Prng(1));
    const agents = Array.from({ length: 12 }, (_, i) => peer(i));
    const turn = () => agents.map(() => order.take(Boolean, () => [...agents]));
    expect(turn()).not.toEqual(turn());
  });
});

describe('an accused agent', () => {
  it('is told so when it speaks, at most once an interval', () => {
    const { receive, wait } = machine(3);
    const accusers = [{ agent: peer(2), refused: false }];
    receive(peer(2), {
      kind: 'gossip',
      claims: [claimAbout(3, { state: 'suspect', details: null, accusers })],
    });
    wait(5_000);
    const speak = () =>
      receive(peer(3), { kind: 'gossip', claims: [] }).filter((send) => send.to === peer(3));
    const told = speak();
    expect(told).toHaveLength(1);
    expect(told[0]!.message.claims[0]).toMatchObject({ agent: peer(3), state: 'suspect' });
    expect(speak()).toEqual([]);
    wait(1_000);
    expect(speak()).toHaveLength(1);
  });
});

describe('an exchange', () => {
  const full = 2 ** limits.digestCells - 1;
  const own = (swim: Swim): Claim => {
    const { incarnation } = swim.inspect();
    return { ...claimAbout(0), incarnation };
  };
  const answerTo = (receive: ReturnType<typeof machine>['receive']) => {
    const cells = Array.from({ length: limits.digestCells }, () => 1);
    return receive(peer(1), { kind: 'digest', cells, claims: [] })
      .filter(isKind('state'))
      .flatMap((send) => send.message.claims);
  };

  it('ends with the digest when both hold the same', () => {
    const { swim, receive } = machine(3);
    const same = digestOf([own(swim), claimAbout(1), claimAbout(2), claimAbout(3)]);
    const sends = receive(peer(1), { kind: 'digest', cells: same, claims: [] });
    expect(sends.filter(isKind('state'))).toEqual([]);
  });

  it('says how long the gone are gone, rounded up', () => {
    const { receive, wait } = machine(2);
    receive(peer(1), { kind: 'gossip', claims: [claimAbout(2, { state: 'left', ageSeconds: 10 })] });
    wait(4_500);
    expect(answerTo(receive)).toContainEqual(claimAbout(2, { state: 'left', ageSeconds: 15 }));
  });

  it('does not pass the details of one incarnation on as those of the next, and takes the right ones later', () => {
    const { receive } = machine(3);
    const accusers = [{ agent: peer(2), refused: false }];
    const accusation = claimAbout(3, { state: 'suspect', incarnation: 2, details: null, accusers });
    receive(peer(2), { kind: 'gossip', claims: [accusation] });
    expect(answerTo(receive)).toContainEqual(accusation);
    const details = { address: '10.0.0.33:7435', instance: 33, attributes: '' };
    receive(peer(2), { kind: 'gossip', claims: [{ ...accusation, details }] });
    expect(answerTo(receive)).toContainEqual({ ...accusation, details });
  });

  it('sends back what the answering agent lacks or holds worse, and nothing else', () => {
    const { swim, receive } = machine(3);
    const theirs = [claimAbout(1), claimAbout(2, { incarnation: 0 })];
    const sends = receive(peer(1), { kind: 'state', cells: full, answer: true, claims: theirs });
    const back = sends.filter(isKind('state')).flatMap((send) => send.message.claims);
    expect(back.map((claim) => claim.agent).sort()).toEqual([swim.inspect().self, peer(2), peer(3)]);
  });
});

describe('a full table', () => {
  it('makes room by forgetting the longest gone, and refuses when all are present', () => {
    const { swim, receive, learn, notes } = machine(limits.membersMax);
    expect(swim.inspect().members).toHaveLength(limits.membersMax);
    learn([5_000]);
    expect(notes).toContain('table-full');
    receive(peer(1), { kind: 'gossip', claims: [claimAbout(7, { state: 'left', ageSeconds: 3 })] });
    learn([5_001]);
    const agents = swim.inspect().members.map((member) => member.agent);
    expect(agents).toContain(peer(5_001));
    expect(agents).not.toContain(peer(7));
    expect(agents).toHaveLength(limits.membersMax);
  });
});
