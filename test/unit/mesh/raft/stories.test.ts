import { expect, test } from 'vitest';
import { peerId } from '#agent/mesh/raft/peer-id.ts';
import { addVoter, remove } from './adversarial/story.ts';
import { WrittenStory } from './transcript.ts';

/** What a newcomer should read to learn our Raft: stories/*.txt, each a run of the simulator. `vitest run -u` writes them anew. */

test('a leader is elected, dies, and another takes over', async () => {
  const story = new WrittenStory('A leader is elected, dies, and another takes over');
  story.say(
    'three members start; the first whose patience ends asks whether it could win, and then stands',
    () => story.anyLeader(),
  );
  const { id } = story.anyLeader();
  story.say(`a client writes at ${id}`, () => story.write(id, 7));
  story.say(`${id} dies`, () => story.crash(id));
  const next = story.anyLeader();
  story.say(`the write is there: register 1 holds ${story.read(next.id)}`);
  story.say(`${id} starts anew and follows`, () => story.start(id));
  story.converge();
  await expect(story.text).toMatchFileSnapshot('stories/a-leader-dies.txt');
});

test('a member that was cut off comes back and disturbs nobody', async () => {
  const story = new WrittenStory(
    'A member that was cut off comes back and disturbs nobody (pre-vote, Raft thesis 9.6)',
  );
  story.say('1 is made leader', () => story.elect(1));
  story.say('3 is cut off; it asks for votes in vain, and its term does not rise', () => {
    story.isolate(3);
    story.run(60);
  });
  story.say('the network is whole again', () => story.heal());
  story.converge();
  story.say(`still ${story.reign}`);
  await expect(story.text).toMatchFileSnapshot('stories/a-member-comes-back.txt');
});

test('a leader that hears nobody stands down, and what it took alone is lost', async () => {
  const story = new WrittenStory('A leader that hears nobody stands down, and what it took alone is lost');
  story.say('1 is made leader', () => story.elect(1));
  story.say('it is cut off and takes a write it cannot commit', () => story.isolate(1));
  const lost = story.put(1, 7);
  const other = (): boolean => story.node(2).isLeader || story.node(3).isLeader;
  story.until('another leads', other);
  story.say('the others write too', () => story.write(story.anyLeader().id, 8));
  story.say('the network is whole again; 1 finds that its log went another way', () => story.heal());
  story.converge();
  story.say(
    `the first write was ${lost.took === true ? '' : 'never '}acknowledged; register 1 holds ${story.read(1)}`,
  );
  await expect(story.text).toMatchFileSnapshot('stories/a-leader-alone.txt');
});

test('a member joins by a snapshot, is promoted, and another leaves', async () => {
  const story = new WrittenStory('A member joins by a snapshot, is promoted, and another leaves', {
    keepBehind: 0,
  });
  story.say('1 is made leader, writes, makes a snapshot and drops the log below it', () => {
    const leader = story.elect(1);
    for (let value = 1; value <= 5; value++) story.write(1, value);
    leader.takeSnapshot();
    leader.compact(leader.registers.applied);
  });
  story.say('4 joins as a learner: it receives everything and counts in no quorum', () =>
    story.addLearner(1),
  );
  story.say('4 takes the place of 3 in one step: for a while both majorities must agree', () => {
    story.change(1, [addVoter(4), remove(3)]);
    story.until('it is done', () => story.cluster.newest.membership.voters.join() === '1,2,4');
    story.until('the joint phase is over', () => story.cluster.newest.membership.votersOutgoing.length === 0);
  });
  story.run(5);
  await expect(story.text).toMatchFileSnapshot('stories/a-member-joins.txt');
});

test('a leader hands over', async () => {
  const story = new WrittenStory(
    'A leader hands over, as before a restart: nobody waits for a timeout (thesis 3.10)',
  );
  story.say('1 is made leader', () => story.elect(1));
  const from = story.cluster.now;
  story.say('it is asked to hand over to 2', () =>
    story.node(1).ask((member) => member.transferLeader(peerId(2))),
  );
  story.until('2 leads', () => story.node(2).isLeader);
  story.say(
    `${Math.ceil(story.cluster.now - from)} tick later 2 leads; an election would have taken ten at least`,
  );
  await expect(story.text).toMatchFileSnapshot('stories/a-leader-hands-over.txt');
});
