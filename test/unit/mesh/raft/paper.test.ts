import { describe, expect, test } from 'vitest';
import { logStart } from '#agent/mesh/raft/log/log-reader.ts';
import type { PeerMessage } from '#agent/mesh/raft/message.ts';
import { noPeer, peerId } from '#agent/mesh/raft/peer-id.ts';
import { bytes, entriesOf, Group, Host, ids, text } from './group.ts';

/** The rules of "In Search of an Understandable Consensus Algorithm (Extended Version)", a test a rule, by section. */

const heartbeat = (from: number, term: number, to = 1): PeerMessage => ({
  type: 'heartbeat',
  from: peerId(from),
  to: peerId(to),
  term,
  commit: 0,
  readMark: 0,
});
const vote = (from: number, term: number, last = logStart): PeerMessage => ({
  type: 'vote',
  from: peerId(from),
  to: peerId(1),
  term,
  last,
  commit: logStart,
  transfer: false,
});
const voteAnswer = (from: number, term: number, granted: boolean): PeerMessage => ({
  type: 'vote-answer',
  from: peerId(from),
  to: peerId(1),
  term,
  granted,
  commit: logStart,
});
const append = (options: Partial<Extract<PeerMessage, { type: 'append' }>>): PeerMessage => ({
  type: 'append',
  from: peerId(2),
  to: peerId(1),
  term: 1,
  previous: logStart,
  entries: [],
  commit: 0,
  ...options,
});
const accepted = (from: number, term: number, index: number): PeerMessage => ({
  type: 'append-answer',
  from: peerId(from),
  to: peerId(1),
  term,
  index,
  refused: null,
});

const candidate = (options = {}): Host => {
  const host = new Host(options);
  host.member.campaign();
  host.flush();
  return host;
};
const leader = (voters = 3, options = {}): Host => {
  const host = candidate({ voters: ids(voters), ...options });
  for (let id = 2; id <= Math.floor(voters / 2) + 1; id++) host.step(voteAnswer(id, host.term, true));
  return host;
};
const types = (messages: readonly PeerMessage[]): string[] => messages.map(({ type, to }) => `${type}>${to}`);

describe('§5.1 terms', () => {
  test.each([
    ['follower', () => new Host()],
    ['candidate', () => candidate()],
    ['leader', () => leader()],
  ])('a %s that sees a larger term joins it as follower', (_, make) => {
    const host = make();
    host.step(append({ term: 5 }));
    expect([host.term, host.role, host.lead]).toEqual([5, 'follower', 2]);
  });

  test('a request of an older term is answered with the own term and changes nothing', () => {
    const host = new Host({ hardState: { term: 2, vote: noPeer, commit: 0 } });
    const answers = host.step(append({ term: 1, entries: entriesOf(1) }));
    expect(answers).toMatchObject([{ type: 'append-answer', term: 2 }]);
    expect([host.term, host.terms]).toEqual([2, []]);
  });
});

