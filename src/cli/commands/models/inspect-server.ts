/** `pilotfish models inspect ADDRESS`: what a server can do, as rows or as one object. */
import type { InspectedServer } from '../../../app/inspect-server.ts';
import type { CliIo } from '../../io.ts';
import { plainTable } from '../../rendering/plain-table.ts';
import { printableText } from '../../rendering/printable-text.ts';

export function showInspectedServer(io: CliIo, server: InspectedServer, json: boolean): void {
  if (json) {
    io.out(`${JSON.stringify({ type: 'server', ...server })}\n`);
    return;
  }
  io.out(
    plainTable(
      rowsOf(server).map(([title, value]) => [io.color.bold(title), printableText(value)]),
    ),
  );
}

function rowsOf(server: InspectedServer): readonly (readonly [string, string])[] {
  const { reads, outputRowCountMax, continuesTexts, input } = server.capabilities;
  const { topLogprobs = 0 } = reads;
  const logprobs =
    topLogprobs > 0 ? `of the ${topLogprobs} likeliest tokens` : 'of the token alone';
  return [
    ['engine', `${server.engine}${server.version === null ? '' : ` ${server.version}`}`],
    ['host', server.host],
    ['model', server.model],
    ['context length', server.contextLength?.toLocaleString('en-US') ?? 'not said'],
    ['takes', input === 'token-ids' ? 'token ids' : 'conversations'],
    ['texts in a call', outputRowCountMax === 0 ? 'one answer' : String(outputRowCountMax)],
    ['log-probabilities', reads.logprob === true ? logprobs : 'none'],
    ['goes on with answers', continuesTexts ? 'yes' : 'no'],
    ['strategies', server.strategies.join(', ')],
  ];
}
