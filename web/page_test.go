package web

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

var (
	wide  = view{width: 1280, height: 800}
	phone = view{width: 390, height: 844}
)

func TestPage(t *testing.T) {
	browser := chromium(t)
	for _, c := range []struct {
		name string
		test func(*testing.T, context.Context)
	}{
		{"conversation", testConversation},
		{"history", testHistory},
		{"stop", testStop},
		{"base model", testBaseModel},
		{"settings", testSettings},
		{"lineage", testLineage},
		{"refusal", testRefusal},
		{"lost connection", testLostConnection},
		{"loading", testLoading},
		{"hostile answer", testHostileAnswer},
		{"languages", testLanguages},
		{"names for all controls", testControls},
		{"contrast", testContrast},
		{"pictures", testPictures},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, browser) })
	}
}

func testConversation(t *testing.T, browser context.Context) {
	a := newAPI(t)
	p := open(t, browser, a.URL, wide)
	p.see("A model of your own")
	p.see("has read English and French")
	p.press("Tell me a short story about a hedgehog who finds a samovar in the snow.")
	p.wait(`document.activeElement.id === 'message' && document.activeElement.value.startsWith('Tell me')`)
	p.enter()
	p.answered(1)
	p.see("This is answer 1: a hedgehog found")
	p.see("118 tokens/s")
	p.see("34 tokens")
	p.see("12.3 J estimated")
	p.wait(`document.activeElement.id === 'message'`)
	if q := a.last(); q.Path != "/v1/chat/completions" || !q.Stream || !q.StreamOptions.IncludeUsage || len(q.Messages) != 1 || q.Messages[0].Role != "user" {
		t.Errorf("the page asked %+v", q)
	}

	p.run("write two lines", chromedp.SendKeys("#message", "one"))
	p.enter(input.ModifierShift)
	p.keys("two")
	p.enter()
	p.answered(2)
	if q := a.last(); len(q.Messages) != 3 || q.text() != "one\ntwo" || !strings.HasPrefix(q.Messages[1].Content, "This is answer 1") {
		t.Errorf("the second question was %+v", q)
	}

	p.press("Try another answer")
	p.see("This is answer 3")
	p.see("2 of 2")
	p.answered(2)
	p.press("Previous version")
	p.see("This is answer 2")
	p.lose("This is answer 3")

	p.press("Edit")
	p.wait(`document.activeElement.value === 'one\ntwo'`)
	p.run("change it", chromedp.KeyEvent("a", chromedp.KeyModifiers(input.ModifierCtrl)))
	p.keys("three")
	p.enter()
	p.see("This is answer 4")
	p.answered(2)
	if q := a.last(); len(q.Messages) != 3 || q.text() != "three" {
		t.Errorf("the edited question was %+v", q)
	}
	p.lose("one\ntwo")
	p.press("Previous version")
	p.see("one\ntwo")
	p.see("This is answer 2")
}

func testHistory(t *testing.T, browser context.Context) {
	a := newAPI(t)
	p := open(t, browser, a.URL, wide)
	p.write("first chat")
	p.answered(1)
	p.run("reload", chromedp.Reload())
	p.see("This is answer 1")
	p.see("12.3 J estimated")
	p.see("Chats are kept in this browser only.")

	p.press("New chat")
	p.see("A model of your own")
	p.write("second chat")
	p.see("This is answer 2")
	p.lose("This is answer 1")
	p.answered(1)
	if q := a.last(); len(q.Messages) != 1 {
		t.Errorf("a new chat began with %d messages", len(q.Messages))
	}
	p.run("back", chromedp.Click(`//aside//a[normalize-space()="first chat"]`, chromedp.BySearch))
	p.see("This is answer 1")

	p.run("rename", chromedp.Click(`//li[a[normalize-space()="first chat"]]//button[@aria-label="Rename"]`, chromedp.BySearch))
	p.wait(`document.activeElement.value === 'first chat'`)
	p.keys("Foxes")
	p.enter()
	p.wait(`document.title === 'Foxes · Samovar'`)
	p.run("delete", chromedp.Click(`//li[a[normalize-space()="Foxes"]]//button[@aria-label="Delete"]`, chromedp.BySearch))
	p.see("“Foxes” is deleted.")
	p.see("A model of your own")
	p.press("Undo")
	p.wait(`document.querySelectorAll('aside li').length === 2`)
	p.run("delete again", chromedp.Click(`//li[a[normalize-space()="Foxes"]]//button[@aria-label="Delete"]`, chromedp.BySearch))
	p.wait(`document.querySelectorAll('aside li').length === 1`)
	p.run("reload", chromedp.Reload())
	p.wait(`document.querySelectorAll('aside li').length === 1`)
	if got := p.eval(`document.querySelector('aside li a').innerText`); got != "second chat" {
		t.Errorf("after deleting and reloading there is %q", got)
	}
}

