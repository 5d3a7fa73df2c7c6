import { assert } from '../base/assert.ts';
import type { HttpRequest, LiveSocket, UpgradeAnswer } from '../ports/http-server.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import { tokenProtocol } from './access.ts';
import type { LiveSource } from './agent-view.ts';
import { noSuchPoint, type LiveJson } from './contract.ts';
import { tapClosed, tapDropped, tapOpened } from './events.ts';
import { limits } from './limits.ts';
import { problem } from './problem.ts';

export interface LiveTapsOptions {
  readonly source: LiveSource;
  readonly telemetry: Telemetry;
  readonly agent: string;
  readonly version: string;
}

/** RFC 6455 §7.4.1: going away, policy violation, try again later. */
const closeCodes = { goingAway: 1001, policy: 1008, later: 1013 } as const;

/** Open WebSockets of people who watch. A slow reader is closed with a notice; it never slows the agent. */
export class LiveTaps {
  readonly #options: LiveTapsOptions;
  readonly #closers = new Set<(code: number, reason: string) => void>();
  /** Accepted and perhaps not yet connected: the bound counts these. */
  #open = 0;

  constructor(options: LiveTapsOptions) {
    this.#options = options;
  }

  /** `?streams=a,b` (absent: all) and `?point=stored`. */
  open(request: HttpRequest): UpgradeAnswer {
    const streams = (request.query.get('streams') ?? '').split(',').filter((name) => name !== '');
    const point = request.query.get('point') ?? 'stored';
    if (streams.length > limits.tapStreams) {
      const message = `a tap takes at most ${limits.tapStreams} streams`;
      return { kind: 'refuse', response: problem('SEDGE_API_BAD_REQUEST', message) };
    }
    if (this.#open >= limits.taps) {
      const message = `${limits.taps} taps are open already`;
      const headers = { 'retry-after': String(limits.retryAfterSeconds) };
      return { kind: 'refuse', response: problem('SEDGE_API_BUSY', message, { headers }) };
    }
    const protocol = tokenProtocol(request);
    return {
      kind: 'accept',
      ...(protocol === undefined ? {} : { protocol }),
      connected: (socket) => this.#connect(socket, { streams, point, remote: request.remote }),
    };
  }

  /** Closes every tap. Safe to call twice. */
  stop(): void {
    for (const close of this.#closers) close(closeCodes.goingAway, 'the agent stops');
  }

  #connect(
    socket: LiveSocket,
    tap: { readonly streams: readonly string[]; readonly point: string; readonly remote: string },
  ): void {
    const { source, telemetry, agent, version } = this.#options;
    let leave: (() => void) | null = null;
    let over = false;
    const end = (code: number, reason: string): void => {
      if (over) return;
      finish();
      socket.send(JSON.stringify({ kind: 'closed', reason } satisfies LiveJson));
      socket.close(code, reason);
    };
    const finish = (): void => {
      if (over) return;
      over = true;
      leave?.();
      this.#closers.delete(end);
      this.#open--;
      assert(this.#open >= 0, 'no tap closes twice');
      tapClosed(telemetry, this.#open);
    };
    this.#open++;
    this.#closers.add(end);
    tapOpened(telemetry, this.#open);
    socket.onClose(finish);
    if (this.#open > limits.taps) {
      end(closeCodes.later, `${limits.taps} taps are open already`);
      return;
    }
    socket.send(JSON.stringify({ kind: 'hello', agent, version, streams: tap.streams } satisfies LiveJson));
    leave = source.tap({ streams: tap.streams, point: tap.point }, (message) => {
      if (over) return;
      if (socket.bufferedBytes > limits.tapBacklogBytes) {
        tapDropped(telemetry, tap.remote);
        end(closeCodes.later, 'too slow: readings came faster than they were read');
        return;
      }
      socket.send(JSON.stringify(message));
    });
    if (leave === null) end(closeCodes.policy, noSuchPoint);
    else if (over) leave();
  }
}
