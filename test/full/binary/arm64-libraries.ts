import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The shared libraries an arm64 executable loads, from Debian's packages, unpacked into `folder` once. apt works on lists
 * and caches of its own there: the host's packages are not touched. Null when they cannot be had.
 */
export function arm64Libraries(folder: string): string | null {
  const system = join(folder, 'system');
  if (existsSync(system)) return system;
  const lists = join(folder, 'apt/state/lists/partial');
  const archives = join(folder, 'apt/cache/archives/partial');
  for (const one of [lists, archives]) mkdirSync(one, { recursive: true });
  writeFileSync(join(folder, 'apt/status'), '');
  const settings = [
    'APT::Architecture=arm64',
    'APT::Architectures::=arm64',
    `Dir::State=${join(folder, 'apt/state')}`,
    `Dir::State::status=${join(folder, 'apt/status')}`,
    `Dir::Cache=${join(folder, 'apt/cache')}`,
    // Its own user may not write here, and need not.
    'APT::Sandbox::User=root',
  ].flatMap((setting) => ['-o', setting]);
  const apt = (...words: readonly string[]): unknown =>
    execFileSync('apt-get', [...settings, '-qq', ...words], {
      cwd: folder,
      stdio: 'ignore',
      timeout: 240_000,
    });
  const unfinished = `${system}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  try {
    apt('update');
    apt('download', 'libc6', 'libstdc++6', 'libgcc-s1', 'libatomic1');
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.deb')))
      execFileSync('dpkg-deb', ['--extract', join(folder, file), unfinished]);
    renameSync(unfinished, system);
    return system;
  } catch {
    return null;
  }
}
