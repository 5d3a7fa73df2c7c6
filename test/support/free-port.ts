import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the ports that Linux gives to outgoing connections and to port 0 (32768 and up): none of those takes it away meanwhile. */
const lowest = 15_000;
const highest = 32_000;
const triesMax = 100;

/** A port for a program that cannot take port 0, or that must have the same one again; nobody listens on it at the moment. */
export async function freePort(): Promise<number> {
  for (let i = 0; i < triesMax; i++) {
    const port = randomInt(lowest, highest);
    const probe = createServer();
    const isFree = new Promise<boolean>((resolve) => {
      probe.on('listening', () => resolve(true));
      probe.on('error', () => resolve(false));
    });
    // All addresses: a port is free only where no address has it.
    probe.listen(port);
    if (!(await isFree)) continue;
    probe.close();
    await once(probe, 'close');
    return port;
  }
  throw new Error(`none of ${triesMax} ports between ${lowest} and ${highest} is free`);
}
