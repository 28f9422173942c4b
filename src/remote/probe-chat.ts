/** What a server's chat takes, found by one short answer. */
import { type ChatDialect, LENGTH_NAMES } from './chat-dialect.ts';
import type { CallOptions, ServerClient } from './server-client.ts';
import { ServerFailure } from './server-failure.ts';

export type LengthName = (typeof LENGTH_NAMES)[number];

/**
 * @returns the name that it has for the most tokens of an answer
 * @throws ServerFailure, PilotfishError `aborted`
 */
export async function probeChat(
  { client, dialect }: { readonly client: ServerClient; readonly dialect: ChatDialect },
  model: string,
  options: CallOptions,
): Promise<LengthName> {
  const [usual, newer] = LENGTH_NAMES;
  try {
    await answerOne(usual);
    return usual;
  } catch (error) {
    // Some models of OpenAI refuse the older name, and say the newer one.
    if (!(error instanceof ServerFailure) || !error.message.includes(newer)) throw error;
    await answerOne(newer);
    return newer;
  }

  async function answerOne(lengthName: LengthName): Promise<void> {
    const call = dialect.streamCall({
      // Some models take no temperature but their own, and none a limit of a token or two.
      ...{ model, begun: '', sampling: null, seed: null, tokenCountMax: 16, lengthName },
      messages: [{ role: 'user', content: 'Hi' }],
    });
    for await (const event of client.events(call, options)) {
      client.read('an event', () => dialect.readPart(event));
    }
  }
}
