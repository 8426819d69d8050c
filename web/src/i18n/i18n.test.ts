import { describe, expect, it } from 'vitest';
import { codes, languages, negotiate, variant, Voice } from './index';

describe('negotiate', () => {
  it.each([
    [['fr-CA', 'en'], 'fr'],
    [['de-DE', 'ru-RU', 'en'], 'ru'],
    [['AR-eg'], 'ar'],
    [['de', 'zh-Hant'], 'en'],
    [[], 'en'],
    [['__proto__', 'toString'], 'en'],
  ] as const)('%j gives %s', (wanted, want) => expect(negotiate(wanted)).toBe(want));

  it("keeps the reader's own variant", () => {
    expect(variant('ar', ['fr', 'ar-MA'])).toBe('ar-MA');
    expect(variant('ru', ['fr'])).toBe('ru');
  });
});

/** Every text of a dictionary with its path. */
function texts(v: unknown, path = ''): [string, string][] {
  if (typeof v === 'string') return [[path, v]];
  if (typeof v === 'function') return [[path, String((v as (...a: string[]) => string)('①', '②'))]];
  return Object.entries(v as object).flatMap(([k, inner]) => texts(inner, path + '/' + k));
}

describe.each(codes)('the dictionary %s', (code) => {
  const words = languages[code].words;

  it('says everything', () => {
    for (const [path, text] of texts(words)) expect(text.trim(), path).not.toBe('');
  });

  it('has exactly the plural forms of its language', () => {
    const want = new Intl.PluralRules(code).resolvedOptions().pluralCategories.toSorted();
    expect(Object.keys(words.figures.tokens).toSorted()).toEqual(want);
  });

  it('breaks no line before French punctuation', () => {
    if (code !== 'fr') return;
    for (const [path, text] of texts(words)) expect(text, path).not.toMatch(/ [;:?!»]|« /);
  });

  it('is translated', () => {
    if (code === 'en') return;
    const english = new Map(texts(languages.en.words));
    const all = texts(words);
    // Units, code and words that languages share stay the same.
    const same = all.filter(([path, text]) => text === english.get(path));
    expect(same.length / all.length, same.join('\n')).toBeLessThan(0.15);
  });
});

describe('Voice', () => {
  const ar = new Voice('ar', 'ar-MA');
  const ru = new Voice('ru', 'ru');

  it.each([
    [0, 'لا رموز'],
    [1, 'رمز واحد'],
    [2, 'رمزان'],
    [3, '3 رموز'],
    [10, '10 رموز'],
    [11, '11 رمزًا'],
    [99, '99 رمزًا'],
    [100, '100 رمز'],
    [103, '103 رموز'],
  ])('counts %i in Arabic', (n, want) => expect(ar.plural(n, ar.words.figures.tokens)).toBe(want));

  it.each([
    [1, '1 токен'],
    [3, '3 токена'],
    [11, '11 токенов'],
    [21, '21 токен'],
    [25, '25 токенов'],
  ])('counts %i in Russian', (n, want) => expect(ru.plural(n, ru.words.figures.tokens)).toBe(want));

  const en = new Voice('en', 'en');
  it.each([
    [0, '0 J'],
    [0.0123, '12.3 mJ'],
    [12.345, '12.3 J'],
    [345.6, '346 J'],
    [123456, '123 kJ'],
    [3.6e6, '3.6 MJ'],
  ])('%d joules', (j, want) => expect(en.joules(j)).toBe(want));

  it('writes numbers as the language does', () => {
    expect(new Voice('fr', 'fr').joules(1500)).toBe('1,5 kJ');
    expect(en.seconds(0.1234)).toBe('123 ms');
    expect(en.seconds(189)).toBe('3.15 min');
    expect(en.seconds(189, 2)).toBe('3.2 min');
    expect(en.bytes(12_345_678)).toBe('12.3 MB');
    expect(en.language('fr')).toBe('French');
    expect(en.moment('2026-11-22 08:28 UTC')).toMatch(/2026/);
    expect(en.moment('soon')).toBe('soon');
    expect(en.language('not a language')).toBe('not a language');
    expect(ar.list(['أ', 'ب'])).toBe('أ وب');
  });
});
