import type { Note } from '#agent/mesh/raft/note.ts';
import type { SimNode } from '#test/simulation/raft/node.ts';
import { Story } from './adversarial/story.ts';

/** What a reader wants to know; the rest happens with every message. */
const told = new Set<Note['kind']>([
  'became-follower',
  'became-pre-candidate',
  'became-candidate',
  'became-leader',
  'vote-cast',
  'vote-rejected',
  'vote-ignored-in-lease',
  'commit-learnt-from-vote',
  'quorum-lost',
  'append-refused',
  'snapshot-sent',
  'snapshot-restored',
  'snapshot-caught-up',
  'membership-switched',
  'change-refused',
  'leave-joint-proposed',
  'transfer-started',
  'transfer-caught-up',
  'timeout-now',
  'leader-forgotten',
]);

/** A story that is written down as it happens: what the script does, and what the members make of it. */
export class WrittenStory extends Story {
  readonly #lines: string[] = [];

  constructor(title: string, settings: ConstructorParameters<typeof Story>[0] = {}) {
    super(settings);
    this.#lines.push(`# ${title}`, '');
    this.cluster.onNote = (node, note) => {
      if (told.has(note.kind)) this.#lines.push(this.#lineOf(node, note));
    };
  }

  /** A sentence of the script; then what it stands for is done. */
  say(sentence: string, act: () => void = () => undefined): this {
    this.#lines.push('', `${this.#time} -- ${sentence}`);
    act();
    return this;
  }

  get text(): string {
    return `${this.#lines.join('\n')}\n`;
  }

  get #time(): string {
    return this.cluster.now.toFixed(2).padStart(7);
  }

  #lineOf({ id, view }: SimNode, note: Note): string {
    const who = `${this.#time}    ${id} in term ${view!.term}: ${note.kind.replaceAll('-', ' ')}`;
    switch (note.kind) {
      case 'vote-cast':
      case 'vote-rejected':
      case 'vote-ignored-in-lease':
        return `${who}, ${note.type} for ${note.from}`;
      case 'commit-learnt-from-vote':
        return `${who} of ${note.from}, up to ${note.commit.index}`;
      case 'append-refused':
        return `${who}, nothing at ${note.previous.index} of term ${note.previous.term}`;
      case 'snapshot-sent':
        return `${who} to ${note.to}, up to ${note.snapshot.index}`;
      case 'snapshot-restored':
        return `${who}, up to ${note.snapshot.index}`;
      case 'transfer-started':
      case 'transfer-caught-up':
        return `${who}, to ${note.transferee}`;
      case 'change-refused':
        return `${who}, ${note.reason.why}`;
      case 'membership-switched': {
        const { incoming, outgoing, learners } = note.membership;
        const and = outgoing.size > 0 ? ` and ${[...outgoing].join('+')}` : '';
        const also = learners.size > 0 ? `, learners ${[...learners].join('+')}` : '';
        return `${who} to ${[...incoming].join('+')}${and}${also}`;
      }
      default:
        return who;
    }
  }
}
