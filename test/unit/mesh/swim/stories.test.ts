import { describe, expect, it } from 'vitest';
import type { MemberView, SwimNote } from '#agent/mesh/swim/effect.ts';
import type { SwimParameters } from '#agent/mesh/swim/parameters.ts';
import type { Weather } from '#test/simulation/swim/network.ts';
import { Invariants } from '#test/simulation/swim/invariants.ts';
import { Site } from '#test/simulation/swim/site.ts';

/** Stories of a site, each on the production machines under virtual time; the invariants hold through all of them. */

interface Told {
  readonly observer: number;
  readonly at: number;
  readonly member: MemberView;
}

function siteOf(
  size: number,
  options: {
    readonly weather?: Partial<Weather>;
    readonly parameters?: Partial<SwimParameters>;
  } = {},
) {
  const site = new Site({ seed: size, size, ...options });
  const told: Told[] = [];
  const notes: { readonly observer: number; readonly note: SwimNote }[] = [];
  site.witnesses.push(new Invariants(site), {
    stepped(place, _, effects) {
      for (const effect of effects) {
        if (effect.kind === 'member')
          told.push({ observer: place.index, at: site.now, member: effect.member });
        if (effect.kind === 'note') notes.push({ observer: place.index, note: effect.note });
      }
    },
  });
  return { site, told, notes };
}

function joinedSite(size: number, options: Parameters<typeof siteOf>[1] = {}) {
  const all = siteOf(size, options);
  all.site.startAll();
  const joinedMs = all.site.runUntil(() => all.site.isOfOneMind(), 30_000);
  expect(joinedMs).toBeLessThan(30_000);
  all.site.run(5_000);
  all.told.length = 0;
  all.notes.length = 0;
  return { ...all, joinedMs };
}

function heldBy(site: Site, observer: number, subject: number): MemberView | undefined {
  const { agent } = site.places[subject]!;
  return site.places[observer]!.swim!.inspect().members.find((member) => member.agent === agent);
}

describe('coming', () => {
  it('lets twenty agents find each other through two seeds within two seconds', () => {
    const { joinedMs } = joinedSite(20);
    expect(joinedMs).toBeLessThan(2_000);
  });

  it('keeps asking while no seed answers, and joins when one comes up', () => {
    const { site } = siteOf(2);
    site.start(1);
    site.run(20_000);
    expect(site.isOfOneMind()).toBe(true);
    site.start(0, []);
    expect(site.runUntil(() => site.isOfOneMind() && heldBy(site, 0, 1) !== undefined, 20_000)).toBeLessThan(
      20_000,
    );
  });

  it('does not let in an agent that can speak and cannot be reached', () => {
    const { site, told, notes } = joinedSite(4);
    site.crash(3);
    site.runUntil(() => site.isOfOneMind(), 30_000);
    told.length = 0;
    for (const other of [0, 1, 2]) site.network.cut(other, 3);
    site.start(3);
    site.run(30_000);
    expect(told.filter(({ member, observer }) => observer !== 3 && member.agent === 'gw-3')).toEqual([]);
    expect(notes.some(({ note }) => note.what === 'not-admitted' && note.agent === 'gw-3')).toBe(true);
  });

  it('takes over a new address under the old id', () => {
    const { site } = joinedSite(5);
    site.happen(2, { kind: 'describe', address: 'gw-2.local:7435', attributes: 'uplink=up' });
    site.run(2_000);
    for (const observer of [0, 1, 3, 4])
      expect(heldBy(site, observer, 2)).toMatchObject({
        address: 'gw-2.local:7435',
        attributes: 'uplink=up',
      });
  });
});

describe('dying', () => {
  it('tells all of thirty within 1.5 seconds that a process is gone', () => {
    const { site } = joinedSite(30);
    site.crash(7, { refusing: true });
    expect(site.runUntil(() => site.isOfOneMind(), 30_000)).toBeLessThan(1_500);
  });

  it('is not talked out of a refused dial by the last refutation of the dead', () => {
    const { site } = joinedSite(10);
    const { agent } = site.places[4]!;
    site.crash(4, { refusing: true });
    site.run(100);
    const held = heldBy(site, 0, 4)!;
    const { address, instance, attributes } = held;
    const claim = {
      agent,
      state: 'alive',
      incarnation: held.incarnation + 1,
      details: { address, instance, attributes },
      accusers: [],
      ageSeconds: 0,
    } as const;
    const message = { kind: 'gossip', claims: [claim] } as const;
    for (const { index } of site.alive)
      site.happen(index, { kind: 'receive', from: site.places[(index + 1) % 4]!.agent, message });
    expect(site.runUntil(() => site.isOfOneMind(), 30_000)).toBeLessThan(1_500);
  });

  it('waits for silence to last when the power of a machine is cut', () => {
    const { site, told } = joinedSite(10);
    site.crash(4);
    const knownMs = site.runUntil(() => site.isOfOneMind(), 60_000);
    expect(knownMs).toBeGreaterThan(4_000);
    expect(knownMs).toBeLessThan(12_000);
    expect(told.filter(({ member }) => member.agent !== 'gw-4')).toEqual([]);
  });

  it('learns in a site of two without anybody to ask', () => {
    const { site } = joinedSite(2);
    site.crash(1);
    expect(site.runUntil(() => site.isOfOneMind(), 60_000)).toBeLessThan(7_000);
  });

  it('does not count a single refused dial as a death', () => {
    const { site, told } = joinedSite(6);
    site.happen(0, { kind: 'link-lost', agent: site.places[5]!.agent, refused: true });
    site.run(20_000);
    expect(told.filter(({ member }) => member.state === 'unreachable')).toEqual([]);
    expect(site.isOfOneMind()).toBe(true);
  });
});

