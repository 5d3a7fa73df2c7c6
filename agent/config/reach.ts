import type { Listen } from './schema/leaf.ts';

/** Whether only this host can connect to an address it listens on. */
export function isLoopback(listen: Listen): boolean {
  const host = listen.host.toLowerCase();
  return host === 'localhost' || host === '::1' || /^(?:::ffff:)?127(?:\.\d{1,3}){3}$/.test(host);
}

/** Whether two listeners want the same port. A wildcard address wants it on all. */
export function collides(one: Listen, other: Listen): boolean {
  if (one.port === 0 || one.port !== other.port) return false;
  return one.host === other.host || isWildcard(one) || isWildcard(other);
}

function isWildcard(listen: Listen): boolean {
  return listen.host === '0.0.0.0' || listen.host === '::';
}
