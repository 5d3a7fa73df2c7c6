import { existsSync, readFileSync } from 'node:fs';

interface SentLine {
  readonly epoch: string;
  readonly stream: string;
  readonly offset: number;
  readonly fidelity?: string;
}

/** Whole lines that a file uplink wrote, each reading once, for an uplink that was killed may send what it had sent; none while there is no file. */
export function linesOnce<Line extends SentLine>(file: string): Line[] {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const once = new Map<string, Line>();
  for (const line of text.slice(0, text.lastIndexOf('\n') + 1).split('\n')) {
    if (line === '') continue;
    const one = JSON.parse(line) as Line;
    once.set(`${one.epoch} ${one.stream} ${one.fidelity} ${one.offset}`, one);
  }
  return [...once.values()];
}
