import * as z from 'zod';
import { serverTls } from './connection.ts';
import { choice, integer, leaf, list, listen, name, secret, text } from './leaf.ts';

export const apiSchema = z.strictObject({
  listen: listen()
    .prefault('127.0.0.1:7433')
    .describe('Where status, metrics and the dashboard are served; port 0 takes a free one.'),
  token: secret()
    .optional()
    .describe('Reference to the bearer token callers must send. Required unless only this host can connect.'),
  tls: serverTls().optional().describe('Encrypts the API; default: not encrypted.'),
});

export const logSchema = z.strictObject({
  level: choice('error', 'warning', 'notice', 'info', 'debug')
    .prefault('info')
    .describe('Least urgent level that is printed.'),
  format: choice('auto', 'pretty', 'journald', 'json')
    .prefault('auto')
    .describe('auto: journald priorities under systemd, colours on a terminal, plain lines otherwise.'),
});

const anything = () =>
  leaf(z.json(), { type: 'text, or any value (sent as JSON)', expected: 'a text or a JSON value' });

const caseMessage = z.strictObject({
  topic: text({ what: 'a topic', type: 'topic', max: 65_535 }).describe('Topic of the message.'),
  payload: anything().describe('A text is sent as it stands; a map, list, number or boolean as JSON.'),
  at: text({ what: 'a time such as 2026-11-21T08:00:00Z', type: 'RFC 3339 time', max: 64 })
    .optional()
    .describe('Arrival; default: one second after the message before, from 2026-01-01T00:00:00Z on.'),
});

const scalar = () =>
  leaf(z.union([z.string(), z.number(), z.boolean(), z.null()]), {
    type: 'text, number, true, false or null',
    expected: 'a text, a number, true, false, or null (must be absent)',
  });

const tagValue = () =>
  leaf(z.union([z.string(), z.null()]), {
    type: 'text or null',
    expected: 'a text, or null (must be absent)',
  });

const caseReading = z.strictObject({
  stream: name().optional().describe('Stream the reading must come out in; default: that of the case.'),
  values: z
    .record(z.string(), scalar())
    .optional()
    .describe('Values the reading must have; others may be there too. null: must be absent.'),
  tags: z
    .record(z.string(), tagValue())
    .optional()
    .describe('Tags the reading must have; others may be there too. null: must be absent.'),
  time: text({ what: 'a time such as 2026-11-21T08:00:00Z', type: 'RFC 3339 time', max: 64 })
    .optional()
    .describe('Event time the reading must have.'),
  quality: choice('good', 'uncertain', 'bad').optional().describe('Quality the reading must have.'),
});

export const testCaseSchema = z.strictObject({
  name: text({ what: 'a text', max: 256 }).describe('What the case shows, a sentence.'),
  stream: name().describe('Stream whose decoder and stages run.'),
  input: list(caseMessage, { min: 1 }).describe('Messages, in order.'),
  expect: list(caseReading)
    .optional()
    .describe('Readings that must come out, in order and all of them; default: not compared.'),
  expect_filtered: integer(0, 1_000_000)
    .optional()
    .describe('Readings that must have been filtered; default: not compared.'),
});
