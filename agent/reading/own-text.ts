/**
 * The same text in memory of its own, as the engine's one copy of a property name. A piece cut from a payload keeps the whole
 * payload alive; what is remembered beyond a message must not. A name copied so compares by address with parsed keys.
 */
export function ownText(text: string): string {
  const json = JSON.stringify(text);
  // A key with an escape may come back as another (escaped-keys.ts); a text alone does not.
  if (json.includes('\\')) return JSON.parse(json) as string;
  return Object.keys(JSON.parse(`{${json}:0}`) as object)[0]!;
}
