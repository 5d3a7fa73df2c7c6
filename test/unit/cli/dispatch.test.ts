import { describe, expect, it } from 'vitest';
import { SedgeError } from '#agent/base/errors.ts';
import { dispatch } from '#agent/cli/dispatch.ts';
import type { Verb } from '#agent/cli/verb.ts';
import { fakeWorld } from '#test/support/fake-world.ts';

const echo: Verb = {
  name: 'status',
  summary: 'prints its words',
  operands: '[WORD] [WORD]',
  flags: [{ name: 'count', value: 'N', summary: 'how often' }],
  awaited: new Map([['site', '--site needs a mesh']]),
  run: (invocation, world) => {
    world.stdout.write(`${invocation.words.join(' ')} ${JSON.stringify([...invocation.flags])}`);
    return Promise.resolve(0);
  },
};
const quiet: Verb = { ...echo, name: 'version', operands: '' };

async function run(...argv: string[]) {
  const world = fakeWorld();
  const code = await dispatch(argv, { verbs: [echo, quiet], version: '1.2.3', world });
  return { code, out: world.outText(), error: world.errorText() };
}

describe('dispatch', () => {
  it('hands words and flags to the verb, in both spellings', async () => {
    expect(await run('status', 'a', '--count', '3', '--json', 'b')).toMatchObject({
      code: 0,
      out: 'a b [["count","3"],["json",true]]',
    });
    expect(await run('status', '--count=3', '--', '--json')).toMatchObject({ out: '--json [["count","3"]]' });
  });

  it('answers an unknown verb with the one that was meant, on one line, exit 64', async () => {
    const { code, error } = await run('sttaus');
    expect(code).toBe(64);
    expect(error).toBe(
      'sedge: unknown verb "sttaus"; did you mean status?\n  SEDGE_CLI_USAGE: see sedge --help\n',
    );
  });

  it.each([
    [['status', '--cuont', '1'], 'sedge status: unknown flag --cuont; did you mean --count?'],
    [['status', '--site'], 'sedge status: --site needs a mesh'],
    [['status', '--count'], 'sedge status: --count needs a value (N)'],
    [['status', '--json=yes'], 'sedge status: --json takes no value'],
    [['version', 'loud'], 'sedge version: takes no further words, got "loud"'],
    [
      ['version', 'edge.yaml'],
      'sedge version: takes no further words, got "edge.yaml"; did you mean --config "edge.yaml"?',
    ],
    [
      ['version', './edge'],
      'sedge version: takes no further words, got "./edge"; did you mean --config "./edge"?',
    ],
    [
      ['version', 'edge.yaml', '--config', 'other.yaml'],
      'sedge version: takes no further words, got "edge.yaml"',
    ],
    [['status', 'a', 'b', 'out/c'], 'sedge status: takes no further words, got "out/c"'],
  ])('refuses %j', async (argv, expected) => {
    const { code, error } = await run(...argv);
    expect(code).toBe(64);
    expect(error.split('\n')[0]).toBe(expected);
  });

  it('says that the verb comes first', async () => {
    expect((await run('--config', 'x', 'status')).error).toContain('the verb comes before the flags');
  });

  it('prints help for all and for one', async () => {
    expect((await run()).code).toBe(64);
    expect((await run('--help')).out).toContain('prints its words');
    expect((await run('status', '--help')).out).toContain('--count N');
    expect((await run('help', 'status')).out).toContain('--count N');
  });

  it('names the cause of an error once', async () => {
    const failing = (message: string): Verb => ({
      ...quiet,
      run: () =>
        Promise.reject(new SedgeError('SEDGE_LISTEN_FAILED', message, { cause: new Error('EADDRINUSE') })),
    });
    const errorOf = async (message: string): Promise<string> => {
      const world = fakeWorld();
      await dispatch(['version'], { verbs: [failing(message)], version: '1', world });
      return world.errorText();
    };

    expect(await errorOf('cannot listen: EADDRINUSE')).not.toContain('because');
    expect(await errorOf('cannot listen')).toContain('\n  because: EADDRINUSE\n');
  });

  it('lets a bug through, with its stack', async () => {
    const broken: Verb = { ...echo, run: () => Promise.reject(new TypeError('ours')) };
    await expect(dispatch(['status'], { verbs: [broken], version: '1', world: fakeWorld() })).rejects.toThrow(
      'ours',
    );
  });
});