describe('being accused', () => {
  it('goes round a broken path between two agents without accusing either', () => {
    const { site, told } = joinedSite(5);
    site.network.split([1], [2]);
    site.run(60_000);
    expect(told).toEqual([]);
  });

  it('uses the second lane when nobody is there to help', () => {
    const { site, told } = joinedSite(2, { weather: { loss: 0.05 } });
    site.run(60_000);
    expect(told.filter(({ member }) => member.state === 'unreachable')).toEqual([]);
  });

  it('refutes with a higher incarnation, and its disk has reserved it', () => {
    const { site, notes } = joinedSite(8);
    const before = site.places[3]!.swim!.inspect().incarnation;
    site.pause(3, 60_000);
    expect(site.runUntil(() => heldBy(site, 0, 3)?.state === 'suspect', 20_000)).toBeLessThan(20_000);
    site.pause(3, 1);
    site.run(12_000);
    expect(notes).toContainEqual({
      observer: 3,
      note: expect.objectContaining({ what: 'refuted', accusedAs: 'suspect' }),
    });
    const { incarnation } = site.places[3]!.swim!.inspect();
    expect(incarnation).toBeGreaterThan(before);
    expect(site.places[3]!.ceiling).toBeGreaterThanOrEqual(incarnation);
    expect(site.isOfOneMind()).toBe(true);
  });

  it('blames nobody for the time it stood still itself', () => {
    const { site, told, notes } = joinedSite(8);
    site.pause(3, 60_000);
    site.run(60_000);
    told.length = 0;
    site.run(10_000);
    expect(notes.some(({ observer, note }) => observer === 3 && note.what === 'paused')).toBe(true);
    expect(told.filter(({ observer, member }) => observer === 3 && member.state === 'unreachable')).toEqual(
      [],
    );
    expect(site.runUntil(() => site.isOfOneMind(), 30_000)).toBeLessThan(30_000);
  });

  it('slows its probes and not its neighbours down when its own reception is bad', () => {
    const { site } = joinedSite(6);
    for (const other of [0, 1, 2, 3, 4]) site.network.cut(other, 5);
    site.run(8_000);
    expect(site.places[5]!.swim!.inspect().health).toBeGreaterThan(3);
    expect(site.places[0]!.swim!.inspect().health).toBeLessThan(3);
  });
});

