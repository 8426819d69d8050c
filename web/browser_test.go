package web

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// patience bounds each wait for something that must come; a test that passes
// never waits for so long.
const patience = 90 * time.Second

// chromium starts a browser for all tests of t, or skips t where there is none.
func chromium(t *testing.T) context.Context {
	t.Helper()
	if !Built() {
		t.Skip("the pages are not built: npm ci && npm run build in web")
	}
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome", "headless-shell"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("there is no Chromium: apt-get install chromium")
	}
	// Not t.TempDir: Chromium may still be writing there when it has been ended.
	dir, err := os.MkdirTemp("", "samovar-web-")
	if err != nil {
		t.Fatal(err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.UserDataDir(filepath.Join(dir, "profile")),
		chromedp.Env("TMPDIR="+dir, "HOME="+dir),
		chromedp.NoSandbox,
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("no-proxy-server", true),
		chromedp.Flag("use-angle", "swiftshader"),
		chromedp.Flag("enable-unsafe-swiftshader", true),
		chromedp.Flag("use-fake-device-for-media-stream", true), // a microphone that hears beeps
		chromedp.Flag("use-fake-ui-for-media-stream", true),     // and may be used
	)
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	browser, end := chromedp.NewContext(allocator,
		chromedp.WithErrorf(func(string, ...any) {})) // it tells of each event that it does not know
	t.Cleanup(func() {
		end()
		stop()
		for range 20 {
			if os.RemoveAll(dir) == nil {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
	})
	if err := chromedp.Run(browser); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return browser
}

// script runs before the page's own: it reports what the policy forbids, and
// says what is to be seen, without what is only spoken.
const script = `
addEventListener('securitypolicyviolation', e => console.error('policy: ' + e.violatedDirective + ' ' + e.blockedURI + ' ' + e.sample));
function shown() {
	return [...document.querySelectorAll('#app > :not(.unseen), dialog')].map(e => e.innerText).join('\n');
}`

// view is how a reader looks at the page.
type view struct {
	width, height int64
	dark          bool
	languages     string // "en-GB,en"
}

// tab is one page in a profile of its own. Its test fails on any console
// error, exception or violation of the Content-Security-Policy.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	errors   []string
	refusals bool // that an answer is no 200, which the browser logs, is no error
}

func open(t *testing.T, browser context.Context, url string, v view) *tab {
	t.Helper()
	ctx, end := profile(t, browser)
	p := &tab{t: t, ctx: ctx}
	chromedp.ListenTarget(ctx, p.listen)
	scheme := "light"
	if v.dark {
		scheme = "dark"
	}
	if v.languages == "" {
		v.languages = "en-GB,en"
	}
	p.run("open the page",
		log.Enable(),
		chromedp.ActionFunc(func(ctx context.Context) error {
			_, err := page.AddScriptToEvaluateOnNewDocument(script).Do(ctx)
			return err
		}),
		emulation.SetDeviceMetricsOverride(v.width, v.height, 1, v.width < 600),
		emulation.SetTouchEmulationEnabled(v.width < 600),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme},
			{Name: "prefers-reduced-motion", Value: "reduce"},
		}),
		emulation.SetUserAgentOverride("Mozilla/5.0 test").WithAcceptLanguage(v.languages),
		chromedp.Navigate(url),
	)
	t.Cleanup(func() {
		if t.Failed() {
			p.shot("failed-" + strings.ReplaceAll(t.Name(), "/", "-"))
		}
		end()
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, e := range p.errors {
			t.Errorf("the browser reports: %s", e)
		}
	})
	return p
}

// profile opens an empty tab in a profile of its own. It has a window of its
// own too, which chromedp.WithNewBrowserContext does not ask for and without
// which Chromium opens no tab.
func profile(t *testing.T, browser context.Context) (context.Context, func()) {
	t.Helper()
	executor := cdp.WithExecutor(browser, chromedp.FromContext(browser).Browser)
	profile, err := target.CreateBrowserContext().Do(executor)
	if err != nil {
		t.Fatalf("make a profile: %v", err)
	}
	id, err := target.CreateTarget("about:blank").WithBrowserContextID(profile).WithNewWindow(true).Do(executor)
	if err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	ctx, end := chromedp.NewContext(browser, chromedp.WithTargetID(id))
	if err := chromedp.Run(ctx); err != nil { // the first run's context is the tab's life
		t.Fatalf("attach to the tab: %v", err)
	}
	return ctx, func() {
		end()
		if err := target.DisposeBrowserContext(profile).Do(executor); err != nil {
			t.Errorf("remove the profile: %v", err)
		}
	}
}

func (p *tab) listen(event any) {
	var text string
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		if e.Type != runtime.APITypeError && e.Type != runtime.APITypeWarning && e.Type != runtime.APITypeAssert {
			return
		}
		for _, a := range e.Args {
			text += string(a.Value) + a.Description + " "
		}
	case *runtime.EventExceptionThrown:
		text = e.ExceptionDetails.Error()
	case *log.EventEntryAdded:
		p.mu.Lock()
		expected := p.refusals && e.Entry.Source == log.SourceNetwork
		p.mu.Unlock()
		if e.Entry.Level != log.LevelError || expected {
			return
		}
		text = e.Entry.Text + " " + e.Entry.URL
	default:
		return
	}
	p.mu.Lock()
	p.errors = append(p.errors, text)
	p.mu.Unlock()
}

