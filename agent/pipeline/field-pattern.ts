/**
 * True when `name` is taken in by the list: the last pattern that matches decides, a leading `!` takes out. A list that starts
 * with `!` starts from everything.
 */
export function fieldMatcher(patterns: readonly string[]): (name: string) => boolean {
  const rules = patterns.map((pattern) => {
    const out = pattern.startsWith('!');
    return { out, matches: globMatcher(out ? pattern.slice(1) : pattern) };
  });
  const initial = rules[0]?.out ?? false;
  return (name) => {
    let taken = initial;
    for (const rule of rules) if (rule.out === taken && rule.matches(name)) taken = !rule.out;
    return taken;
  };
}

/** `*` stands for any run of characters, `?` for one. Linear in practice, quadratic at worst; never backtracks twice. */
function globMatcher(glob: string): (name: string) => boolean {
  if (!/[*?]/.test(glob)) return (name) => name === glob;
  if (glob === '*') return () => true;
  return (name) => globMatches(glob, name);
}

function globMatches(glob: string, name: string): boolean {
  let at = 0;
  let g = 0;
  let star = -1;
  let resume = 0;
  while (at < name.length) {
    if (glob[g] === '*') {
      star = g++;
      resume = at;
    } else if (g < glob.length && (glob[g] === '?' || glob[g] === name[at])) {
      g++;
      at++;
    } else if (star >= 0) {
      g = star + 1;
      at = ++resume;
    } else return false;
  }
  while (glob[g] === '*') g++;
  return g === glob.length;
}
