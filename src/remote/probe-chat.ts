/** What a server's chat takes, found by one short answer. */
import { GREEDY } from '../core/sampling-params.ts';
import { type ChatDialect, LENGTH_NAMES } from './chat-dialect.ts';
import type { CallOptions, ServerClient } from './server-client.ts';
import { ServerFailure } from './server-failure.ts';

export interface ProbedChat {
  /** The name that it has for the most tokens of an answer. */
  readonly lengthName: (typeof LENGTH_NAMES)[number];
  /** Whether a request may choose the temperature. */
  readonly takesTemperature: boolean;
}

/** Some models of OpenAI refuse the older name and say the newer one, or take no temperature but 1. */
const [USUAL, NEWER] = LENGTH_NAMES;

/** @throws ServerFailure, PilotfishError `aborted` */
export async function probeChat(
  { client, dialect }: { readonly client: ServerClient; readonly dialect: ChatDialect },
  model: string,
  options: CallOptions,
): Promise<ProbedChat> {
  let probed: ProbedChat = { lengthName: USUAL, takesTemperature: true };
  for (;;) {
    try {
      await answerOne(probed);
      return probed;
    } catch (error) {
      const other = error instanceof ServerFailure ? otherThan(probed, error.message) : null;
      if (other === null) throw error;
      probed = other;
    }
  }

  async function answerOne({ lengthName, takesTemperature }: ProbedChat): Promise<void> {
    const call = dialect.streamCall({
      // Some models take no limit of a token or two.
      ...{ model, begun: '', seed: null, tokenCountMax: 16, lengthName },
      sampling: takesTemperature ? GREEDY : null,
      messages: [{ role: 'user', content: 'Hi' }],
    });
    for await (const event of client.events(call, options)) {
      client.read('an event', () => dialect.readPart(event));
    }
  }
}

/** What to ask with after a refusal in these words; null: nothing else. */
function otherThan(asked: ProbedChat, words: string): ProbedChat | null {
  if (asked.lengthName === USUAL && words.includes(NEWER)) return { ...asked, lengthName: NEWER };
  const isRefused = asked.takesTemperature && words.includes('temperature');
  return isRefused ? { ...asked, takesTemperature: false } : null;
}
