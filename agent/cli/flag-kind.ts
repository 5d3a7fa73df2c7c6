/** What the value of a flag must look like. Checked before the verb runs, so that a slip of the keyboard costs one line and no time. */
export type FlagKind =
  | { readonly kind: 'integer'; readonly min: number; readonly max: number }
  /** A probability. */
  | { readonly kind: 'share' }
  /** `host:port`, `[v6]:port` or `:port`. */
  | { readonly kind: 'address' }
  | { readonly kind: 'choice'; readonly of: readonly string[] };

/** What is wrong with the value, as the end of a sentence; null when nothing is. */
export function problemOfValue(text: string, kind: FlagKind): string | null {
  switch (kind.kind) {
    case 'integer': {
      // Digits only: Number('') is 0 and Number('0x10') is 16.
      const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
      if (value >= kind.min && value <= kind.max) return null;
      return kind.max === Number.MAX_SAFE_INTEGER
        ? `is not a whole number from ${kind.min} on`
        : `is not a whole number from ${kind.min} to ${kind.max}`;
    }
    case 'share': {
      const share = /^\d{0,16}(\.\d{1,16})?$/.test(text) && text !== '' ? Number(text) : Number.NaN;
      return share >= 0 && share <= 1 ? null : 'is not a share from 0 to 1';
    }
    case 'address': {
      const port = /^(?:\[[0-9a-fA-F:.]+\]|[^:\s]*):(\d{1,5})$/.exec(text)?.[1];
      return port !== undefined && Number(port) <= 65_535 ? null : 'is not HOST:PORT';
    }
    case 'choice':
      return kind.of.includes(text) ? null : `is not ${listed(kind.of)}`;
  }
}

/** `a, b or c`. */
function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)!}`;
}
