/** What became of an event: taken, or refused with a reason the caller can act on. */
export type StepOutcome = { readonly taken: true } | { readonly taken: false; readonly refusal: Refusal };

/**
 * A refused proposal is in no log and may be proposed again. `no-leader`, `leader-elsewhere`: later, or elsewhere. `transfer`, `uncommitted-full`,
 * `apply-behind`, `reads-full`: later. `not-a-member`, `too-large`, `malformed`: never. `local-message`, `unknown-peer`: the network
 * brought what it must not.
 */
export type Refusal =
  | 'no-leader'
  | 'leader-elsewhere'
  | 'not-a-member'
  | 'transfer'
  | 'uncommitted-full'
  | 'apply-behind'
  | 'too-large'
  | 'malformed'
  | 'reads-full'
  | 'local-message'
  | 'unknown-peer';

export const taken: StepOutcome = { taken: true };

export const refused = (refusal: Refusal): StepOutcome => ({ taken: false, refusal });
