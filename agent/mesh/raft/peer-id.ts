declare const unit: unique symbol;

/**
 * A member of one Raft group: an integer in 1 … 2^53 - 1, given once and for all time. A member that lost its disk comes
 * back under a new one, because the old id's votes and answers are promises its new disk does not remember.
 */
export type PeerId = number & { readonly [unit]: 'PeerId' };

export const peerId = (n: number): PeerId => n as PeerId;

/** Nobody: no leader, no vote, no transfer target. */
export const noPeer = peerId(0);

/** Where work for the log's writer is addressed. Never travels between members. */
export const appendThread = peerId(-1);

/** Where work for the state machine is addressed. Never travels between members. */
export const applyThread = peerId(-2);

export const isStorageThread = (id: PeerId): boolean => id === appendThread || id === applyThread;