describe('§5.2 leader election', () => {
  test('a member starts as follower', () => {
    expect(new Host().role).toBe('follower');
  });

  test('a leader sends heartbeats to all others every heartbeat timeout', () => {
    const host = leader();
    expect(types(host.tick())).toEqual(['heartbeat>2', 'heartbeat>3']);
  });

  test('a follower that hears nothing for an election timeout stands: new term, own vote, requests to all', () => {
    const host = new Host();
    const sent = host.tick(19);
    expect([host.role, host.term, host.member.status().hardState.vote]).toEqual(['candidate', 1, 1]);
    expect(types(sent).slice(0, 2)).toEqual(['vote>2', 'vote>3']);
  });

  test('a candidate that wins nothing stands again in the next term', () => {
    const host = candidate();
    host.tick(19);
    expect([host.role, host.term]).toEqual(['candidate', 2]);
  });

  test.each([
    [1, [], 'leader'],
    [3, [true], 'leader'],
    [3, [], 'candidate'],
    [5, [true, true], 'leader'],
    [5, [true, false, false], 'candidate'],
    [5, [true, false, false, false], 'follower'],
    [3, [false, false], 'follower'],
  ] as const)('of %i voters, with the answers %j, a candidate is then %s', (size, answers, role) => {
    const host = candidate({ voters: ids(size) });
    answers.forEach((granted, at) => host.step(voteAnswer(at + 2, 1, granted)));
    expect(host.role).toBe(role);
  });

  test('a member votes once a term, first come first served, and again for the same', () => {
    const host = new Host();
    const grant = (messages: PeerMessage[]): unknown => messages.map((m) => 'granted' in m && m.granted);
    expect(grant(host.step(vote(2, 1)))).toEqual([true]);
    expect(grant(host.step(vote(3, 1)))).toEqual([false]);
    expect(grant(host.step(vote(2, 1)))).toEqual([true]);
  });

  test('a vote survives a restart', () => {
    const before = new Host();
    before.step(vote(2, 1));
    const after = new Host({ hardState: before.log.initialState().hardState });
    expect(after.step(vote(3, 1))).toMatchObject([{ type: 'vote-answer', granted: false }]);
  });

  test('a candidate that hears a leader of its term yields, and keeps its vote', () => {
    const host = candidate();
    host.step(append({ term: 1 }));
    expect([host.role, host.lead, host.member.status().hardState.vote]).toEqual(['follower', 2, 1]);
  });

  test('election timeouts are spread over one to two times the timeout, so that votes seldom split', () => {
    const timeouts = new Set<number>();
    for (let seed = 0; seed < 200; seed++) {
      const host = new Host({ seed });
      let ticks = 0;
      while (host.role === 'follower') {
        host.tick();
        ticks++;
      }
      timeouts.add(ticks);
    }
    expect([...timeouts].sort((a, b) => a - b)).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
  });

  test('a heartbeat starts the election clock anew', () => {
    const host = new Host();
    for (let round = 0; round < 20; round++) {
      host.tick(9);
      host.step(heartbeat(2, 1));
    }
    expect(host.role).toBe('follower');
  });
});

