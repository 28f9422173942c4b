import { describe, expect, it } from 'vitest';
import { isOnThisMachine, isServerAddress, parseServerAddress } from './server-address.ts';

describe('the address of a server', () => {
  it.each([
    ['vllm:http://127.0.0.1:8000/big', 'vllm', 'http://127.0.0.1:8000', 'big'],
    ['vllm:http://gpu:8000/Qwen/Qwen2.5-7B', 'vllm', 'http://gpu:8000', 'Qwen/Qwen2.5-7B'],
    ['sglang:http://gpu:30000', 'sglang', 'http://gpu:30000', null],
    ['llama-server:http://gpu:8080/', 'llama-server', 'http://gpu:8080', null],
    ['vllm:https://host/team/a/#big', 'vllm', 'https://host/team/a', 'big'],
    ['openai:https://api.example.com/v1#gpt-x', 'openai', 'https://api.example.com/v1', 'gpt-x'],
    ['openai:https://api.example.com/v1/#a%2Fb', 'openai', 'https://api.example.com/v1', 'a/b'],
  ])('%s', (text, kind, base, model) => {
    expect(isServerAddress(text)).toBe(true);
    expect(parseServerAddress(text)).toMatchObject({ kind, base, model });
  });

  it.each([
    ['http://127.0.0.1:8000/big', /does not say which engine/],
    ['http://user:secret@host/big', /"http:\/\/…@host\/big"/],
    ['vllm:127.0.0.1:8000', /no web address: "127.0.0.1:8000"/],
    ['vllm:ftp://host/big', /no web address/],
    ['vllm:http://user:secret@host/big', /of host has a user or password/],
    ['vllm:http://host/big?key=secret', /has a query/],
    ['openai:https://api.example.com/v1', /names no model/],
    ['vllm:user:secret@host/x', /no web address: "…@host\/x"/],
    ['http://host/big?api_key=secret', /does not say which engine/],
    ['vllm:ftp://host/x?key=secret', /no web address/],
    ['vllm:http://user:sec/secret@host/x', /no web address|user or password/],
    ['vllm:http://host/%zz', /a % that stands for no character/],
  ])('is refused, and no secret is shown: %s', (text, message) => {
    const parse = () => parseServerAddress(text);
    expect(parse).toThrow(message);
    expect(parse).toThrow(expect.objectContaining({ code: 'option-invalid' }));
    expect(parse).not.toThrow(/secret/);
  });

  it.each(['qwen2.5-coder-1.5b-instruct', './vllm.gguf', 'hub:owner/repo/file', 'C:\\m.gguf'])(
    'is no model here: %s',
    (text) => expect(isServerAddress(text)).toBe(false),
  );

  it('is on this machine or not', () => {
    const here = ['http://127.0.0.1:1', 'http://localhost:1', 'http://[::1]:1', 'http://127.9.9.9'];
    const elsewhere = [
      ...['http://128.0.0.1:1', 'http://localhost.example.com', 'http://10.0.0.1'],
      ...['http://127.0.0.1.example.com', 'http://127.example.com'],
    ];
    expect(here.every(isOnThisMachine)).toBe(true);
    expect(elsewhere.some(isOnThisMachine)).toBe(false);
  });
});