func testStop(t *testing.T, browser context.Context) {
	a := newAPI(t)
	p := open(t, browser, a.URL, wide)
	p.write("slow one")
	a.goOn <- true
	a.goOn <- true
	p.see("word2")
	p.press("Stop")
	p.see("Stopped.")
	if text := <-a.gone; text != "slow one" {
		t.Errorf("the server lost the client of %q", text)
	}
	p.wait(`document.activeElement.id === 'message'`)
	p.write("slow two")
	a.goOn <- true
	p.wait(`document.querySelectorAll('article').length === 4`)
	p.keys(kb.Escape)
	if text := <-a.gone; text != "slow two" {
		t.Errorf("the server lost the client of %q", text)
	}
	p.wait(`document.querySelector('button[aria-label=Send]') !== null`)

	// A page that goes away in the middle keeps what had come.
	p.press("New chat")
	p.see("A model of your own")
	p.write("slow three")
	a.goOn <- true
	p.see("word1")
	p.run("reload", chromedp.Reload())
	<-a.gone
	p.see("slow three")
	p.see("Stopped.")
	p.see("word1") // although no write was due yet
	p.press("Try another answer")
	p.lose("word1")
	a.goOn <- true
	p.see("word1")
	p.press("Stop")
	<-a.gone
	p.see("2 of 2")
}

func testBaseModel(t *testing.T, browser context.Context) {
	a := newAPI(t)
	p := open(t, browser, a.URL, wide)
	p.choose("Model", "stories260K")
	p.see("This model continues your text; it does not answer questions. Write the beginning")
	p.see("260 thousand parameters")
	p.write("Once upon a time, there was a girl. ")
	p.see("Once upon a time, there was a girl.  She lived in a **small** house")
	p.answered(1)
	q := a.last()
	if q.Path != "/v1/completions" || q.Prompt != "Once upon a time, there was a girl. " || q.MaxTokens != 256 || q.Messages != nil {
		t.Errorf("the page asked %+v", q)
	}
	p.press("Continue the text")
	p.wait(`document.querySelector('article').innerText.split('She lived').length === 3`)
	p.answered(1)
	if q := a.last(); !strings.HasPrefix(q.Prompt, "Once upon a time, there was a girl.  She lived") {
		t.Errorf("the page went on from %q", q.Prompt)
	}
	p.see("68 tokens")
	p.run("reload", chromedp.Reload())
	p.see("She lived in")
	p.wait(`document.querySelector('select[aria-label=Model]')?.value === 'stories260K'`)
}

func testSettings(t *testing.T, browser context.Context) {
	a := newAPI(t)
	p := open(t, browser, a.URL, phone)
	p.press("Settings")
	p.see("Longest answer")
	p.run("set", chromedp.Focus("#length"), chromedp.KeyEvent("a", chromedp.KeyModifiers(input.ModifierCtrl)), chromedp.KeyEvent("77"),
		chromedp.SendKeys("#system", "Answer like a samovar."),
		chromedp.Focus("#temperature"), chromedp.KeyEvent(kb.Home))
	p.shot("settings-phone")
	p.keys(kb.Escape)
	p.lose("Longest answer")
	p.wait(`document.activeElement.getAttribute('aria-label') === 'Settings'`)
	p.write("hello")
	p.answered(1)
	q := a.last()
	if q.MaxTokens != 77 || q.Temperature != 0 || len(q.Messages) != 2 || q.Messages[0].Role != "system" || q.Messages[0].Content != "Answer like a samovar." {
		t.Errorf("the page asked %+v", q)
	}
	p.run("reload", chromedp.Reload())
	p.press("Settings")
	p.wait(`document.querySelector('#length').value === '77' && document.querySelector('#system').value.startsWith('Answer')`)
	p.press("As at first")
	p.wait(`document.querySelector('#length').value === '512' && document.querySelector('#system').value === ''`)
}

