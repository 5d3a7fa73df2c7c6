import { parseExpression } from './expression/environment.ts';

/**
 * What is wrong with a CEL expression of `keep`, in one line with its column; null when nothing is. For the config room, which
 * knows where the text stands in the file.
 */
export function checkExpression(text: string): string | null {
  const parsed = parseExpression(text);
  return parsed.ok ? null : parsed.error;
}
