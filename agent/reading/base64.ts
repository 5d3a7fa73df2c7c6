/** Base64 by the engine's own functions, which are newer than the compiler's library. */
interface Base64Bytes {
  toBase64(): string;
}
interface Base64Constructor {
  fromBase64(text: string, options: { lastChunkHandling: 'strict' }): Uint8Array<ArrayBuffer>;
}

export function base64Of(bytes: Uint8Array): string {
  return (bytes as Uint8Array & Base64Bytes).toBase64();
}

/** Null when the text is not base64 in its one canonical form. */
export function bytesOfBase64(text: string): Uint8Array<ArrayBuffer> | null {
  try {
    const bytes = (Uint8Array as typeof Uint8Array & Base64Constructor).fromBase64(text, {
      lastChunkHandling: 'strict',
    });
    return base64Of(bytes) === text ? bytes : null;
  } catch {
    return null;
  }
}
