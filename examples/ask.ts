import { openEngine } from 'pilotfish';

await using engine = await openEngine({ pair: 'qwen2.5-coder', strategies: ['entropy'] });
const messages = [{ role: 'user' as const, content: 'What is 17 times 23?' }];

for await (const event of engine.generate({ messages, strategy: 'entropy@1', maxTokens: 200 })) {
  if (event.type === 'token') {
    process.stdout.write(event.origin === 'large' ? `[${event.text}]` : event.text);
  } else if (event.type === 'summary') {
    const { largeShare, weightTrafficRatio } = event;
    console.log('\n', { largeShare, weightTrafficRatio });
  }
}