// expectRefusals lets the server refuse requests, or be away.
func (p *tab) expectRefusals() {
	p.mu.Lock()
	p.refusals = true
	p.mu.Unlock()
}

func (p *tab) run(what string, actions ...chromedp.Action) {
	p.t.Helper()
	ctx, end := context.WithTimeout(p.ctx, patience)
	defer end()
	if err := chromedp.Run(ctx, actions...); err != nil {
		p.t.Fatalf("%s: %v", what, err)
	}
}

// wait waits until the JavaScript expression holds; while it throws it does not.
func (p *tab) wait(expression string) {
	p.t.Helper()
	tried := "(() => { try { return " + expression + " } catch { return false } })()"
	p.run("wait for "+expression, chromedp.Poll(tried, nil, chromedp.WithPollingInterval(50*time.Millisecond), chromedp.WithPollingTimeout(0)))
}

// see waits until the page shows text.
func (p *tab) see(text string) {
	p.t.Helper()
	p.wait(fmt.Sprintf("shown().includes(%q)", text))
}

// lose waits until the page shows text no longer.
func (p *tab) lose(text string) {
	p.t.Helper()
	p.wait(fmt.Sprintf("!shown().includes(%q)", text))
}

func (p *tab) eval(expression string) (value any) {
	p.t.Helper()
	p.run("evaluate "+expression, chromedp.Evaluate(expression, &value))
	return value
}

// press clicks the last button or link of that name.
func (p *tab) press(name string) {
	p.t.Helper()
	path := fmt.Sprintf(`(//*[self::button or self::a][@aria-label=%[1]q or normalize-space()=%[1]q])[last()]`, name)
	p.run("press "+name, chromedp.Click(path, chromedp.BySearch))
}

func (p *tab) keys(keys string) {
	p.t.Helper()
	p.run("type "+keys, chromedp.KeyEvent(keys))
}

// enter presses Enter as a keyboard does, one event that may be taken away
// whole; kb.Enter is two, of which the page can only prevent the first.
func (p *tab) enter(modifiers ...input.Modifier) {
	p.t.Helper()
	var held input.Modifier
	for _, m := range modifiers {
		held |= m
	}
	key := func(kind input.KeyType) *input.DispatchKeyEventParams {
		return input.DispatchKeyEvent(kind).WithKey("Enter").WithCode("Enter").WithWindowsVirtualKeyCode(13).WithModifiers(held)
	}
	p.run("press Enter", key(input.KeyDown).WithText("\r"), key(input.KeyUp))
}

// write puts text into the composer and sends it with Enter.
func (p *tab) write(text string) {
	p.t.Helper()
	p.wait(`document.querySelector('#message') !== null && document.querySelector('dialog[open]') === null`)
	p.run("write "+text, chromedp.Focus("#message"), chromedp.SendKeys("#message", text))
	p.enter()
}

// answered waits until n answers are complete.
func (p *tab) answered(n int) {
	p.t.Helper()
	p.wait(fmt.Sprintf(`document.querySelectorAll('article ul[aria-label]').length === %d`, n))
}

// choose sets the select of that name.
func (p *tab) choose(name, value string) {
	p.t.Helper()
	selector := fmt.Sprintf(`select[aria-label=%q]`, name)
	p.run("choose "+value, chromedp.WaitReady(selector), chromedp.Evaluate(fmt.Sprintf(
		`{const s = document.querySelector(%q); s.value = %q; s.dispatchEvent(new Event('change', {bubbles: true}))}`, selector, value), nil))
}

// shot keeps a picture of the page where SAMOVAR_SCREENSHOTS says.
func (p *tab) shot(name string) {
	dir := os.Getenv("SAMOVAR_SCREENSHOTS")
	if dir == "" {
		return
	}
	ctx, end := context.WithTimeout(p.ctx, patience)
	defer end()
	var png []byte
	if err := chromedp.Run(ctx, chromedp.Sleep(250*time.Millisecond), chromedp.CaptureScreenshot(&png)); err != nil {
		p.t.Logf("picture %s: %v", name, err)
		return
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// fingertips fails the test for each control on which a fingertip, 44 px wide,
// would not fit. Links within text and what is not to be seen are exempt.
func (p *tab) fingertips(what string) {
	p.t.Helper()
	small := p.eval(`[...document.querySelectorAll('button, select, summary, label:has(input), nav a, .button, .up, .line a, .runs a')].flatMap(e => {
		const r = e.getBoundingClientRect();
		return r.height < 2 || r.height >= 44 || e.matches('.unseen') ? [] : [e.tagName + ' ' + (e.ariaLabel ?? e.innerText) + ' ' + r.height];
	}).join('\n')`)
	if small != "" {
		p.t.Errorf("%s: too low for a fingertip:\n%v", what, small)
	}
}

// fits fails the test if the page is wider than the window.
func (p *tab) fits(what string) {
	p.t.Helper()
	if over := p.eval(`document.documentElement.scrollWidth - innerWidth`).(float64); over > 0 {
		p.t.Errorf("%s: the page is %v px wider than the window", what, over)
	}
}
