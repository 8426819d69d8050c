import { describe, expect, it } from 'vitest';
import { bytesOf, gathered, modelName, plain, refused, send, type Text } from './upload';

const text = (path: string, content = 'x'): Text => ({ path, file: new File([content], path.split('/').at(-1)!) });

describe('plain', () => {
  it.each([
    ['a/b.txt', 'a/b.txt'],
    ['./a//b.txt', 'a/b.txt'],
    ['a/.git/x', ''],
    ['.DS_Store', ''],
    ['../x', ''],
    ['Chapter 1: "so?".txt', 'Chapter 1_ _so__.txt'],
    ['a\\b', 'a_b'],
    ['é/ж/ع.md', 'é/ж/ع.md'],
    ['', ''],
  ])('%j is %j', (path, want) => expect(plain(path)).toBe(want));
});

describe('gathered', () => {
  it('takes the name of the folder that all share', () => {
    const folder = gathered([text('Notes/b/c.md'), text('Notes/a.txt'), text('Notes/.hidden'), text('Notes/empty.txt', '')]);
    expect(folder).toMatchObject({ name: 'Notes', passed: 2 });
    expect(folder.texts.map((t) => t.path)).toEqual(['a.txt', 'b/c.md']);
  });
  it('takes files of their own', () => {
    const folder = gathered([text('b.txt'), text('a.txt')]);
    expect(folder).toMatchObject({ name: '', passed: 0 });
    expect(folder.texts.map((t) => t.path)).toEqual(['a.txt', 'b.txt']);
  });
  it('gives each path once', () => {
    expect(gathered([text('a:.txt'), text('a?.txt'), text('a_.txt')]).texts.map((t) => t.path)).toEqual(['a_-2.txt', 'a_-3.txt', 'a_.txt']);
  });
  it('takes nothing', () => expect(gathered([])).toEqual({ name: '', texts: [], passed: 0 }));
});

describe('refused', () => {
  const limits = { fileBytes: 5, folderBytes: 8, files: 2, allBytes: 10 };
  it.each([
    [[], 0, 'empty'],
    [['1', '2', '3'], 0, 'files'],
    [['123456'], 0, 'file'],
    [['12345', '12345'], 0, 'folder'],
    [['12345'], 6, 'all'],
    [['12345', '123'], 2, undefined],
  ])('%j beside %i bytes: %s', (contents, kept, want) => {
    const folder = gathered(contents.map((c, i) => text(`${i}.txt`, c)));
    expect(refused(folder, limits, kept)).toBe(want);
    expect(bytesOf(folder)).toBe(contents.join('').length);
  });
});

describe('modelName', () => {
  it.each([
    ['My Notes', 'my-notes'],
    ['Éléphants & amis', 'elephants-amis'],
    ['--x..y--', 'x-y'],
    ['Сказки', ''],
    ['a'.repeat(50), 'a'.repeat(40)],
  ])('%j is %j', (from, want) => expect(modelName(from)).toBe(want));
});

describe('send', () => {
  it('sends everything and tells how much', async () => {
    const sent: string[] = [];
    const told: number[] = [];
    const texts = Array.from({ length: 9 }, (_, i) => text(`${i}`, '12345'));
    await send(texts, async (path) => void sent.push(path), (n) => told.push(n));
    expect(sent.toSorted()).toEqual(texts.map((t) => t.path));
    expect(told.at(-1)).toBe(45);
  });
  it('ends with the first failure', async () => {
    let tries = 0;
    const all = Array.from({ length: 50 }, (_, i) => text(`${i}`));
    await expect(send(all, async () => Promise.reject(new Error(`no ${++tries}`)), () => {})).rejects.toThrow('no');
    expect(tries).toBeLessThan(6);
  });
});
