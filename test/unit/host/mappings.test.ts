import { expect, test } from 'vitest';
import { unchangedMappings } from '#agent/host/mappings.ts';

const file = '/usr/bin/sedge';

function mapping(line: string, anonymousKib: number): string {
  return `${line}\nSize:                 64 kB\nRss:                  64 kB\nAnonymous:      ${String(anonymousKib).padStart(8)} kB\nAnonHugePages:         0 kB\nVmFlags: rd ex mr mw me\n`;
}

const text = mapping(`00400000-00410000 r--p 00000000 fe:00 7    ${file}`, 0);
const code = mapping(`00410000-00500000 r-xp 00010000 fe:00 7    ${file}`, 0);

test('code and constants of the program are found, with their extent', () => {
  const found = unchangedMappings(text + code, file);
  expect(found).toEqual([
    { start: 0x40_0000n, bytes: 0x1_0000n },
    { start: 0x41_0000n, bytes: 0xf_0000n },
  ]);
});

test('a mapping with one page that differs from the file is left alone', () => {
  const relocated = mapping(`00500000-00510000 r--p 00100000 fe:00 7    ${file}`, 4);
  expect(unchangedMappings(relocated + code, file)).toEqual([{ start: 0x41_0000n, bytes: 0xf_0000n }]);
});

test.each([
  ['writable', `00500000-00510000 rw-p 00100000 fe:00 7    ${file}`],
  ['shared', `00500000-00510000 r--s 00100000 fe:00 7    ${file}`],
  ['of a file that was replaced meanwhile', `00500000-00510000 r-xp 00100000 fe:00 7    ${file} (deleted)`],
  ['of another file', '00500000-00510000 r-xp 00100000 fe:00 8    /usr/lib/libc.so.6'],
  ['of no file', '00500000-00510000 r-xp 00000000 00:00 0'],
])('a mapping that is %s is left alone', (_, line) => {
  expect(unchangedMappings(mapping(line, 0), file)).toEqual([]);
});

test('what a kernel tells without the count of anonymous pages is left alone', () => {
  expect(unchangedMappings(code.replace(/^Anonymous.*\n/m, ''), file)).toEqual([]);
});