describe('§5.3 log replication', () => {
  test('a leader appends what is proposed and sends it to all', () => {
    const host = leader();
    host.step(accepted(2, 1, 1));
    host.step(accepted(3, 1, 1));
    host.member.propose(bytes('x'));
    const sent = host.flush().filter(({ type }) => type === 'append');
    expect(sent).toMatchObject([
      { to: 2, previous: { term: 1, index: 1 }, entries: [{ term: 1, index: 2 }] },
      { to: 3, previous: { term: 1, index: 1 }, entries: [{ term: 1, index: 2 }] },
    ]);
  });

  test.each([
    [1, 0, true],
    [3, 0, false],
    [3, 1, true],
    [5, 1, false],
    [5, 2, true],
  ])('of %i members, with %i acknowledgements from others, committed: %s', (size, others, committed) => {
    const host = leader(size);
    for (let id = 2; id < 2 + others; id++) host.step(accepted(id, 1, 1));
    expect(host.commit === 1).toBe(committed);
  });

  test('a commit commits everything before it, also of earlier leaders', () => {
    const host = leader(3, { entries: entriesOf(1, 1), hardState: { term: 1, vote: noPeer, commit: 0 } });
    host.step(accepted(2, 2, 3));
    expect(host.applied.map(({ index }) => index)).toEqual([1, 2, 3]);
  });

  test('a follower applies what the leader has committed, in order', () => {
    const host = new Host();
    host.step(append({ entries: entriesOf(1, 1, 1), commit: 2 }));
    expect(host.applied.map(({ data }) => text(data))).toEqual(['1', '2']);
  });

  test('a follower commits no further than the append it took shows to agree', () => {
    const host = new Host({ entries: entriesOf(1, 1, 1), hardState: { term: 1, vote: noPeer, commit: 0 } });
    host.step(append({ term: 2, previous: { term: 1, index: 1 }, commit: 3 }));
    expect(host.commit).toBe(1);
  });

  test.each([
    ['nothing', logStart, true],
    ['an entry it holds', { term: 1, index: 1 }, true],
    ['an entry of another term', { term: 2, index: 1 }, false],
    ['an entry beyond its log', { term: 1, index: 9 }, false],
  ])('an append after %s is taken: (%j) %s', (_, previous, taken) => {
    const host = new Host({ entries: entriesOf(1, 1), hardState: { term: 2, vote: noPeer, commit: 0 } });
    const [answer] = host.step(append({ term: 2, previous }));
    expect(answer).toMatchObject({ type: 'append-answer', ...(taken ? { refused: null } : {}) });
    expect('refused' in answer! && answer.refused === null).toBe(taken);
  });

  test('a conflicting entry and all after it are replaced', () => {
    const host = new Host({ entries: entriesOf(1, 1, 1), hardState: { term: 1, vote: noPeer, commit: 0 } });
    host.step(append({ term: 2, previous: { term: 1, index: 1 }, entries: [{ ...entriesOf(1, 2)[1]! }] }));
    expect(host.terms).toEqual([1, 2]);
  });

  test('an append that holds nothing new cuts nothing off', () => {
    const host = new Host({ entries: entriesOf(1, 1, 1), hardState: { term: 1, vote: noPeer, commit: 0 } });
    host.step(append({ entries: entriesOf(1) }));
    expect(host.terms).toEqual([1, 1, 1]);
  });

  test.each([
    ['a', [1, 1, 1, 4, 4, 5, 5, 6, 6]],
    ['b', [1, 1, 1, 4]],
    ['c', [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6]],
    ['d', [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7]],
    ['e', [1, 1, 1, 4, 4, 4, 4]],
    ['f', [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3]],
  ])('figure 7: a follower in state (%s) ends with the log of the leader', (_, terms) => {
    const led = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];
    const group = new Group([
      { entries: entriesOf(...led), hardState: { term: 7, vote: noPeer, commit: 0 } },
      { entries: entriesOf(...terms), hardState: { term: 7, vote: noPeer, commit: 0 } },
      {},
    ]);
    group.elect(1);
    group.propose(1, 'new');
    expect(group.host(2).terms).toEqual([...led, 8, 8]);
  });
});

describe('§5.4 safety', () => {
  test('§5.4.1 a request for votes names the last entry', () => {
    const host = new Host({ entries: entriesOf(1, 2), hardState: { term: 2, vote: noPeer, commit: 0 } });
    host.member.campaign();
    const last = { term: 2, index: 2 };
    expect(host.flush()).toMatchObject([
      { type: 'vote', to: 2, term: 3, last },
      { type: 'vote', to: 3, term: 3, last },
    ]);
  });

  test.each([
    [[1], { term: 1, index: 1 }, true],
    [[1], { term: 1, index: 2 }, true],
    [[1, 1], { term: 1, index: 1 }, false],
    [[1, 1], { term: 2, index: 1 }, true],
    [[2], { term: 1, index: 9 }, false],
  ])(
    '§5.4.1 with a log of terms %j, a candidate whose log ends at %j gets the vote: %s',
    (terms, last, granted) => {
      const host = new Host({
        entries: entriesOf(...terms),
        hardState: { term: 2, vote: noPeer, commit: 0 },
      });
      expect(host.step(vote(2, 3, last))).toMatchObject([{ granted }]);
    },
  );

  test('§5.4.2 figure 8: an entry of an earlier term is not committed by counting its copies', () => {
    const host = leader(3, { entries: entriesOf(1, 2), hardState: { term: 2, vote: noPeer, commit: 0 } });
    host.step(accepted(2, 3, 2));
    expect(host.commit).toBe(0);
    host.step(accepted(2, 3, 3));
    expect(host.commit).toBe(3);
  });
});

