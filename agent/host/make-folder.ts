import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * A folder with all above it that are missing. Not Node's own `recursive`, which tries for ever where a file system answers ENOENT below a folder that
 * is there (/proc does). @throws as mkdir does; EEXIST and ENOTDIR where a file is in the way.
 */
export function makeFolder(path: string, mode?: number): void {
  const missing: string[] = [];
  for (let at = resolve(path); !existsSync(at); at = dirname(at)) missing.push(at);
  const options = mode === undefined ? {} : { mode };
  if (missing.length === 0 && !statSync(path).isDirectory()) mkdirSync(path, options);
  for (const one of missing.reverse()) {
    try {
      mkdirSync(one, options);
    } catch (error) {
      // Somebody else may have made it meanwhile.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !statSync(one).isDirectory()) throw error;
    }
  }
}
