import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Where `scripts/golden/install` puts it. */
const usual = fileURLToPath(new URL('../../.cache/python/bin/python', import.meta.url));

/** A Python with foreign readers of our formats: `SEDGE_GOLDEN_PYTHON`, else the project's own, else the system's. */
const python = process.env['SEDGE_GOLDEN_PYTHON'] ?? (existsSync(usual) ? usual : 'python3');

/** Why nothing that needs these modules of Python can run here, for the name of a test; null when it can. */
export function pythonLacks(...modules: readonly string[]): string | null {
  const probe = spawnSync(python, ['-c', `import ${modules.join(', ')}`], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (probe.error !== undefined) return `skipped: ${python} does not run; scripts/golden/install`;
  if (probe.status === 0) return null;
  const missing = /No module named '([^']+)'/.exec(probe.stderr)?.[1] ?? modules.join(' or ');
  return `skipped: ${python} has no module ${missing}; scripts/golden/install`;
}

/** What a program of `scripts/golden` says of `input`, both as JSON. @throws {Error} with its words when it fails. */
export function askPython(program: string, input: unknown): unknown {
  return JSON.parse(runPython(program, [], JSON.stringify(input))) as unknown;
}

/** What a program of `scripts/golden` prints. @throws {Error} with its words when it fails. */
export function runPython(program: string, parameters: readonly string[], input = ''): string {
  const script = fileURLToPath(new URL(`../../scripts/golden/${program}`, import.meta.url));
  const run = spawnSync(python, [script, ...parameters], {
    input,
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
    timeout: 120_000,
  });
  if (run.error !== undefined) throw run.error;
  if (run.status !== 0) throw new Error(`${program}: ${run.stderr}`);
  return run.stdout;
}