func testLineage(t *testing.T, browser context.Context) {
	a := newAPI(t)
	p := open(t, browser, a.URL, wide)
	p.write("hello")
	p.answered(1)
	p.press("Where this model comes from")
	p.wait(`document.querySelector('dialog[open]') !== null`)
	for _, text := range []string{"Quantisation", "Tuning", "Training", "Shards", "Tokenizer", "Corpus", "African Storybook",
		"CC-BY-4.0", "French", "1,530", "21 MB", "Run 40", "187 kJ (0.0521 kWh) measured", "197 kJ (0.0548 kWh) partly estimated", "Only the record of it is left here."} {
		p.see(text)
	}
	p.shot("lineage-light")
	p.lose("peak rate")
	p.run("show more", chromedp.Click(`//li[h4[contains(., "Training")]]//summary`, chromedp.BySearch))
	p.see("peak rate")
	p.see("22 Nov 2026")
	order := p.eval(`[...document.querySelectorAll('dialog ol h4')].map(h => h.firstChild.textContent.trim()).join(' ')`)
	if want := "Quantisation Tuning Training Shards Tokenizer Corpus"; order != want {
		t.Errorf("the steps are %v, want %s", order, want)
	}
	p.keys(kb.Escape)
	p.wait(`document.querySelector('dialog[open]') === null`)
	p.wait(`document.activeElement.innerText === 'Where this model comes from'`)

	p.expectRefusals()
	p.choose("Model", "elsewhere")
	p.press("New chat")
	p.see("A model of your own")
	p.press("Where this model comes from")
	p.see("The record could not be read. nothing is recorded about elsewhere")
}

func testRefusal(t *testing.T, browser context.Context) {
	a := newAPI(t)
	a.failing.Store(true)
	p := open(t, browser, a.URL, wide)
	p.expectRefusals()
	p.write("a long prompt")
	p.see("the prompt has 2100 tokens and the window 2048: shorten it")
	p.see("status 400")
	p.shot("error-light")
	a.failing.Store(false)
	p.press("Try again")
	p.see("This is answer 2")
	p.lose("No answer")
	p.answered(1)
	p.lose("2 of 2")
}

func testLostConnection(t *testing.T, browser context.Context) {
	a := newAPI(t)
	p := open(t, browser, a.URL, wide)
	p.expectRefusals()
	p.write("cut it")
	p.see("Half an answer")
	a.goOn <- false
	p.see("The answer is incomplete")
	p.see("The connection broke before the answer was complete.")
	p.see("Try again")
	p.write("still there?")
	p.see("This is answer 2")
	p.answered(2)
	a.CloseClientConnections()
	a.Listener.Close()
	p.write("and now?")
	p.see("Samovar could not be reached.")
	p.see("Samovar cannot be reached. Trying again")
	p.shot("offline-light")
}

func testLoading(t *testing.T, browser context.Context) {
	a := newAPI(t)
	a.loading.Store(true)
	p := open(t, browser, a.URL, wide)
	p.expectRefusals()
	p.see("The model is being loaded")
	p.wait(`document.querySelector('button[aria-label=Send]').disabled`)
	p.shot("loading-light")
	a.loading.Store(false)
	p.lose("The model is being loaded")
	p.write("ready?")
	p.see("This is answer 1")
}

