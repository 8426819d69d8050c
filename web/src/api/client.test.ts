import { describe, expect, it } from 'vitest';
import { pieces, Refusal } from './client';

describe('pieces', () => {
  const cases: [string, unknown, ReturnType<typeof pieces>][] = [
    ['the first chunk of a chat', { choices: [{ delta: { role: 'assistant', content: '' }, finish_reason: null }] }, []],
    ['text of a chat', { choices: [{ delta: { content: 'Hi' }, finish_reason: null }] }, [{ kind: 'text', text: 'Hi' }]],
    ['text of a completion', { choices: [{ text: ' a', finish_reason: null }] }, [{ kind: 'text', text: ' a' }]],
    ['the end', { choices: [{ delta: {}, finish_reason: 'length' }] }, [{ kind: 'finish', reason: 'length' }]],
    ['usage that is not there yet', { choices: [], usage: null }, []],
    [
      'usage',
      {
        choices: [],
        usage: { prompt_tokens: 3, completion_tokens: 7, total_tokens: 10 },
        system_fingerprint: 'sha256:ab@fp32-avx2',
        samovar: { joules: 1.5, method: 'estimated (TDP × load)', tokens_per_second: 31, seconds: 0.2 },
      },
      [
        {
          kind: 'figures',
          figures: {
            tokens: 7,
            tokensPerSecond: 31,
            joules: 1.5,
            method: 'estimated (TDP × load)',
            fingerprint: 'sha256:ab@fp32-avx2',
          },
        },
      ],
    ],
    [
      'usage of another server',
      { choices: [], usage: { completion_tokens: 7 } },
      [{ kind: 'figures', figures: { tokens: 7 } }],
    ],
    ['wrong types', { choices: [{ delta: { content: 7 } }], usage: null }, []],
    ['no object', 17, []],
  ];
  for (const [name, chunk, want] of cases) {
    it(name, () => expect(pieces(JSON.stringify(chunk))).toEqual(want));
  }

  it('an error in the middle of a stream', () => {
    expect(() => pieces('{"error":{"message":"out of pages"}}')).toThrow(Refusal);
    expect(() => pieces('{"error":{"message":"out of pages"}}')).toThrow('out of pages');
  });
});
