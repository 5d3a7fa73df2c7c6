import type { ErrorCode } from '../../base/errors.ts';
import type { LogImage } from './image.ts';
import type { LogDamage, LogOrder, LogTrouble } from './port.ts';
import type { Truncation } from './verify.ts';

/** What the log's thread is told. An order names the life it was given in: those of an ended life are dropped. */
export type LogRequest =
  | { readonly kind: 'start' }
  | { readonly kind: 'order'; readonly life: number; readonly order: LogOrder }
  | { readonly kind: 'stop' };

/** What it says, in the order in which things came to pass. */
export type LogNews =
  | {
      readonly kind: 'ready';
      readonly life: number;
      readonly image: LogImage;
      readonly truncation: Truncation | null;
      readonly mendedBallot: boolean;
      readonly seconds: number;
    }
  | {
      readonly kind: 'written';
      readonly life: number;
      readonly ids: readonly number[];
      readonly seconds: number;
    }
  | { readonly kind: 'damaged'; readonly life: number; readonly damage: LogDamage }
  | { readonly kind: 'lost'; readonly trouble: LogTrouble; readonly message: string }
  | { readonly kind: 'refused'; readonly id: number; readonly reason: string }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string }
  | { readonly kind: 'stopped' };

/** The way to the log's thread; the host implements it over a worker, tests and simulations in process. */
export interface LogChannel {
  post(request: LogRequest): void;
  onNews(listener: (news: readonly LogNews[]) => void): void;
  /** The thread ended by itself; nothing more comes. */
  onDeath(listener: (reason: string) => void): void;
  /** Resolves when the thread is gone. Safe to call twice. */
  end(): Promise<void>;
}