func testHostileAnswer(t *testing.T, browser context.Context) {
	a := newAPI(t)
	p := open(t, browser, a.URL, wide)
	p.write("hostile")
	p.answered(1)
	p.see("The end.")
	p.see(`<script>alert(2)</script>`)
	bad := p.eval(`(() => {
		const root = document.querySelector('.markdown');
		const found = [...root.querySelectorAll('img,script,style,iframe,svg,b,object,form,input')].map(e => e.outerHTML);
		for (const e of root.querySelectorAll('*')) for (const a of e.attributes)
			if (a.name.startsWith('on') || a.name === 'style' || a.name === 'src') found.push(e.outerHTML);
		for (const a of root.querySelectorAll('a'))
			if (!/^https:\/\/example\.org\//.test(a.href) || a.rel !== 'noopener noreferrer nofollow' || a.target !== '_blank') found.push(a.outerHTML);
		return found.join('\n');
	})()`)
	if bad != "" {
		t.Errorf("the answer brought into the page:\n%s", bad)
	}
	if n := p.eval(`document.querySelectorAll('.markdown a').length`).(float64); n != 2 {
		t.Errorf("%v links, want the good one and the picture's", n)
	}
	p.run("copy the code", chromedp.Click("[data-copy]"))
	p.see("Copied")
}

func testLanguages(t *testing.T, browser context.Context) {
	a := newAPI(t)
	for _, v := range []view{wide, phone} {
		v.languages = "de-DE,fr-FR,en"
		p := open(t, browser, a.URL, v)
		p.see("Un modèle bien à vous") // the first of the reader's that there is
		p.write("bonjour")
		p.see("118 jetons/s")
		p.see("12,3 J estimés")
		language := "Langue"
		for _, c := range []struct{ code, dir, next string }{
			{"ru", "ltr", "Язык"}, {"ar", "rtl", "اللغة"}, {"fr", "ltr", "Langue"}, {"en", "ltr", "Language"}, {"ar", "rtl", "اللغة"},
		} {
			p.choose(language, c.code)
			language = c.next
			p.wait(fmt.Sprintf(`document.documentElement.lang === %q && document.documentElement.dir === %q`, c.code, c.dir))
			p.fits(c.code)
		}
		p.see("رمز/ث")
		p.see("جول مُقدَّرة")
		if v.width == wide.width {
			if left := p.eval(`document.querySelector('aside').getBoundingClientRect().left`).(float64); left < 600 {
				t.Errorf("in Arabic the chats begin at %v px from the left, want the right side", left)
			}
		}
		p.run("reload", chromedp.Reload())
		p.see("رمز/ث")
		p.wait(`document.documentElement.dir === 'rtl'`)
	}
}

// testControls holds everything that can be operated to have a name, and to
// show that it has the focus.
func testControls(t *testing.T, browser context.Context) {
	a := newAPI(t)
	p := open(t, browser, a.URL, wide)
	p.write("code please")
	p.answered(1)
	p.named("conversation")
	p.press("Where this model comes from")
	p.see("African Storybook")
	p.named("lineage")
	p.keys(kb.Escape)
	p.press("Settings")
	p.see("Longest answer")
	p.named("settings")
	p.keys(kb.Escape)
	p.press("Edit")
	p.see("The conversation goes on from here")
	p.named("editor")

	p.keys(kb.Escape)
	p.run("leave the field", chromedp.Blur("#message"))
	for range 25 { // whatever has the focus shows it
		p.keys(kb.Tab)
		if hidden := p.eval(`(() => {
			const e = document.activeElement, box = e.matches('select') ? e.parentElement : e.matches('#message') ? e.parentElement : e;
			const s = getComputedStyle(box);
			return e !== document.body && s.outlineStyle === 'none' && !e.matches('#message') ? e.outerHTML : '';
		})()`); hidden != "" {
			t.Errorf("nothing shows that this has the focus: %v", hidden)
		}
	}
}

