import { describe, expect, it } from 'vitest';
import { Reloader } from '#agent/cli/reloader.ts';

describe('Reloader', () => {
  it('makes one more reload of all requests that come while one runs', async () => {
    const gates: (() => void)[] = [];
    const reloader = new Reloader();
    reloader.start(() => new Promise((done) => gates.push(done)));

    for (let i = 0; i < 300; i++) reloader.ask();
    expect(gates.length).toBe(1);
    gates[0]!();
    await Promise.resolve();
    await Promise.resolve();
    expect(gates.length).toBe(2);
    gates[1]!();
    await reloader.settled();

    expect(gates.length).toBe(2);
  });

  it('remembers a request that came before there was anything to reload', async () => {
    let reloads = 0;
    const reloader = new Reloader();
    reloader.ask();

    reloader.start(() => {
      reloads++;
      return Promise.resolve();
    });
    await reloader.settled();

    expect(reloads).toBe(1);
  });
});
