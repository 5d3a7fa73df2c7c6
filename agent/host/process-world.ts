import type { World, TextSink } from '../ports/world.ts';

/** The process as the command line sees it. Signal handlers are set when first asked for. */
export function processWorld(): World {
  let interrupted: Promise<string> | undefined;
  return {
    stdout: sink(process.stdout),
    stderr: sink(process.stderr),
    environment: process.env,
    workingFolder: process.cwd(),
    get interrupted() {
      interrupted ??= new Promise((resolve) => {
        let seen = false;
        const on = (signal: NodeJS.Signals): void => {
          if (seen) process.exit(signal === 'SIGINT' ? 130 : 143);
          seen = true;
          resolve(signal);
        };
        process.on('SIGINT', on);
        process.on('SIGTERM', on);
        // Started by another sedge, which is gone: nobody is left to end this one. The channel itself keeps nothing alive.
        process.on('disconnect', () => resolve('SIGTERM'));
        process.channel?.unref();
      });
      return interrupted;
    },
    tellParent: (message) => {
      if (process.connected) process.send?.(message);
    },
    onHangup: (listener) => void process.on('SIGHUP', listener),
    onKey: (listener) => {
      if (!process.stdin.isTTY) return;
      process.stdin.setRawMode(true);
      process.stdin.on('data', (bytes: Buffer) => {
        for (const key of bytes.toString('utf8')) listener(key);
      });
    },
  };
}

function sink(stream: NodeJS.WriteStream): TextSink {
  // A reader that goes away (head, less) ends the program quietly.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
  });
  return {
    get columns() {
      return stream.isTTY ? stream.columns : null;
    },
    write: (text) => void stream.write(text),
  };
}