describe('§6 membership changes', () => {
  test('while joint, both majorities must agree', () => {
    const group = Group.of(5, { voters: ids(3) });
    group.elect(1);
    const steps = ([4, 5] as const).map((id) => ({ action: 'add-voter', peer: peerId(id) }) as const);
    const more = ([2, 3] as const).map((id) => ({ action: 'remove', peer: peerId(id) }) as const);
    group.host(1).member.proposeChange({
      form: 'general',
      transition: 'explicit',
      steps: [...steps, ...more],
      context: bytes(''),
    });
    group.settle();
    const before = group.host(1).commit;
    group.isolate(2);
    group.isolate(3);
    group.propose(1, 'x');
    expect(group.host(1).commit).toBe(before);
    group.heal();
    group.tick(1, 2);
    expect(group.host(1).commit).toBe(before + 1);
  });

  test('one change at a time: a second becomes an entry that says it was refused', () => {
    const host = leader();
    host.step(accepted(2, 1, 1));
    const change = (id: number) =>
      ({
        form: 'single',
        transition: 'auto',
        steps: [{ action: 'add-learner', peer: peerId(id) }],
        context: bytes(''),
      }) as const;
    host.member.proposeChange(change(4));
    host.member.proposeChange(change(5));
    host.flush();
    const kinds = host.log.entries(2, 4, Infinity)!.map(({ kind }) => kind);
    expect(kinds).toEqual(['change-single', 'refused-change']);
  });

  test('a new leader allows no change before the tail it inherited is applied: there may be one in it', () => {
    const host = leader(3, { entries: entriesOf(1), hardState: { term: 1, vote: noPeer, commit: 0 } });
    const steps = [{ action: 'remove', peer: peerId(3) }] as const;
    host.member.proposeChange({ form: 'single', transition: 'auto', steps, context: bytes('') });
    host.flush();
    expect(host.log.entries(3, 4, Infinity)).toMatchObject([{ kind: 'refused-change' }]);
  });

  test('a leader that is removed steps down when that is applied', () => {
    const group = Group.of(3);
    group.elect(1);
    const steps = [{ action: 'remove', peer: peerId(1) }] as const;
    group.host(1).member.proposeChange({ form: 'single', transition: 'auto', steps, context: bytes('') });
    group.settle();
    expect(group.host(1).role).toBe('follower');
  });

  test('a member that cannot hear the leader does not disturb it: votes wait while a leader is heard', () => {
    const group = Group.of(3, { checkQuorum: true });
    group.elect(1);
    group.tick(1);
    group.host(3).member.campaign();
    group.settle();
    expect([group.host(1).role, group.host(2).term]).toEqual(['leader', 1]);
  });
});

describe('§7 snapshots', () => {
  test('a follower that needs compacted entries gets the snapshot and then the rest', () => {
    const group = Group.of(3);
    group.isolate(3);
    group.elect(1);
    for (const data of ['a', 'b', 'c']) group.propose(1, data);
    const { log, member } = group.host(1);
    log.keepSnapshot({ id: { term: 1, index: 3 }, membership: member.membership(), data: bytes('state') });
    log.compact(3);
    group.heal();
    group.tick(1, 2);
    const { log: received } = group.host(3);
    expect([text(received.snapshot().data), received.firstIndex(), group.host(3).commit]).toEqual([
      'state',
      4,
      4,
    ]);
  });

  test('a snapshot older than what is committed is passed over', () => {
    const host = new Host();
    host.step(append({ entries: entriesOf(1, 1, 1), commit: 3 }));
    const membership = host.member.membership();
    const snapshot = { id: { term: 1, index: 2 }, membership, data: bytes('old') };
    const answer = host.step({ type: 'snapshot', from: peerId(2), to: peerId(1), term: 1, snapshot });
    expect([answer, host.terms]).toMatchObject([[{ index: 3, refused: null }], [1, 1, 1]]);
  });
});

