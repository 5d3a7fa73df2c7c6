import type { World } from '#agent/ports/world.ts';

export interface FakeWorld extends World {
  outText(): string;
  errorText(): string;
  interrupt(): void;
}

/** A world that keeps what is written. */
export function fakeWorld(environment: Record<string, string> = {}): FakeWorld {
  let out = '';
  let error = '';
  const interrupted = Promise.withResolvers<string>();
  return {
    stdout: { columns: null, write: (text) => void (out += text) },
    stderr: { columns: null, write: (text) => void (error += text) },
    environment,
    workingFolder: '/',
    interrupted: interrupted.promise,
    tellParent: () => {},
    onHangup: () => {},
    onKey: () => {},
    outText: () => out,
    errorText: () => error,
    interrupt: () => interrupted.resolve('SIGTERM'),
  };
}
