/**
 * Keys that the language of sedge has and this version does not build. They get a sentence of their own instead of
 * "unknown key", because who writes them has read the manual.
 */
const sections = new Set(['mesh', 'models', 'plugins', 'devices', 'learning']);
const stages = new Set(['fft', 'filter_bank', 'score', 'smooth']);

/** The sentence for an unknown key of the map at `shape`, or null when the key is simply unknown. */
export function notYetKey(place: 'root' | 'stage', key: string): string | null {
  if (place === 'root' && sections.has(key)) return `this version of sedge does not have \`${key}:\` yet`;
  if (place === 'stage' && stages.has(key))
    return `this version of sedge does not have the stage \`${key}:\` yet`;
  return null;
}
