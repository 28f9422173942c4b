import { isIP } from 'node:net';

/** Whether only this machine reaches a server that listens at the host. */
export function isOfThisMachine(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && /^127\./.test(host));
}
