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
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is not trusted here',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not trusted here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not trusted here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is not trusted here',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is that of another host',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it speaks no TLS: its address may begin with http',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'it speaks no TLS: its address may begin with http',
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
  const status = /Proxy response \((\d+)\)/.exec(error.message)?.[1];
  if (status === '407') return 'the proxy wants a user and password (in HTTPS_PROXY or HTTP_PROXY)';
  if (status !== undefined) return `the proxy answers with the HTTP status ${status}`;
  const errno = errnoOf(error);
  return REASONS[errno ?? ''] ?? errno ?? error.message;
}

const UNSENT: readonly string[] = [
  ...['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'],
  ...['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_INVALID_ARG'],
];

/** Whether the connection failed before anything went over it. */
export function isUnsent(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.every(isUnsent);
  return UNSENT.includes(errnoOf(error) ?? '');
}
