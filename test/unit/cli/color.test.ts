import { expect, it } from 'vitest';
import { mayColor } from '#agent/cli/load-configuration.ts';
import { fakeWorld } from '#test/support/fake-world.ts';

const terminal = { columns: 80, write: () => {} };
const file = { columns: null, write: () => {} };

it('colors a terminal, and nothing where NO_COLOR is set to anything', () => {
  expect(mayColor(terminal, fakeWorld())).toBe(true);
  expect(mayColor(file, fakeWorld())).toBe(false);
  expect(mayColor(terminal, fakeWorld({ NO_COLOR: '1' }))).toBe(false);
  expect(mayColor(terminal, fakeWorld({ NO_COLOR: '' }))).toBe(true);
});
