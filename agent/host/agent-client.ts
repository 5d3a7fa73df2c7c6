import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { parseExact } from '../reading/exact-json.ts';
import { isErrorCode, messageOf, SedgeError } from '../base/errors.ts';

export interface AgentAddress {
  readonly host: string;
  readonly port: number;
  readonly token: string | null;
  /** PEM of the agent's certificate when its API is encrypted; null: plain HTTP. */
  readonly certificate: string | null;
}

const answerBytesMax = 64 * 1024 * 1024;
const refusalCharsMax = 16_384;
const answerMsMax = 15_000;

/** Asks a running agent's API. */
export class AgentClient {
  readonly #address: AgentAddress;

  constructor(address: AgentAddress) {
    this.#address = address;
  }

  /**
   * The JSON at `path`, read by `parse`. @throws {SedgeError} SEDGE_AGENT_UNREACHABLE, or what the agent answered, with its words.
   */
  async get(path: string, parse?: (text: string) => unknown): Promise<unknown> {
    const { status, body } = await this.#ask(path);
    const answer = parsed(body, parse);
    // Not ready is an answer too; too busy is none.
    const isError = Object.hasOwn(answer, 'error');
    if (status === 200 || (status === 503 && !isError)) return answer;
    throw refusal(path, status, answer, body);
  }

  /** Posts readings; null when they were taken, else the agent's words. @throws {SedgeError} SEDGE_AGENT_UNREACHABLE. */
  async post(path: string, body: Uint8Array): Promise<string | null> {
    const { status, body: text } = await this.#ask(path, body);
    if (status === 200 || status === 204) return null;
    const { error } = parsed(text) as { error?: { message?: string } };
    return error?.message ?? `status ${status}`;
  }

  /** Text frames of `/v1/events` until `stop` resolves or the agent ends. */
  async watch(path: string, onMessage: (message: unknown) => void, stop: Promise<unknown>): Promise<void> {
    const { certificate } = this.#address;
    // Loaded only by those who watch: it is most of this file's weight.
    const { WebSocket } = await import('ws');
    const socket = new WebSocket(`${certificate === null ? 'ws' : 'wss'}://${this.#authority()}${path}`, {
      headers: this.#headers(),
      ...(certificate === null ? {} : { ca: certificate }),
    });
    const ended = new Promise<void>((resolve, reject) => {
      socket.on('message', (data: Buffer) => {
        try {
          onMessage(parsed(data.toString('utf8'), parseExact));
        } catch (error) {
          // Thrown here it would be nobody's: the caller waits for the promise.
          reject(error instanceof Error ? error : new Error(String(error)));
          socket.close();
        }
      });
      socket.on('close', () => resolve());
      socket.on('error', (error) => reject(this.#unreachable(error)));
      socket.on('unexpected-response', (_request, response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const body = Buffer.concat(chunks).toString('utf8').slice(0, refusalCharsMax);
          reject(refusal(path, response.statusCode ?? 0, parsed(body), body));
        });
      });
    });
    void stop.then(() => socket.close());
    await ended;
  }

  #ask(path: string, payload?: Uint8Array): Promise<{ status: number; body: string }> {
    const { host, port, certificate } = this.#address;
    return new Promise((resolve, reject) => {
      const method = payload === undefined ? 'GET' : 'POST';
      const options = { host, port, path, method, headers: this.#headers(), timeout: answerMsMax };
      const request =
        certificate === null ? httpRequest(options) : httpsRequest({ ...options, ca: certificate });
      request.on('response', (response) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > answerBytesMax) request.destroy(new Error('the answer is too large'));
          chunks.push(chunk);
        });
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }),
        );
        response.on('error', (error) => reject(this.#unreachable(error)));
      });
      request.on('timeout', () => request.destroy(new Error(`no answer within ${answerMsMax / 1000} s`)));
      request.on('error', (error) => reject(this.#unreachable(error)));
      request.end(payload);
    });
  }

  #headers(): Record<string, string> {
    const { token } = this.#address;
    return token === null ? {} : { authorization: `Bearer ${token}` };
  }

  #authority(): string {
    const { host, port } = this.#address;
    return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  }

  #unreachable(error: unknown): SedgeError {
    return new SedgeError(
      'SEDGE_AGENT_UNREACHABLE',
      `no agent answers at ${this.#authority()}: ${messageOf(error)}`,
    );
  }
}

/** The agent's own error where it told one. */
function refusal(path: string, status: number, answer: unknown, body: string): SedgeError {
  const { error } = answer as { error?: { code?: unknown; message?: unknown; hint?: unknown } };
  const words = typeof error?.message === 'string' ? error.message : body.slice(0, 200);
  const code = isErrorCode(error?.code) ? error.code : 'SEDGE_DATA_INVALID';
  const hint =
    code === 'SEDGE_API_TOKEN'
      ? 'api.token of this configuration must be the one the agent runs with'
      : error?.hint;
  const text = `the agent answered ${status} for ${path.split('?')[0]}: ${words}`;
  return new SedgeError(code, text, typeof hint === 'string' ? { hint } : {});
}

function parsed(text: string, parse: (text: string) => unknown = JSON.parse): object {
  try {
    const value = parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
