/**
 * Whether a stream goes to an uplink that lists `pattern`: `*` stands for any run of characters, `?` for one. A pattern
 * that begins with a wildcard leaves out streams of sedge itself, whose names begin with `_`.
 */
export function globMatcher(pattern: string): (name: string) => boolean {
  const source = pattern.replaceAll(/[.*+?^${}()|[\]\\]/g, (c) =>
    c === '*' ? '[^]*' : c === '?' ? '[^]' : `\\${c}`,
  );
  // Names have at most 64 characters, and neighbouring stars are one: matching stays cheap.
  const expression = new RegExp(`^${source.replaceAll(/(?:\[\^\]\*)+/g, '[^]*')}$`);
  const hidden = /^[*?]/.test(pattern);
  return (name) => !(hidden && name.startsWith('_')) && expression.test(name);
}