describe('§8 clients', () => {
  test('a leader opens its term with an empty entry', () => {
    const host = leader();
    expect(host.log.entries(1, 2, Infinity)).toMatchObject([{ term: 1, kind: 'normal', data: bytes('') }]);
  });

  test('a read waits for the first commit of the term and then for a quorum that confirms the leader', () => {
    const host = leader();
    host.member.readIndex(bytes('r'));
    expect(host.flush()).toEqual([]);
    const sent = host.step(accepted(2, 1, 1));
    expect(sent.filter(({ type }) => type === 'heartbeat')).toMatchObject([{ readMark: 1 }, { readMark: 1 }]);
    expect(host.reads).toEqual([]);
    host.step({ type: 'heartbeat-answer', from: peerId(3), to: peerId(1), term: 1, readMark: 1 });
    expect(host.reads).toEqual([{ index: 1, context: bytes('r') }]);
  });

  test('of five members, one other does not make the quorum that confirms a leader for a read', () => {
    const host = leader(5);
    host.step(accepted(2, 1, 1));
    host.step(accepted(3, 1, 1));
    host.member.readIndex(bytes('r'));
    host.flush();
    const confirm = (from: number): unknown =>
      host.step({ type: 'heartbeat-answer', from: peerId(from), to: peerId(1), term: 1, readMark: 1 });
    confirm(2);
    expect(host.reads).toEqual([]);
    confirm(3);
    expect(host.reads.length).toBe(1);
  });

  test('a read through a follower comes back to it', () => {
    const group = Group.of(3);
    group.elect(1);
    group.host(2).member.readIndex(bytes('r'));
    group.settle();
    expect(group.host(2).reads).toEqual([{ index: 1, context: bytes('r') }]);
  });

  test('a leader that was cut off serves no read', () => {
    const group = Group.of(3);
    group.elect(1);
    group.isolate(1);
    group.host(1).member.readIndex(bytes('r'));
    group.settle();
    group.elect(2);
    group.propose(2, 'new');
    expect(group.host(1).reads).toEqual([]);
  });
});

describe('thesis: pre-vote, transfer, check of the quorum', () => {
  test('§9.6 a member that was cut off does not raise the term when it comes back', () => {
    const group = Group.of(3, { preVote: true, checkQuorum: true });
    group.elect(1);
    group.isolate(3);
    group.tick(3, 60);
    group.heal();
    group.tick(1, 2);
    expect([group.host(3).term, group.host(1).role, group.host(3).lead]).toEqual([1, 'leader', 1]);
  });

  test('§9.6 a granted pre-vote carries the term asked for and binds nobody', () => {
    const host = new Host();
    const request = { ...vote(2, 7), type: 'pre-vote' } as PeerMessage;
    expect(host.step(request)).toMatchObject([{ type: 'pre-vote-answer', term: 7, granted: true }]);
    expect(host.member.status().hardState).toMatchObject({ term: 0, vote: 0 });
  });

  test('§3.10 leadership passes to a member whose log is first brought up to date', () => {
    const group = Group.of(3, { checkQuorum: true, preVote: true });
    group.elect(1);
    group.isolate(3);
    group.propose(1, 'x');
    group.heal();
    group.host(1).member.transferLeader(peerId(3));
    group.tick(1);
    expect([group.host(3).role, group.host(3).term, group.host(1).lead]).toEqual(['leader', 2, 3]);
  });

  test('§3.10 while leadership passes, nothing is proposed; after an election timeout the leader goes on', () => {
    const group = Group.of(3);
    group.elect(1);
    group.isolate(3);
    group.propose(1, 'behind');
    group.host(1).member.transferLeader(peerId(3));
    expect(group.host(1).member.propose(bytes('x'))).toEqual({ taken: false, refusal: 'transfer' });
    group.tick(1, 10);
    expect(group.host(1).member.propose(bytes('x'))).toEqual({ taken: true });
  });

  test('§6.2 a leader that no quorum answers steps down', () => {
    const group = Group.of(3, { checkQuorum: true });
    group.elect(1);
    group.isolate(1);
    group.tick(1, 20);
    expect(group.host(1).role).toBe('follower');
  });

  test('a follower told that the leader is gone grants a pre-vote at once', () => {
    const group = Group.of(3, { preVote: true, checkQuorum: true });
    group.elect(1);
    group.isolate(1);
    group.host(2).member.forgetLeader();
    group.host(3).member.forgetLeader();
    group.elect(2);
    expect(group.host(2).role).toBe('leader');
  });
});
