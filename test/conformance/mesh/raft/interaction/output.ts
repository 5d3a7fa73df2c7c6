import { levels, type Level } from './log-lines.ts';

/** What a directive prints: its own words and the log, in one stream. At level NONE nothing is printed at all. */
export class Output {
  level: Level = 'DEBUG';
  #text = '';

  get quiet(): boolean {
    return this.level === 'NONE';
  }

  get text(): string {
    return this.#text;
  }

  clear(): void {
    this.#text = '';
  }

  write(text: string): void {
    if (!this.quiet) this.#text += text;
  }

  log(level: Level, text: string): void {
    if (levels.indexOf(this.level) <= levels.indexOf(level)) this.#text += `${level} ${text}\n`;
  }

  /** What `act` prints, each line moved in by two. */
  indented(act: () => void): void {
    const before = this.#text;
    this.#text = '';
    try {
      act();
    } finally {
      const lines = this.#text.split('\n');
      if (lines.at(-1) === '') lines.pop();
      this.#text = before + lines.map((line) => `  ${line}\n`).join('');
    }
  }
}
