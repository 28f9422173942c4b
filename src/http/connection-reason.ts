/** Why a connection failed, in words. */
import { errnoOf } from '../storage/file-error.ts';

const REASONS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'this name cannot be resolved (no network?)',
  EAI_AGAIN: 'this name cannot be resolved (no network?)',
  ECONNREFUSED: 'connection refused',
  EHOSTUNREACH: 'no way leads to this host',
  ENETUNREACH: 'no way leads to this host',
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  UND_ERR_CONNECT_TIMEOUT: 'connecting took too long',
  UND_ERR_HEADERS_TIMEOUT: 'no answer in time',
  UND_ERR_BODY_TIMEOUT: 'the connection stalled',
  UND_ERR_SOCKET: 'the connection was cut',
};

/** Names hosts only, and no address: an address may hold a password. */
export function connectionReason(error: unknown): string {
  if (!(error instanceof Error)) return 'the request failed';
  if (error.name === 'TimeoutError') return 'no answer in time';
  if (error instanceof AggregateError && error.errors.length > 0) {
    return connectionReason(error.errors[0]);
  }
  const errno = errnoOf(error);
  return REASONS[errno ?? ''] ?? errno ?? error.message;
}
