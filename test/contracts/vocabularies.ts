/** Tokenisers of several families, in models with random weights. */
import type { RandomModelOptions } from '../../src/testing/random-model.ts';

const GEMMA_TEMPLATE =
  "{{ bos_token }}{% for message in messages %}<start_of_turn>{{ message['role'] }}\n" +
  "{{ message['content'] | trim }}<end_of_turn>\n{% endfor %}<start_of_turn>model\n";

const LLAMA_TEMPLATE =
  "{% for message in messages %}{% if message['role'] == 'assistant' %}{{ message['content'] }} " +
  "{{ eos_token }}{% else %}{{ bos_token }}[INST] {{ message['content'] }} [/INST]{% endif %}" +
  '{% endfor %}';

const PHI_TEMPLATE =
  "{% for message in messages %}{{ '<|' + message['role'] + '|>\n' + message['content'] + " +
  "'<|end|>\n' }}{% endfor %}<|assistant|>\n";

/** Looks for the end of the assistant's thoughts, as Qwen3 does, and forgets them. */
const THINKING_TEMPLATE =
  "{% for message in messages %}{% set content = message['content'] %}" +
  "{% if message['role'] == 'assistant' and '</think>' in content %}" +
  "{% set content = content.split('</think>')[-1].lstrip('\n') %}{% endif %}" +
  "<|im_start|>{{ message['role'] }}\n{{ content }}<|im_end|>\n{% endfor %}" +
  '<|im_start|>assistant\n<think>\n';

export const VOCABULARIES: Readonly<Record<string, RandomModelOptions>> = {
  ChatML: { seed: 1 },
  'user-defined markers (Qwen3)': {
    seed: 1,
    userDefinedTokens: ['<think>', '</think>', '  ', '<b>'],
    chatTemplate: THINKING_TEMPLATE,
  },
  'SentencePiece without a space before texts (Gemma)': {
    ...{ seed: 1, tokenizer: 'sentencepiece', addsStart: true, chatTemplate: GEMMA_TEMPLATE },
    controlTokens: ['<start_of_turn>', '<end_of_turn>'],
    userDefinedTokens: ['\n\n', '  ', '<b>'],
  },
  'SentencePiece with a space before texts (Llama 2)': {
    ...{ seed: 1, tokenizer: 'sentencepiece', addsSpace: true, addsStart: true },
    extraTokens: ['<', 's>', '/s>', '▁<'],
    userDefinedTokens: ['[INST]', '[/INST]'],
    chatTemplate: LLAMA_TEMPLATE,
  },
  'special tokens that swallow white space (Phi 3)': {
    ...{ seed: 1, tokenizer: 'sentencepiece', addsSpace: true, addsStart: true, name: 'phi-3' },
    controlTokens: ['<|endoftext|>', '<|user|>', '<|assistant|>', '<|system|>', '<|end|>'],
    chatTemplate: PHI_TEMPLATE,
  },
};
