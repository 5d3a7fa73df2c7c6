import { describe, expect, it } from 'vitest';
import { demoVerb } from '#agent/cli/demo/demo-verb.ts';
import { fakeWorld } from '#test/support/fake-world.ts';

describe('sedge demo', () => {
  it('tells its story with real parts and loses nothing and stores nothing twice', async () => {
    const world = fakeWorld();

    const code = await demoVerb.run({ words: [], flags: new Map([['story', true]]) }, world);

    expect(world.outText()).toMatch(/agent killed with SIGKILL/);
    expect(world.outText()).toMatch(/ 0 lost, 0 twice; ledger balanced/);
    expect(code).toBe(0);
  });
});
