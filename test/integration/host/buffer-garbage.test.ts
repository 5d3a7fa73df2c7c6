import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MiB } from '#agent/base/units.ts';
import { oldBytesMax, youngBytesMax } from '#agent/host/buffer-garbage.ts';
import { runtimeFlags } from '#agent/host/runtime-flags.ts';

/** Bytes of buffers a process of its own held at most while it made and let go of 384 MiB of them and had `kept` in use. */
function mostHeld(looks: boolean, kept: number): number {
  const module = JSON.stringify(join(import.meta.dirname, '../../../agent/host/buffer-garbage.ts'));
  const text = `
    import { getHeapStatistics } from 'node:v8';
    const { BufferGarbage } = await import(${module});
    const garbage = new BufferGarbage();
    const held = () => getHeapStatistics().external_memory;
    const ring = [];
    const before = held();
    let most = 0;
    for (let i = 0; i < 6_144; i++) {
      ring[i % ${kept}] = new Uint8Array(65_536);
      most = Math.max(most, held() - before);
      if (${looks}) garbage.look();
      if (i % 64 === 0) await new Promise(setImmediate);
    }
    console.log(most);`;
  const flags = [...runtimeFlags, '--input-type=module', '-e', text];
  return Number(execFileSync(process.execPath, flags, { encoding: 'utf8' }));
}

// What one collection finds is freed by another thread while the next piles up, on a busy machine while several do.
test('the runtime lets buffers of no use pile up; looked after, they stay within a few times the bound', () => {
  expect(mostHeld(false, 16)).toBeGreaterThan(48 * MiB);
  expect(mostHeld(true, 16)).toBeLessThan(1 * MiB + 6 * youngBytesMax);
});

test('buffers in use for long stay within the bound of the whole heap when they are let go of', () => {
  expect(mostHeld(true, 64)).toBeLessThan(4 * MiB + oldBytesMax + 6 * youngBytesMax);
});
