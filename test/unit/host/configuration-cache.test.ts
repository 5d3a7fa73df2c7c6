import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test, type TestContext } from 'vitest';
import { printConfig } from '#agent/config/print-config.ts';
import { ConfigurationCache, type KeptConfiguration } from '#agent/host/configuration-cache.ts';
import type { ConfigurationInputs } from '#agent/host/configuration-inputs.ts';
import { checkInputs } from '#agent/host/read-configuration.ts';

const main = { name: '/etc/sedge/sedge.yaml', text: 'agent: { data: "/var/lib/${PLACE:-sedge}" }\n' };
const fragment = {
  name: '/etc/sedge/conf.d/line.yaml',
  text: 'sources: { line: { type: mqtt, url: mqtt://b, topics: [a] } }\n',
};

interface Change {
  readonly files?: ConfigurationInputs['files'];
  readonly environment?: Readonly<Record<string, string>>;
  readonly data?: string;
  readonly agentId?: string | null;
}

function inputsOf({
  files = [main, fragment],
  environment = { PLACE: 'p1' },
  data,
  agentId = 'gw-1',
}: Change = {}) {
  const request = { environment, workingFolder: '/', ...(data === undefined ? {} : { data }) };
  return { files, agentId, request };
}

function workshop(context: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'sedge-kept-'));
  context.onTestFinished(() => rmSync(folder, { recursive: true }));
  const cache = (program = 'sedge 1', at = folder) => new ConfigurationCache({ folder: at, program });
  /** What a start that finds nothing does. */
  const keep = (inputs = inputsOf()): KeptConfiguration => {
    const loaded = checkInputs(inputs);
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    const { config, warnings, variables } = loaded;
    const kept = { config, warnings, yaml: printConfig(config) };
    cache().keep(inputs, variables, kept);
    return kept;
  };
  return { folder, file: join(folder, 'configuration'), cache, keep };
}

describe('the configuration kept for the next start', () => {
  test('is found whole from the same inputs, whatever else stands in the environment', (context) => {
    const { cache, keep } = workshop(context);
    const kept = keep();
    const environment = { PLACE: 'p1', INVOCATION_ID: 'another at every start' };
    expect(cache().find(inputsOf({ environment }))).toEqual(kept);
  });

  test('is none at the first start', (context) => {
    expect(workshop(context).cache().find(inputsOf())).toBeNull();
  });

  test.each<[string, Change]>([
    ['the main file', { files: [{ ...main, text: `${main.text}# a word more\n` }, fragment] }],
    ['a fragment', { files: [main, { ...fragment, text: fragment.text.replace('[a]', '[b]') }] }],
    ['the name of a file', { files: [main, { ...fragment, name: '/etc/sedge/conf.d/other.yaml' }] }],
    ['the number of fragments', { files: [main] }],
    ['the order of files', { files: [fragment, main] }],
    ['a variable that the files use', { environment: { PLACE: 'p2' } }],
    ['the absence of such a variable', { environment: {} }],
    ['an override', { environment: { PLACE: 'p1', SEDGE__BUFFER__SIZE: '1GiB' } }],
    ['the data folder of the command line', { data: '/elsewhere' }],
    ['the name of the machine', { agentId: 'gw-2' }],
    ['the absence of that name', { agentId: null }],
  ])('is not found after a change of %s', (_, change) => {
    const folder = mkdtempSync(join(tmpdir(), 'sedge-kept-'));
    const cache = new ConfigurationCache({ folder, program: 'sedge 1' });
    const before = checkInputs(inputsOf());
    if (!before.ok) throw new Error('refused');
    cache.keep(inputsOf(), before.variables, { config: before.config, warnings: [], yaml: '' });
    const same = cache.find(inputsOf());
    const changed = cache.find(inputsOf(change));
    rmSync(folder, { recursive: true });
    expect(same).not.toBeNull();
    expect(changed).toBeNull();
  });

  test('is not found by another program', (context) => {
    const { cache, keep } = workshop(context);
    keep();
    expect(cache('sedge 2').find(inputsOf())).toBeNull();
  });

  test('follows a variable that is set only later', (context) => {
    const { cache, keep } = workshop(context);
    keep(inputsOf({ environment: {} }));
    expect(cache().find(inputsOf({ environment: {} }))).not.toBeNull();
    expect(cache().find(inputsOf())).toBeNull();
  });

  test('gives way to the next one, and leaves no other file', (context) => {
    const { folder, cache, keep } = workshop(context);
    keep();
    const kept = keep(inputsOf({ files: [main] }));
    expect(cache().find(inputsOf({ files: [main] }))).toEqual(kept);
    expect(readdirSync(folder)).toEqual(['configuration']);
  });

  test('can be read by its owner only', (context) => {
    const { file, keep } = workshop(context);
    keep();
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });
});

