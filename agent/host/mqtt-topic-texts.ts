import { mqttLimits } from './mqtt-limits.ts';

interface Slot {
  readonly bytes: Uint8Array;
  readonly text: string;
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Topic bytes to text. Sensors repeat their topics, so the text is kept, direct-mapped by a hash of the bytes: a
 * repeated topic costs one comparison and is the same string object each time. Bounded by `mqttLimits.topicTexts`.
 */
export class TopicTexts {
  readonly #slots: (Slot | undefined)[] = Array.from({ length: mqttLimits.topicTexts });

  /** Null when the bytes are no UTF-8 or hold U+0000, which MQTT forbids (§1.5.4). */
  text(bytes: Uint8Array, from: number, to: number): string | null {
    const length = to - from;
    if (length > mqttLimits.topicTextBytes) return decoded(bytes.subarray(from, to));
    let hash = 0x811c9dc5;
    for (let i = from; i < to; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
    const index = (hash ^ (hash >>> 15)) & (mqttLimits.topicTexts - 1);
    const slot = this.#slots[index];
    if (slot !== undefined && slot.bytes.length === length && same(slot.bytes, bytes, from)) return slot.text;
    const copy = bytes.slice(from, to);
    const text = decoded(copy);
    if (text !== null) this.#slots[index] = { bytes: copy, text };
    return text;
  }
}

function same(expected: Uint8Array, bytes: Uint8Array, from: number): boolean {
  for (let i = 0; i < expected.length; i++) if (expected[i] !== bytes[from + i]) return false;
  return true;
}

function decoded(bytes: Uint8Array): string | null {
  try {
    const text = decoder.decode(bytes);
    return text.includes('\0') ? null : text;
  } catch {
    return null;
  }
}
