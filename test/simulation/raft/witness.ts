import type { Entry } from '#agent/mesh/raft/entry.ts';
import type { PeerMessage } from '#agent/mesh/raft/message.ts';
import type { Note } from '#agent/mesh/raft/note.ts';
import type { DiskEvent, Write } from './member-disk.ts';
import type { SimNode } from './node.ts';

/** Who watches a node, and carries what it sends. */
export interface NodeWitness {
  /** A member begins, from what its disk holds. */
  started(node: SimNode): void;
  /** Its disk is to be healed by a snapshot that reaches this index. */
  wantsSnapshot(node: SimNode, from: number): void;
  befell(node: SimNode, event: DiskEvent): void;
  /** After everything that was asked of the member. */
  moved(node: SimNode): void;
  noted(node: SimNode, note: Note): void;
  wrote(node: SimNode, write: Write): void;
  sent(node: SimNode, message: PeerMessage): void;
  applied(node: SimNode, entry: Entry): void;
  restored(node: SimNode): void;
}
