/** A range of addresses. */
export interface AddressRange {
  readonly start: bigint;
  readonly bytes: bigint;
}

const mappingLine = /^(?<start>[0-9a-f]+)-(?<end>[0-9a-f]+) (?<permissions>\S{4}) \S+ \S+ \S+ +(?<path>.*)$/;

/**
 * The private mappings of `file` that cannot be written to and hold no page that differs from it (relocated tables do); `smaps` is
 * the text of proc_pid_smaps(5).
 */
export function unchangedMappings(smaps: string, file: string): readonly AddressRange[] {
  const found: AddressRange[] = [];
  let mapping: AddressRange | null = null;
  for (const line of smaps.split('\n')) {
    const head = mappingLine.exec(line)?.groups;
    if (head !== undefined) {
      const start = BigInt(`0x${head['start']}`);
      const isOurs = head['path'] === file && /^r-[-x]p$/.test(head['permissions']!);
      mapping = isOurs ? { start, bytes: BigInt(`0x${head['end']}`) - start } : null;
    } else if (mapping !== null && /^Anonymous: +0 kB$/.test(line)) {
      found.push(mapping);
      mapping = null;
    }
  }
  return found;
}
