/** A broken promise of our own code. It is never caught to go on: the process ends and its supervisor restarts it. */
export class Bug extends Error {
  override readonly name = 'Bug';
}

/** @throws {Bug} when `condition` is false. Kept in production: a wrong answer costs more than a restart. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Bug(message);
}

/** The branch no value can reach; the compiler proves it, this line guards it. */
export function unreachable(value: never, where: string): never {
  throw new Bug(`${where}: unexpected ${JSON.stringify(value)}`);
}
