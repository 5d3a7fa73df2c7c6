import * as z from 'zod';
import { agentSchema } from './agent.ts';
import { bufferSchema } from './buffer.ts';
import { list, named } from './leaf.ts';
import { apiSchema, logSchema, testCaseSchema } from './operation.ts';
import {
  sourceSchema,
  type brokerSource,
  type httpSource,
  type mqttSource,
  type replaySource,
} from './sources.ts';
import { streamSchema } from './streams.ts';
import { uplinkSchema, type fileUplink, type httpUplink, type mqttUplink } from './uplinks.ts';

/** The whole configuration: types, defaults, validation, JSON Schema and reference all come from here. */
export const configSchema = z.strictObject({
  agent: agentSchema.prefault({}).describe('Who this agent is.'),
  sources: named(sourceSchema).prefault({}).describe('Where messages come from, by name.'),
  streams: named(streamSchema).prefault({}).describe('What becomes of them, by name.'),
  buffer: bufferSchema.prefault({}).describe('Where readings are safe until somebody has taken them.'),
  uplinks: named(uplinkSchema).prefault({}).describe('Ways out, by name.'),
  api: apiSchema.prefault({}).describe('HTTP for people and programs.'),
  log: logSchema.prefault({}).describe('What the agent tells about itself.'),
  tests: list(testCaseSchema, { max: 1000 })
    .prefault([])
    .describe('Cases that `sedge test` runs: messages in, readings out.'),
});

type Immutable<T> = T extends readonly (infer Item)[]
  ? number extends T['length']
    ? readonly Immutable<Item>[]
    : { readonly [K in keyof T]: Immutable<T[K]> }
  : T extends number | string | boolean | null | undefined
    ? T
    : T extends object
      ? { readonly [K in keyof T]: Immutable<T[K]> }
      : T;

/** Keys as in the file; durations are `Millis`, sizes and rates `ByteCount`. */
export type Config = Omit<ParsedConfig, 'sources' | 'uplinks'> & {
  readonly agent: { readonly id: string };
  readonly sources: Readonly<Record<string, SourceConfig>>;
  readonly uplinks: Readonly<Record<string, UplinkConfig>>;
};
type ParsedConfig = Immutable<z.output<typeof configSchema>>;

/** `complete-config.ts` fills in what a file may leave out. */
interface WithClientId {
  readonly client_id: string;
}
export type MqttSourceConfig = Immutable<z.output<typeof mqttSource>> & WithClientId;
export type BrokerSourceConfig = Immutable<z.output<typeof brokerSource>>;
export type HttpSourceConfig = Immutable<z.output<typeof httpSource>>;
export type ReplaySourceConfig = Immutable<z.output<typeof replaySource>>;
export type SourceConfig = MqttSourceConfig | BrokerSourceConfig | HttpSourceConfig | ReplaySourceConfig;
export type StreamConfig = Config['streams'][string];
export type HttpUplinkConfig = Immutable<z.output<typeof httpUplink>>;
export type MqttUplinkConfig = Immutable<z.output<typeof mqttUplink>> & WithClientId;
export type FileUplinkConfig = Immutable<z.output<typeof fileUplink>>;
export type UplinkConfig = HttpUplinkConfig | MqttUplinkConfig | FileUplinkConfig;
export type TestCaseConfig = Config['tests'][number];
