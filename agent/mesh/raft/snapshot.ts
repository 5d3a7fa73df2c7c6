import type { EntryId } from './entry.ts';
import type { MembershipRecord } from './membership/membership.ts';

/** The state machine as of `id`, in place of the entries up to it. `data` is opaque here; a host may keep a handle in it. */
export interface Snapshot {
  readonly id: EntryId;
  readonly membership: MembershipRecord;
  readonly data: Uint8Array;
}
