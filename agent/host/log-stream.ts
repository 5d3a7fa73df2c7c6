import { fstatSync } from 'node:fs';

/** What standard error is connected to. */
export interface LogDestination {
  /** The journal reads priorities `<N>` from it. */
  readonly isJournal: boolean;
  /** A terminal that may be given colours. */
  readonly hasColour: boolean;
}

/** systemd sets $JOURNAL_STREAM to device and inode of the stream it opened; another stream may have taken its place since. */
export function logDestination(
  environment: Readonly<Record<string, string | undefined>>,
  stream: { readonly fd: number; readonly isTTY?: boolean },
): LogDestination {
  const isTerminal = stream.isTTY === true;
  return {
    isJournal:
      environment['JOURNAL_STREAM'] !== undefined && environment['JOURNAL_STREAM'] === identityOf(stream.fd),
    // https://no-color.org
    hasColour: isTerminal && (environment['NO_COLOR'] ?? '') === '' && environment['TERM'] !== 'dumb',
  };
}

function identityOf(descriptor: number): string | null {
  try {
    const { dev, ino } = fstatSync(descriptor, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return null;
  }
}

/** The part of a Node stream that is used here. */
export interface LineStream {
  readonly writableLength: number;
  write(text: string): boolean;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/** Bytes that may wait for a slow reader of standard error before lines are given up: a few thousand lines. */
const waitingBytesMax = 512 * 1024;

/** Lines to a stream. A reader that is gone or does not read costs lines, never the agent. */
export class LogStream {
  readonly #stream: LineStream;
  #broken = false;

  constructor(stream: LineStream) {
    this.#stream = stream;
    stream.on('error', () => {
      this.#broken = true;
    });
  }

  write(line: string): boolean {
    if (this.#broken || this.#stream.writableLength > waitingBytesMax) return false;
    this.#stream.write(`${line}\n`);
    return true;
  }
}