describe('coming back', () => {
  it('is believed after a restart although all hold it unreachable', () => {
    const { site } = joinedSite(6);
    site.crash(2);
    site.runUntil(() => site.isOfOneMind(), 30_000);
    const before = heldBy(site, 0, 2)!;
    site.start(2);
    expect(site.runUntil(() => site.isOfOneMind(), 5_000)).toBeLessThan(5_000);
    expect(heldBy(site, 0, 2)!.incarnation).toBeGreaterThan(before.incarnation);
  });

  it('is told its old incarnation when its disk was wiped, and speaks above it', () => {
    const site = new Site({ seed: 6, size: 4 });
    const invariants = new Invariants(site);
    site.witnesses.push(invariants);
    site.startAll();
    site.run(5_000);
    const before = heldBy(site, 0, 2)!;
    site.crash(2);
    site.places[2]!.ceiling = 0;
    invariants.wiped(site.places[2]!);
    site.runUntil(() => site.isOfOneMind(), 30_000);
    site.start(2);
    expect(site.runUntil(() => site.isOfOneMind(), 10_000)).toBeLessThan(10_000);
    expect(heldBy(site, 0, 2)!.incarnation).toBeGreaterThan(before.incarnation);
  });

  it('joins agents to the others that began on the far side of a split, strangers or gone by then', () => {
    const site = new Site({ seed: 5, size: 5 });
    const seeds = [0, 1, 2, 3, 4];
    for (const index of [0, 1, 2]) site.start(index, seeds);
    site.run(5_000);
    site.happen(2, { kind: 'leave' });
    site.run(10_000);
    site.crash(2);
    site.network.split([0, 1], [2, 3, 4]);
    for (const index of [2, 3, 4]) site.start(index, seeds);
    site.run(60_000);
    expect(site.places[2]!.swim!.inspect().members.map(({ agent }) => agent)).toEqual(['gw-3', 'gw-4']);

    site.network.heal();

    expect(site.runUntil(() => site.isOfOneMind(), 120_000, 50)).toBeLessThan(120_000);
  });

  it('joins the halves of a split again, however long it lasted', () => {
    const { site } = joinedSite(10);
    site.network.split([0, 1, 2, 3, 4], [5, 6, 7, 8, 9]);
    site.run(200_000);
    expect(heldBy(site, 0, 9)!.state).toBe('unreachable');
    site.network.heal();
    expect(site.runUntil(() => site.isOfOneMind(), 40_000)).toBeLessThan(40_000);
  });

  it('calls an agent flapping that restarts again and again, until it has been calm', () => {
    const { site } = joinedSite(4);
    for (let life = 0; life < 4; life++) {
      site.crash(3, { refusing: true });
      site.run(3_000);
      site.start(3);
      site.run(3_000);
    }
    expect(heldBy(site, 0, 3)).toMatchObject({ state: 'alive', isFlapping: true });
    site.run(300_000);
    expect(heldBy(site, 0, 3)).toMatchObject({ state: 'alive', isFlapping: false });
  });
});

describe('going', () => {
  it('says goodbye, is held left by all and departs within its second', () => {
    const { site, told } = joinedSite(12);
    site.happen(5, { kind: 'leave' });
    site.run(1_100);
    expect(site.places[5]!.swim).toBeNull();
    for (const { index } of site.alive) expect(heldBy(site, index, 5)!.state).toBe('left');
    site.run(30_000);
    expect(told.filter(({ member }) => member.state === 'unreachable')).toEqual([]);
  });

  it('keeps a removed agent out for ever, and tells it', () => {
    const { site, notes } = joinedSite(4);
    site.happen(0, { kind: 'remove', agent: site.places[3]!.agent });
    site.run(5_000);
    expect(notes).toContainEqual({ observer: 3, note: { what: 'removed-ourselves' } });
    for (const observer of [0, 1, 2]) expect(heldBy(site, observer, 3)!.state).toBe('removed');
    site.crash(3);
    site.start(3);
    site.run(20_000);
    for (const observer of [0, 1, 2]) expect(heldBy(site, observer, 3)!.state).toBe('removed');
  });

  it('never removes a voter by hearsay', () => {
    const { site } = joinedSite(4);
    const voter = site.places[3]!.agent;
    for (const index of [1, 2, 3]) site.happen(index, { kind: 'keep', agents: [voter] });
    site.happen(0, { kind: 'remove', agent: voter });
    site.run(30_000);
    for (const observer of [1, 2]) expect(heldBy(site, observer, 3)!.state).toBe('alive');
    expect(site.places[3]!.swim!.inspect().phase).toBe('running');
  });

  it('forgets the gone everywhere at about the same time, kept ones never', () => {
    const { site } = joinedSite(6, { parameters: { rememberMs: 60_000 } });
    for (const index of [0, 1, 2, 3]) site.happen(index, { kind: 'keep', agents: [site.places[4]!.agent] });
    site.crash(4);
    site.crash(5);
    site.run(55_000);
    site.start(4, []);
    site.crash(4);
    site.run(40_000);
    for (const observer of [0, 1, 2, 3]) {
      expect(heldBy(site, observer, 5)).toBeUndefined();
      expect(heldBy(site, observer, 4)!.state).toBe('unreachable');
    }
    site.run(60_000);
    for (const observer of [0, 1, 2, 3]) expect(heldBy(site, observer, 5)).toBeUndefined();
  });
});

describe('misuse', () => {
  it('notices two agents under one id and keeps the noise down', () => {
    const { site, notes } = joinedSite(3);
    const [one, , twin] = site.places;
    site.crash(2);
    (twin as { agent: string }).agent = one!.agent;
    const before = site.places.map((place) => place.sentMessages);
    site.witnesses.splice(0, 1);
    site.start(2, [1]);
    site.run(30_000);
    expect(notes.filter(({ note }) => note.what === 'id-in-use').length).toBeGreaterThan(0);
    const perSecond = (site.places[1]!.sentMessages - before[1]!) / 30;
    expect(perSecond).toBeLessThan(40);
  });
});
