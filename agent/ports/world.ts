/** What the command line may touch. `main.ts` hands in the process; tests hand in a fake. */
export interface World {
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingFolder: string;
  /** Resolves at the first SIGINT or SIGTERM; a second one ends the process at once. */
  readonly interrupted: Promise<string>;
  /** Tells the process that started this one, when there is such a channel. */
  tellParent(message: object): void;
  /** Calls back at every SIGHUP. */
  onHangup(listener: () => void): void;
  /** Keys typed on a terminal, one character a call; never called when stdin is not a terminal. */
  onKey(listener: (key: string) => void): void;
}

export interface TextSink {
  /** Columns of the terminal, or null when it is none. */
  readonly columns: number | null;
  write(text: string): void;
}

export function line(sink: TextSink, text: string): void {
  sink.write(`${text}\n`);
}
