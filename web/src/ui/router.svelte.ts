// The address after #: "#/chat/ID" is the page chat with the rest "ID".

class Router {
  private hash = $state(location.hash);

  constructor() {
    addEventListener('hashchange', () => (this.hash = location.hash));
  }

  get page(): string {
    return this.parts[0] ?? '';
  }

  get rest(): string {
    return this.parts.slice(1).join('/');
  }

  private get parts(): string[] {
    return this.hash.replace(/^#\/?/, '').split('/').map(decode);
  }

  /** Goes on without leaving the present address to the Back button. */
  replace(page: string, rest: string): void {
    history.replaceState(null, '', '#/' + page + '/' + encodeURIComponent(rest));
    this.hash = location.hash;
  }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export const router = new Router();
