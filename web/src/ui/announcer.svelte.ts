// What a screen reader says when it has a moment (aria-live polite), and what
// everyone sees for a while at the foot of the page.

export interface Notice {
  text: string;
  /** What Undo does; without it there is no such button. */
  undo?: () => void;
}

class Announcer {
  spoken = $state('');
  notice = $state<Notice>();
  private timer: ReturnType<typeof setTimeout> | undefined;

  say(text: string) {
    this.spoken = text;
  }

  show(notice: Notice) {
    clearTimeout(this.timer);
    this.notice = notice;
    this.timer = setTimeout(() => this.dismiss(), 8000);
  }

  dismiss() {
    clearTimeout(this.timer);
    this.notice = undefined;
  }
}

export const announcer = new Announcer();
