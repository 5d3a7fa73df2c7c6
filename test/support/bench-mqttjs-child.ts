import mqtt from 'mqtt';

/** Subscribes with MQTT.js, stores nothing, and ends after so many messages. */
const [url, filter, messages, receiveMaximum] = process.argv.slice(2) as [string, string, string, string];
const client = mqtt.connect(url, {
  protocolVersion: 5,
  properties: { receiveMaximum: Number(receiveMaximum) },
});
let left = Number(messages);
client.on('connect', () => {
  client.subscribe(filter, { qos: 1 }, () => process.send?.('ready'));
});
client.on('message', () => {
  // The last PUBACK must leave.
  if (--left === 0) client.end(false, () => process.exit());
});
