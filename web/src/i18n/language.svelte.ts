// The language in use: the reader's choice, or the browser's.
import { read, write } from '../ui/preferences';
import { isCode, negotiate, variant, Voice, type Code } from './index';

class Language {
  code = $state<Code>(isCode(read('language')) ? (read('language') as Code) : negotiate(navigator.languages));
  voice = $derived(new Voice(this.code, variant(this.code, navigator.languages)));

  choose(code: Code) {
    this.code = code;
    write('language', code);
  }
}

export const language = new Language();
