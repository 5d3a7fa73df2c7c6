import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeFolder } from '#agent/host/make-folder.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sedge-folder-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('makeFolder', () => {
  it('makes all that is missing, and leaves what is there', () => {
    makeFolder(join(folder, 'a/b/c'), 0o700);
    makeFolder(join(folder, 'a/b/c'));

    expect(statSync(join(folder, 'a/b/c')).mode & 0o777).toBe(0o700);
  });

  it('says that a file is in the way, as Node does', () => {
    writeFileSync(join(folder, 'file'), '');
    const codeOf = (make: () => void): unknown => {
      try {
        make();
        return 'made';
      } catch (error) {
        return (error as NodeJS.ErrnoException).code;
      }
    };
    for (const path of ['file', 'file/x', 'file/x/y']) {
      const at = join(folder, path);
      expect(codeOf(() => makeFolder(at))).toBe(codeOf(() => mkdirSync(at, { recursive: true })));
    }
  });

  it('gives up where a file system makes no folders, in which Node would try for ever', () => {
    expect(() => makeFolder('/proc/sedge/data')).toThrow(/ENOENT|ENOTSUP|EROFS|EACCES|EPERM/);
  });
});
