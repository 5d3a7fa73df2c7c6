/**
 * The same text in memory of its own, as the engine's one copy of a property name. A piece cut from a payload keeps the whole
 * payload alive; what is remembered beyond a message must not. A name copied so compares by address with parsed keys.
 */
export function ownText(text: string): string {
  return Object.keys(JSON.parse(`{${JSON.stringify(text)}:0}`) as object)[0]!;
}
