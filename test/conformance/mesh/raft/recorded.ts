/**
 * The etcd-io/raft a script was recorded with. `current`: compared byte for byte. `2023`: nested lines stood on one line, `next=` of a
 * member's progress was counted otherwise, two log lines printed plain structures, and the leader's pacing was eager; everything else
 * is compared byte for byte.
 */
export type Recorded = 'current' | '2023';
