import { describe, expect, it } from 'vitest';
import { add, begin, branches, remove, restore, thread, titleOf, turn, upTo, type Message } from './conversation';

const message = (id: string, parent: string, text = id): Message => ({
  id,
  parent,
  role: id.startsWith('q') ? 'user' : 'assistant',
  text,
});

/** q1 ─ a1 ─ q2 ─ a2, with a1b beside a1 and q2b (edited) beside q2. */
function example() {
  const c = begin('c', 0);
  add(c, message('q1', ''));
  add(c, message('a1', 'q1'));
  add(c, message('q2', 'a1'));
  add(c, message('a2', 'q2'));
  add(c, message('q2b', 'a1'));
  add(c, message('a1b', 'q1'));
  return c;
}

const ids = (ms: Message[]) => ms.map((m) => m.id).join(' ');

describe('a conversation', () => {
  it('shows the newest branch', () => expect(ids(thread(example()))).toBe('q1 a1b'));

  it('walks between branches, and stays at the ends', () => {
    const c = example();
    turn(c, thread(c)[1]!, -1);
    expect(ids(thread(c))).toBe('q1 a1 q2b');
    turn(c, thread(c)[2]!, -1);
    expect(ids(thread(c))).toBe('q1 a1 q2 a2');
    turn(c, thread(c)[2]!, -1);
    expect(ids(thread(c))).toBe('q1 a1 q2 a2');
    turn(c, thread(c)[1]!, +1);
    expect(ids(thread(c))).toBe('q1 a1b');
  });

  it('knows the way to a message that is not shown', () => expect(ids(upTo(example(), 'a2'))).toBe('q1 a1 q2 a2'));

  it('takes out a branch with all that follows', () => {
    const c = example();
    remove(c, 'a1');
    expect(ids(c.messages)).toBe('q1 a1b');
    remove(c, 'a1b');
    expect(ids(thread(c))).toBe('q1');
    expect(branches(c, 'q1')).toEqual([]);
  });

  it('has a title', () => {
    const c = begin('c', 0);
    expect(titleOf(c)).toBe('');
    add(c, message('q1', '', '  Tell\nme   a story  '));
    expect(titleOf(c)).toBe('Tell me a story');
    c.title = 'Foxes';
    expect(titleOf(c)).toBe('Foxes');
    c.title = '';
    c.messages[0]!.text = '🫖'.repeat(100);
    expect([...titleOf(c)]).toHaveLength(60);
  });

  it('comes back whole', () => {
    const c = example();
    c.messages[1]!.answer = { model: 'tales', chat: true, state: 'streaming' };
    const back = restore(JSON.parse(JSON.stringify(c)));
    expect(back?.messages[1]?.answer?.state).toBe('stopped');
    expect(ids(thread(back!))).toBe('q1 a1b');
    for (const wrong of [null, 7, {}, { id: 'c' }]) expect(restore(wrong)).toBeNull();
  });
});