// named asks the browser's own accessibility tree whether everything that can be
// operated has a name.
func (p *tab) named(where string) {
	p.t.Helper()
	var nodes []*accessibility.Node
	p.run("read the accessibility tree", chromedp.ActionFunc(func(ctx context.Context) (err error) {
		nodes, err = accessibility.GetFullAXTree().Do(ctx)
		return err
	}))
	found := 0
	for _, n := range nodes {
		if n.Ignored || n.Role == nil {
			continue
		}
		switch role := strings.Trim(string(n.Role.Value), `"`); role {
		case "button", "link", "textbox", "combobox", "slider", "spinbutton", "dialog", "navigation", "complementary":
			found++
			if n.Name == nil || strings.Trim(string(n.Name.Value), `" `) == "" {
				p.t.Errorf("%s: a %s without a name: %v", where, role, n.Properties)
			}
		}
	}
	if found < 5 {
		p.t.Errorf("%s: only %d controls found", where, found)
	}
}

// testContrast holds the palette to WCAG 2.2's 4.5 to 1 (1.4.3, AA).
func testContrast(t *testing.T, browser context.Context) {
	a := newAPI(t)
	for _, dark := range []bool{false, true} {
		v := wide
		v.dark = dark
		p := open(t, browser, a.URL, v)
		p.see("A model of your own")
		low := p.eval(`(() => {
			const probe = document.body.appendChild(document.createElement('i'));
			const light = name => {
				probe.style.color = 'var(--' + name + ')';
				const [r, g, b] = getComputedStyle(probe).color.match(/[\d.]+/g).map(c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
				return 0.2126 * r + 0.7152 * g + 0.0722 * b;
			};
			const found = [];
			for (const pair of ['ink paper', 'ink surface', 'ink raised', 'ink tint', 'soft paper', 'soft surface', 'soft raised', 'soft tint',
				'copper paper', 'copper surface', 'copper raised', 'copper tint', 'on-copper copper', 'danger danger-tint', 'ink danger-tint', 'soft danger-tint']) {
				const [a, b] = pair.split(' ').map(light), ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
				if (ratio < 4.5) found.push(pair + ' ' + ratio.toFixed(2));
			}
			return found.join(', ');
		})()`)
		if low != "" {
			t.Errorf("dark %v: contrast below 4.5: %v", dark, low)
		}
	}
}

// testPictures walks through what people see, on a phone and wide, light and
// dark. The pictures are for eyes; the test holds what a machine can: nothing
// sticks out of the window.
func testPictures(t *testing.T, browser context.Context) {
	a := newAPI(t)
	for _, size := range []struct {
		name string
		view view
	}{{"wide", wide}, {"phone", phone}} {
		for _, dark := range []bool{false, true} {
			if dark && os.Getenv("SAMOVAR_SCREENSHOTS") == "" {
				continue // the same widths in other colours, for eyes only
			}
			v, name := size.view, size.name+"-light"
			if v.dark = dark; dark {
				name = size.name + "-dark"
			}
			p := open(t, browser, a.URL, v)
			p.see("has read English and French")
			p.fits("welcome " + name)
			p.shot("welcome-" + name)
			p.write("Tell me a story about a hedgehog")
			p.answered(1)
			p.write("Please write code that reverses the words of a text")
			p.answered(2)
			p.fits("conversation " + name)
			p.shot("conversation-" + name)
			p.press("Where this model comes from")
			p.see("African Storybook")
			p.fits("lineage " + name)
			p.shot("lineage-" + name)
			p.keys(kb.Escape)
			p.choose("Model", "stories260K")
			if size.name == "phone" {
				p.press("Show chats")
				p.see("Chats are kept in this browser only.")
				p.shot("chats-" + name)
			}
			p.press("New chat")
			p.see("260 thousand parameters")
			p.shot("welcome-base-" + name)
			p.write("Once upon a time, there was a girl.")
			p.answered(1)
			p.shot("passage-" + name)
			p.choose("Model", "tales")
			p.choose("Language", "ar")
			p.press("محادثة جديدة")
			p.see("قرأ")
			p.fits("welcome in Arabic " + name)
			p.shot("welcome-ar-" + name)
			p.write("احكِ لي قصة قصيرة عن قنفذ.")
			p.answered(1)
			p.fits("conversation in Arabic " + name)
			p.shot("conversation-ar-" + name)
			p.press("من أين جاء هذا النموذج")
			p.see("African Storybook")
			p.shot("lineage-ar-" + name)
		}
	}
}
