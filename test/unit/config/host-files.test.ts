import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test, type TestContext } from 'vitest';
import { SedgeError } from '#agent/base/errors.ts';
import { machineAgentId, readConfigFiles } from '#agent/host/config-files.ts';
import { Secrets } from '#agent/host/secrets.ts';

function folder(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'sedge-config-'));
  context.onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof SedgeError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'no error';
}

describe('the files of a config', () => {
  test('are the named one, else the variable, else here, else the system with conf.d in name order', (context) => {
    const root = folder(context);
    const system = join(root, 'etc');
    mkdirSync(join(system, 'conf.d'), { recursive: true });
    for (const name of [
      'a.yaml',
      'b.yaml',
      'sedge.yaml',
      'etc/sedge.yaml',
      'etc/conf.d/20.yaml',
      'etc/conf.d/10.yml',
      'etc/conf.d/.hidden.yaml',
      'etc/conf.d/README',
    ]) {
      writeFileSync(join(root, name), `# ${name}`);
    }
    const options = { workingDirectory: root, systemDirectory: system };
    const names = (more: { file?: string; env?: Record<string, string> }) =>
      readConfigFiles({ ...options, env: {}, ...more })?.map((file) => file.text);
    expect(names({ file: 'a.yaml', env: { SEDGE_CONFIG: 'b.yaml' } })).toEqual(['# a.yaml']);
    expect(names({ env: { SEDGE_CONFIG: join(root, 'b.yaml') } })).toEqual(['# b.yaml']);
    expect(names({})).toEqual(['# sedge.yaml']);
    rmSync(join(root, 'sedge.yaml'));
    expect(names({})).toEqual(['# etc/sedge.yaml', '# etc/conf.d/10.yml', '# etc/conf.d/20.yaml']);
    expect(names({ file: join(system, 'sedge.yaml') })).toHaveLength(3);
  });

  test('are null when there is none, and an error when the named one is missing or no text', (context) => {
    const root = folder(context);
    const options = { workingDirectory: root, systemDirectory: join(root, 'etc'), env: {} };
    writeFileSync(join(root, 'bad'), Buffer.from([0xff, 0xfe, 0x41]));
    expect(readConfigFiles(options)).toBeNull();
    expect(codeOf(() => readConfigFiles({ ...options, file: 'x.yaml' }))).toBe(
      'SEDGE_CONFIG_MISSING: cannot read x.yaml: there is no such file',
    );
    expect(codeOf(() => readConfigFiles({ ...options, file: 'bad' }))).toContain(
      'SEDGE_CONFIG_MISSING: cannot read bad',
    );
    expect(codeOf(() => readConfigFiles({ ...options, file: '.' }))).toContain('it is a directory');
  });

  test('do not say the machine id itself', (context) => {
    const path = join(folder(context), 'machine-id');
    writeFileSync(path, `${'0123456789abcdef'.repeat(2)}\n`);
    expect(machineAgentId(path)).toMatch(/^agent-[0-9a-f]{12}$/);
    expect(machineAgentId(path)).toBe(machineAgentId(path));
    expect(machineAgentId(`${path}.none`)).toBeNull();
  });
});

describe('a secret', () => {
  test('comes from the credentials of systemd, then the development folder, then the system', (context) => {
    const root = folder(context);
    for (const name of ['credentials', 'dev', 'etc']) {
      mkdirSync(join(root, name));
      writeFileSync(join(root, name, 'cloud'), `from ${name}\n`, { mode: 0o600 });
    }
    const read = (env: Record<string, string>) =>
      new Secrets({ env, directory: join(root, 'etc') }).read('cloud');
    const env = { CREDENTIALS_DIRECTORY: join(root, 'credentials'), SEDGE_SECRETS_DIR: join(root, 'dev') };
    expect(read(env)).toBe('from credentials');
    rmSync(join(root, 'credentials', 'cloud'));
    expect(read(env)).toBe('from dev');
    expect(read({})).toBe('from etc');
  });

  test('that others may read is refused, without its content in the message', (context) => {
    const root = folder(context);
    writeFileSync(join(root, 'cloud'), 'hunter2');
    chmodSync(join(root, 'cloud'), 0o640);
    const message = codeOf(() => new Secrets({ env: {}, directory: root }).read('cloud'));
    expect(message).toContain('SEDGE_CONFIG_SECRET: cannot use the secret cloud');
    expect(message).toContain('mode 0640');
    expect(message).not.toContain('hunter2');
  });

  test('that is nowhere, empty, or named like a path is refused', (context) => {
    const root = folder(context);
    writeFileSync(join(root, 'empty'), '\n', { mode: 0o600 });
    const secrets = new Secrets({ env: {}, directory: root });
    expect(codeOf(() => secrets.read('none'))).toContain('is nowhere');
    expect(codeOf(() => secrets.read('empty'))).toContain('it is empty');
    expect(codeOf(() => secrets.read('../x'))).toContain('is not a name');
  });
});
