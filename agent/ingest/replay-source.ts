import { messageOf } from '../base/errors.ts';
import { millis } from '../base/units.ts';
import type { Alarm, Clock } from '../ports/clock.ts';
import type { Line, LineFiles, Lines } from '../ports/lines.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import type { AckMode, Arrival } from './arrival.ts';
import type { Inlet } from './inlet.ts';
import { limits } from './limits.ts';
import type { InletOpener } from './mqtt-receiver.ts';
import { replayEnded, replayFailed, replaySkipped } from './replay-events.ts';
import { ReplayLines, type ReplayFormat } from './replay-lines.ts';

export interface ReplaySourceOptions {
  readonly name: string;
  readonly path: string;
  readonly ack: AckMode;
  readonly format: ReplayFormat;
  /** Factor on the recording's own pace, > 0; `max`: as fast as the intake takes it. */
  readonly speed: number | 'max';
  /** Begins again at the end, with times moved on by the recording's length. */
  readonly loop: boolean;
}

export interface ReplaySourceDependencies {
  readonly files: LineFiles;
  readonly intake: InletOpener;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

export interface ReplayState {
  readonly state: 'stopped' | 'playing' | 'ended';
  /** Messages sent and settled since the start. */
  readonly sent: number;
  readonly settled: number;
  /** Times the recording began again. */
  readonly loops: number;
}

/** Plays a recording: its lines become messages at the pace of their times. Credit holds it back like any source. */
export class ReplaySource {
  readonly #options: ReplaySourceOptions;
  readonly #dependencies: ReplaySourceDependencies;
  #inlet: Inlet<Arrival> | null = null;
  #state: ReplayState['state'] = 'stopped';
  #sent = 0;
  #settled = 0;
  #loops = 0;
  #paused = false;
  /** Rings when the player waits for a time, credit or the end. */
  #alarm: Alarm | null = null;
  #wake: (() => void) | null = null;
  /** Span of the times of one pass, microseconds. */
  #firstMicros: number | null = null;
  #lastMicros = 0;
  /** Where the recording's first time lies on the monotonic clock. */
  #startedMs = 0;

  constructor(options: ReplaySourceOptions, dependencies: ReplaySourceDependencies) {
    this.#options = options;
    this.#dependencies = dependencies;
  }

  inspect(): ReplayState {
    return { state: this.#state, sent: this.#sent, settled: this.#settled, loops: this.#loops };
  }

  /** Answers once the file is open. @throws {SedgeError} when it cannot be read. */
  async start(): Promise<void> {
    if (this.#state === 'playing') return;
    const { path, name, ack } = this.#options;
    this.#state = 'playing';
    const lines = await this.#open(path);
    if (!this.#playing) {
      await lines.close();
      return;
    }
    this.#inlet = this.#dependencies.intake.open<Arrival>(
      { source: name, ack },
      {
        settled: (arrivals) => {
          this.#settled += arrivals.length;
        },
        pause: () => {
          this.#paused = true;
        },
        resume: () => {
          this.#paused = false;
          this.#wake?.();
        },
      },
    );
    void this.#play(lines, this.#inlet);
  }

  stop(): void {
    this.#state = 'stopped';
    this.#inlet?.close();
    this.#inlet = null;
    this.#alarm?.cancel();
    this.#wake?.();
  }

  get #playing(): boolean {
    return this.#state === 'playing';
  }

  #open(path: string): Promise<Lines> {
    return this.#dependencies.files.open(path, { lineBytesMax: limits.replayLineBytes });
  }

  async #play(first: Lines, inlet: Inlet<Arrival>): Promise<void> {
    const { telemetry } = this.#dependencies;
    const { name, path, loop } = this.#options;
    let lines = first;
    try {
      let shiftMicros = 0;
      for (;;) {
        const sentBefore = this.#sent;
        await this.#pass(lines, inlet, shiftMicros);
        await lines.close();
        if (!this.#playing) return;
        // A recording without a message would spin.
        if (!loop || this.#sent === sentBefore) break;
        this.#loops++;
        // One mean interval between the last reading and the first one again.
        const span = this.#lastMicros - (this.#firstMicros ?? 0);
        const messages = Math.max(1, this.#sent - sentBefore - 1);
        shiftMicros += Math.round(span * (1 + 1 / messages));
        lines = await this.#open(path);
      }
      this.#state = 'ended';
      replayEnded(telemetry, name, this.#sent);
    } catch (error) {
      this.#state = 'ended';
      replayFailed(telemetry, name, messageOf(error));
    }
  }

  async #pass(lines: Lines, inlet: Inlet<Arrival>, shiftMicros: number): Promise<void> {
    const reader = new ReplayLines(this.#options.format);
    while (this.#playing) {
      const some = await lines.next(limits.replayLinesAhead);
      if (some.length === 0) return;
      for (const line of some) {
        await this.#send(reader, line, inlet, shiftMicros);
        if (!this.#playing) return;
      }
    }
  }

  async #send(reader: ReplayLines, line: Line, inlet: Inlet<Arrival>, shiftMicros: number): Promise<void> {
    const { clock, telemetry } = this.#dependencies;
    if (line.bytes === null) {
      replaySkipped(telemetry, this.#options.name, line.number);
      return;
    }
    const message = reader.read(line.bytes);
    if (message === null) return;
    if (message.timeMicros !== null) await this.#until(message.timeMicros + shiftMicros);
    while (this.#paused && this.#playing) await this.#woken();
    if (!this.#playing) return;
    if (message.timeMicros !== null && shiftMicros === 0)
      this.#lastMicros = Math.max(this.#lastMicros, message.timeMicros);
    this.#sent++;
    inlet.offer({
      kind: 'message',
      topic: message.topic,
      payload: message.payload(shiftMicros),
      arrivalMicros: clock.wall(),
      stream: null,
      format: null,
      mark: null,
      ownTime: false,
      progress: 'offered',
      verdict: 'waiting',
      detail: '',
    });
  }

  /** Waits until the recording's time has come. Times that go back do not wait. */
  async #until(micros: number): Promise<void> {
    const { clock } = this.#dependencies;
    if (this.#firstMicros === null) {
      this.#firstMicros = micros;
      this.#lastMicros = micros;
      this.#startedMs = clock.monotonic();
    }
    const { speed } = this.#options;
    if (speed === 'max') return;
    for (;;) {
      const dueMs = this.#startedMs + (micros - this.#firstMicros) / 1000 / speed;
      const waitMs = dueMs - clock.monotonic();
      if (waitMs < 1 || !this.#playing) return;
      this.#alarm = clock.after(millis(Math.min(waitMs, timerMsMax)), () => this.#wake?.());
      await this.#woken();
    }
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = null;
        resolve();
      };
    });
  }
}

/** Timers of the host take 31 bits. */
const timerMsMax = 2_147_483_647;
