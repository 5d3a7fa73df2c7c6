import { execFileSync } from 'node:child_process';

/** The newest version of GLIBC and GLIBCXX symbols that any of the ELF files asks for. */
export function newestSymbols(files: readonly string[]): Record<string, readonly number[]> {
  const newest: Record<string, readonly number[]> = {};
  for (const file of files) {
    const said = execFileSync('readelf', ['--version-info', '--wide', file], {
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    });
    for (const [, library = '', text = ''] of said.matchAll(/Name: (GLIBC|GLIBCXX)_([\d.]+)/g)) {
      const version = text.split('.').map(Number);
      if (isNewer(version, newest[library] ?? [])) newest[library] = version;
    }
  }
  return newest;
}

function isNewer(one: readonly number[], other: readonly number[]): boolean {
  for (const [place, part] of one.entries()) {
    if (part !== (other[place] ?? -1)) return part > (other[place] ?? -1);
  }
  return false;
}