describe('a kept configuration in doubt', () => {
  test('every flipped bit of it is noticed', (context) => {
    const { file, cache, keep } = workshop(context);
    const kept = keep();
    const bytes = readFileSync(file);
    for (let at = 0; at < bytes.length; at += 7) {
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= 1 << (at % 8);
      writeFileSync(file, damaged);
      const found = cache().find(inputsOf());
      // A letter's case within the hexadecimal digest, or a name in the head, makes it another's; nothing makes it wrong.
      expect(found === null || 'unusable' in found, `byte ${at}`).toBe(true);
    }
    writeFileSync(file, bytes);
    expect(cache().find(inputsOf())).toEqual(kept);
  });

  test.each([0, 1, 40, 400])('one cut to %i bytes is not taken', (length) => {
    const folder = mkdtempSync(join(tmpdir(), 'sedge-kept-'));
    const cache = new ConfigurationCache({ folder, program: 'sedge 1' });
    const loaded = checkInputs(inputsOf());
    if (!loaded.ok) throw new Error('refused');
    cache.keep(inputsOf(), loaded.variables, { config: loaded.config, warnings: [], yaml: '' });
    truncateSync(join(folder, 'configuration'), length);
    const found = cache.find(inputsOf());
    rmSync(folder, { recursive: true });
    expect(found).toEqual({ unusable: expect.any(String) as string });
  });

  test.each(['null', '7', '{}', '{"variables":3,"inputs":"","content":""}', 'not JSON'])(
    'a first line of %s is not taken',
    (line) => {
      const folder = mkdtempSync(join(tmpdir(), 'sedge-kept-'));
      writeFileSync(join(folder, 'configuration'), `${line}\n`);
      const found = new ConfigurationCache({ folder, program: 'sedge 1' }).find(inputsOf());
      rmSync(folder, { recursive: true });
      expect(found).toEqual({ unusable: expect.any(String) as string });
    },
  );

  test('one that others may write, in its folder or itself, is not taken', (context) => {
    const { folder, file, cache, keep } = workshop(context);
    keep();
    chmodSync(file, 0o620);
    expect(cache().find(inputsOf())).toEqual({ unusable: 'others may write it' });
    chmodSync(file, 0o600);
    chmodSync(folder, 0o777);
    expect(cache().find(inputsOf())).toEqual({ unusable: 'others may write it' });
    chmodSync(folder, 0o700);
    expect(cache().find(inputsOf())).toHaveProperty('config');
  });

  test('a link, a folder and a huge file in its place are not taken', (context) => {
    const { folder, file, cache, keep } = workshop(context);
    keep();
    const other = join(folder, 'other');
    mkdirSync(other, { mode: 0o700 });
    symlinkSync(file, join(other, 'configuration'));
    expect(cache('sedge 1', other).find(inputsOf())).toHaveProperty('unusable');
    rmSync(join(other, 'configuration'));
    mkdirSync(join(other, 'configuration'));
    expect(cache('sedge 1', other).find(inputsOf())).toHaveProperty('unusable');
    truncateSync(file, 5 * 1024 * 1024);
    expect(cache().find(inputsOf())).toHaveProperty('unusable');
  });
});

describe('nothing is kept', () => {
  test('where others may write, or there is no folder', (context) => {
    const { folder, file, keep } = workshop(context);
    chmodSync(folder, 0o770);
    keep();
    expect(existsSync(file)).toBe(false);
    const loaded = checkInputs(inputsOf());
    if (!loaded.ok) throw new Error('refused');
    const nowhere = new ConfigurationCache({ folder: join(folder, 'missing'), program: 'sedge 1' });
    nowhere.keep(inputsOf(), loaded.variables, { config: loaded.config, warnings: [], yaml: '' });
    expect(existsSync(join(folder, 'missing'))).toBe(false);
  });

  test.each([
    [
      'a header given as text',
      'uplinks: { c: { type: http, url: "https://x", headers: { x-key: s3cret } } }\n',
    ],
    ['a URL with a query', 'uplinks: { c: { type: http, url: "https://x/?key=s3cret" } }\n'],
  ])('of a configuration with %s: it may be a secret', (_, text) => {
    const folder = mkdtempSync(join(tmpdir(), 'sedge-kept-'));
    const inputs = inputsOf({ files: [{ name: 'sedge.yaml', text }] });
    const loaded = checkInputs(inputs);
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    new ConfigurationCache({ folder, program: 'sedge 1' }).keep(inputs, loaded.variables, {
      config: loaded.config,
      warnings: [],
      yaml: '',
    });
    const files = readdirSync(folder);
    rmSync(folder, { recursive: true });
    expect(files).toEqual([]);
  });

  test('but one with references to secrets is, without their content', (context) => {
    const { file, keep } = workshop(context);
    const text = 'uplinks: { c: { type: http, url: "https://x", token: { secret: cloud } } }\n';
    keep(inputsOf({ files: [{ name: 'sedge.yaml', text }], environment: {} }));
    expect(existsSync(file)).toBe(true);
  });
});
