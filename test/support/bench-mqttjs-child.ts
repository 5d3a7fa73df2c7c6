import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { openSqlite } from '#agent/host/sqlite.ts';
import type { Keeping } from './bench-mosquitto.ts';

/** Subscribes with MQTT.js, keeps messages in one of the ways that need an evening to write, and ends after so many. */
const [url, filter, messages, receiveMaximum, keeping] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  Keeping,
];

interface Message {
  readonly topic: string;
  readonly payload: Buffer;
}

interface Keeper {
  keep(messages: readonly Message[]): void;
  close(): void;
}

function lines(folder: string): Keeper {
  const file = openSync(join(folder, 'messages.ndjson'), 'a');
  return {
    keep: (some) => {
      const text = some.map(({ topic, payload }) => {
        const { ts, ...values } = JSON.parse(payload.toString()) as { ts: number };
        return `${JSON.stringify({ topic, time: new Date(ts).toISOString(), values })}\n`;
      });
      writeSync(file, text.join(''));
      fdatasyncSync(file);
    },
    close: () => closeSync(file),
  };
}

function rows(folder: string): Keeper {
  const db = openSqlite({ file: join(folder, 'messages.db') });
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.exec('CREATE TABLE messages (id INTEGER PRIMARY KEY, topic TEXT, time INTEGER, vals TEXT)');
  const insert = db.prepare('INSERT INTO messages (topic, time, vals) VALUES (?, ?, ?)');
  return {
    keep: (some) => {
      db.exec('BEGIN');
      for (const { topic, payload } of some) {
        const { ts, ...values } = JSON.parse(payload.toString()) as { ts: number };
        insert.run(topic, ts, JSON.stringify(values));
      }
      db.exec('COMMIT');
    },
    close: () => db.close(),
  };
}

const folder = mkdtempSync(join(tmpdir(), 'sedge-bench-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const keeper =
  keeping === 'rows'
    ? rows(folder)
    : keeping === 'ndjson'
      ? lines(folder)
      : { keep: () => {}, close: () => {} };
let waiting: Message[] = [];
let left = Number(messages);

function flush(): void {
  const some = waiting;
  waiting = [];
  keeper.keep(some);
  left -= some.length;
  if (left > 0) return;
  keeper.close();
  // The last PUBACK must leave.
  client.end(false, () => process.exit());
}

const client = mqtt.connect(url, {
  protocolVersion: 5,
  properties: { receiveMaximum: Number(receiveMaximum) },
});
client.on('connect', () => {
  client.subscribe(filter, { qos: 1 }, () => process.send?.('ready'));
});
client.on('message', (topic, payload) => {
  if (waiting.length === 0) setImmediate(flush);
  waiting.push({ topic, payload });
});
