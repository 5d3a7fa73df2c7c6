import { describe, expect, it } from 'vitest';
import { dispatch } from '#agent/cli/dispatch.ts';
import type { FlagKind } from '#agent/cli/flag-kind.ts';
import { commonFlags } from '#agent/cli/verb.ts';
import { verbs } from '#agent/verbs.ts';
import { fakeWorld } from '#test/support/fake-world.ts';

const garbage: Readonly<Record<FlagKind['kind'], readonly string[]>> = {
  integer: ['abc', '', '-1', '1.5', '1e3', '0x10', 'NaN', 'Infinity', '12 ', '99999999999999999999'],
  share: ['abc', '', '-0.1', '1.1', '10%', 'NaN', '1e-3', '.'],
  address: ['abc', '', 'localhost', ':', ':99999', 'a b:1', '::1:80', 'http://a:1'],
  choice: ['abc', '', 'NDJSON', 'constructor'],
};

/** Placeholders of values that may be any text. */
const texts = ['FILE', 'DIR', 'NAME', 'POINT'];

const valued = verbs.flatMap((verb) =>
  [...verb.flags, ...commonFlags].flatMap((flag) => (flag.value === undefined ? [] : [{ verb, flag }])),
);

async function run(...argv: string[]) {
  const world = fakeWorld();
  const code = await dispatch(argv, { verbs, version: '1.2.3', world });
  return { code, out: world.outText(), error: world.errorText() };
}

describe('every verb', () => {
  it.each(valued.map(({ verb, flag }) => [verb.name, flag.name, verb, flag] as const))(
    '%s --%s: answers garbage with one clear line and exit 64',
    async (_verb, _flag, verb, flag) => {
      if (flag.kind === undefined) expect(texts).toContain(flag.value);
      const needed = verb.subverbs === undefined ? [] : [verb.subverbs[0]!];
      for (const value of flag.kind === undefined ? [''] : garbage[flag.kind.kind]) {
        const { code, out, error } = await run(verb.name, ...needed, `--${flag.name}=${value}`);

        expect({ value, code, out }).toEqual({ value, code: 64, out: '' });
        expect(error.split('\n')[0]).toMatch(new RegExp(`^sedge ${verb.name}: --${flag.name}[: ]`));
        expect(error.trimEnd().split('\n')).toHaveLength(2);
      }
    },
  );

  it.each(verbs.map((verb) => [verb.name, verb] as const))(
    '%s: tells a word too many, a flag it does not know, and helps',
    async (name, verb) => {
      const words = verb.operands === '' ? [] : verb.operands.split(' ').map((word) => word.split('|')[0]!);

      expect(await run(name, ...words, 'surplus')).toMatchObject({
        code: 64,
        error: expect.stringContaining('got "surplus"'),
      });
      expect(await run(name, ...words, '--nonsense')).toMatchObject({ code: 64 });
      expect(await run(name, '--help')).toMatchObject({
        code: 0,
        out: expect.stringContaining(verb.summary),
      });
    },
  );

  it.each(
    verbs.filter((verb) => verb.subverbs !== undefined).map((verb) => [verb.name, verb.subverbs!] as const),
  )(
    '%s: lists what may follow when nothing does, and what was meant when it is wrong',
    async (name, subverbs) => {
      const list = subverbs.join(', ');

      expect((await run(name)).error).toContain(`sedge ${name}: needs one of ${list}\n`);
      expect((await run(name, `${subverbs[0]!}x`)).error).toContain(`did you mean ${subverbs[0]!}?`);
      expect((await run(name)).code).toBe(64);
    },
  );
});
