/** A fault of one line, put into a copy of our own code to see whether the tests notice. */
export interface Mutant {
  /** The adversarial case it brings back (test/unit/mesh/raft/adversarial/README.md), or the rule it breaks. */
  readonly name: string;
  readonly fault: string;
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly code: string;
  readonly instead: string;
}
