import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sharedWritablePages } from '#scripts/elf.ts';

const load = 1;
const note = 4;
const read = 4;
const write = 2;

interface Header {
  readonly type: number;
  readonly flags: number;
  readonly address: number;
  readonly memoryBytes: number;
}

/** An ELF file of nothing but headers: the program header table follows the file header at `tableOffset`. */
function elf(headers: readonly Header[], tableOffset = 64): Buffer {
  const bytes = Buffer.alloc(tableOffset + headers.length * 56);
  bytes.write('\x7fELF\x02\x01\x01', 'latin1');
  bytes.writeBigUInt64LE(BigInt(tableOffset), 32);
  bytes.writeUInt16LE(56, 54);
  bytes.writeUInt16LE(headers.length, 56);
  for (const [index, header] of headers.entries()) {
    const at = tableOffset + index * 56;
    bytes.writeUInt32LE(header.type, at);
    bytes.writeUInt32LE(header.flags, at + 4);
    bytes.writeBigUInt64LE(BigInt(header.address), at + 16);
    bytes.writeBigUInt64LE(BigInt(header.memoryBytes), at + 40);
  }
  return bytes;
}

const code = { type: load, flags: read | 1, address: 0x400000, memoryBytes: 0x1000 };
/** Ends at 0x7131600: pages of 4, 16 and 64 KiB begin next at three different addresses. */
const data = { type: load, flags: read | write, address: 0x7000000, memoryBytes: 0x131600 };
const nextPageOf = (bytes: number): Header => ({
  type: load,
  flags: read,
  address: Math.ceil((data.address + data.memoryBytes) / bytes) * bytes,
  memoryBytes: 0x1000,
});

describe('sharedWritablePages', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sedge-elf-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const written = (bytes: Buffer): string => {
    writeFileSync(join(folder, 'file'), bytes);
    return join(folder, 'file');
  };

  it.each([
    ['finds a read-only segment 4 KiB behind a writable one', [code, data, nextPageOf(4_096)], 1],
    ['finds one 16 KiB behind, which shares a page of 64 KiB', [code, data, nextPageOf(16_384)], 1],
    ['lets one on its own 64 KiB page be', [code, data, nextPageOf(65_536)], 0],
    ['lets a writable one be', [code, data, { ...nextPageOf(4_096), flags: read | write }], 0],
    ['lets read-only ones that share a page be', [{ ...data, flags: read }, nextPageOf(4_096)], 0],
    ['looks at loaded segments only', [data, { ...nextPageOf(4_096), type: note }], 0],
    ['sees past headers that are not loaded', [data, { ...code, type: note }, nextPageOf(4_096)], 1],
    ['finds nothing in a file of no segments', [], 0],
  ])('%s', (_, headers, found) => {
    expect(sharedWritablePages(written(elf(headers)), { repair: false })).toBe(found);
  });

  it('repairs the flags of that segment and no other byte, once', () => {
    const before = elf([code, data, nextPageOf(4_096)], 4_096);
    const file = written(before);

    const repaired = sharedWritablePages(file, { repair: true });
    const after = readFileSync(file);

    const changed = [...after.keys()].filter((at) => after[at] !== before[at]);
    expect(repaired).toBe(1);
    expect(changed).toEqual([4_096 + 2 * 56 + 4]);
    expect(after.readUInt32LE(4_096 + 2 * 56 + 4)).toBe(read | write);
    expect(sharedWritablePages(file, { repair: true })).toBe(0);
  });

  it('changes nothing when it only looks', () => {
    const before = elf([code, data, nextPageOf(4_096)]);
    const file = written(before);

    sharedWritablePages(file, { repair: false });

    expect(readFileSync(file).equals(before)).toBe(true);
  });

  it.each([
    ['a text', Buffer.from('#!/bin/sh\n'.padEnd(80))],
    ['an empty file', Buffer.alloc(0)],
    ['a 32-bit ELF file', Buffer.concat([Buffer.from('\x7fELF\x01', 'latin1'), Buffer.alloc(80)])],
  ])('refuses %s', (_, bytes) => {
    expect(() => sharedWritablePages(written(bytes), { repair: false })).toThrow('is not a 64-bit ELF file');
  });
});
