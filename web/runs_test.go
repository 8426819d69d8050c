package web

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

func TestRunsPage(t *testing.T) {
	browser := chromium(t)
	for _, c := range []struct {
		name string
		test func(*testing.T, context.Context)
	}{
		{"list", testRunsList},
		{"long list", testRunsMany},
		{"live", testRunsLive},
		{"design", testRunsDesign},
		{"stop and go on", testRunsActs},
		{"finished", testRunsFinished},
		{"walk", testRunsWalk},
		{"compare", testRunsCompare},
		{"choose a folder", testRunsFolder},
		{"drop", testRunsDrop},
		{"recipe", testRunsRecipe},
		{"not here", testRunsAway},
		{"names for all controls", testRunsControls},
		{"pictures", testRunsPictures},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, browser) })
	}
}

// drawn waits until a plot shows something in a colour of its own.
func (p *tab) drawn() {
	p.t.Helper()
	p.wait(`(() => {
		const c = document.querySelector('.plot canvas'), d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
		for (let i = 0; i < d.length; i += 4) if (d[i + 3] > 200 && Math.max(d[i], d[i+1], d[i+2]) - Math.min(d[i], d[i+1], d[i+2]) > 60) return true;
		return false;
	})()`)
}

func testRunsList(t *testing.T, browser context.Context) {
	a := newAPI(t)
	p := open(t, browser, a.URL, wide)
	p.press("Runs")
	for _, text := range []string{"In progress", "diary", "Brewing", "Training · 30%", "11 mins left", "Loss 3.25", "5,120 tokens/s",
		"Not finished", "Stopped", "collect: texts is empty", "Finished", "tales-small", "1.21 bits per byte", "187 kJ (0.0521 kWh) measured"} {
		p.see(text)
	}
	if first := p.eval(`document.querySelector('main h2').innerText`); first != "In progress" {
		t.Errorf("the list begins with %v", first)
	}
	p.wait(`document.title === 'Runs · Samovar'`)
}

// testRunsMany holds a long list to its beginning until all is asked for, and
// brews to the order in which they come about.
func testRunsMany(t *testing.T, browser context.Context) {
	a := newAPI(t)
	a.kitchen.set(map[string]any{"id": "w2", "name": "second", "state": "waiting", "updated": "2026-11-22T09:00:02Z", "stages": []any{}})
	a.kitchen.set(map[string]any{"id": "w1", "name": "first", "state": "waiting", "updated": "2026-11-22T09:00:01Z", "stages": []any{}})
	for i := range 40 {
		id := fmt.Sprint("f", i)
		a.kitchen.set(map[string]any{"id": id, "name": id, "state": "failed", "error": "no text", "started": "2026-11-20T08:00:00Z", "stages": []any{}})
	}
	p := open(t, browser, a.URL+"/#/runs", wide)
	p.see("Earlier (36)")
	if order := p.eval(`[...document.querySelector('.cards').querySelectorAll('a')].map(e => e.innerText).join()`); order != "diary,first,second" {
		t.Errorf("in progress are %v", order)
	}
	p.lose("f39")
	p.press("Earlier (36)")
	p.see("f39")
}

func testRunsLive(t *testing.T, browser context.Context) {
	a := newAPI(t)
	p := open(t, browser, a.URL+"/#/runs", wide)
	p.press("diary")
	for _, text := range []string{"Stage by stage", "Quantisation Q8_0", "Time left", "11 mins", "5.28 kJ estimated", "How surprised the model is", "it was 6 o'clock", "after 492k tokens"} {
		p.see(text)
	}
	p.drawn()
	before := p.eval(`document.querySelector('[aria-current=step] progress').value`).(float64)
	b := liveBrew(200)
	b["now"].(map[string]any)["loss"] = 2.875
	a.kitchen.set(b)
	p.see("2.875")
	if now := p.eval(`document.querySelector('[aria-current=step] progress').value`).(float64); before != 0.3 || now != 0.5 {
		t.Errorf("the training was at %v and is at %v", before, now)
	}
	p.press("Bits per byte")
	p.see("texts that it never learns from")
	p.drawn()
	p.run("open the numbers", chromedp.Click(`//summary[.="The numbers"]`, chromedp.BySearch))
	p.see("81.9k")
	b = liveBrew(400)
	b["state"] = "finished"
	b["stages"].([]any)[4] = stage("train", "finished", "40", 5600)
	delete(b, "now")
	a.kitchen.set(b)
	p.see("Talk to it")
	p.wait(`document.querySelector('[role=status].unseen').innerText.includes('Finished')`) // it is said
	p.press("Talk to it")
	p.wait(`location.hash.startsWith('#/chat')`)
}

// trying is the longest of the steps of a design.
var trying = map[string]any{"do": "try", "layers": 2, "width": 256, "tokens": 500_000}

// testRunsDesign follows a brew whose recipe is designed first: in words, with no
// figure of the models that are only tried, and no recipe until there is one.
func testRunsDesign(t *testing.T, browser context.Context) {
	a := newAPI(t)
	a.kitchen.set(designing(trying))
	p := open(t, browser, a.URL+"/#/runs", wide)
	p.see("Design · Trying a model of 2 layers with 500k tokens · 40%")
	p.press("letters")
	p.see("a model of the size that suits texts, machine and time")
	p.see("Trying a model of 2 layers with 500k tokens")
	p.lose("Loss")
	p.lose("Recipe")
	b := designing(map[string]any{"do": "measure", "layers": 6, "width": 512})
	a.kitchen.set(b)
	p.see("Measuring a model of 6 layers and width 512")
	p.wait(`document.querySelector('[role=status].unseen').innerText.includes('Measuring')`) // it is said
	live := liveBrew(120)
	live["id"], live["order"] = b["id"], b["order"]
	live["predicted_bits_per_byte"] = 1.5
	live["stages"] = append([]any{stage("design", "finished", "", 900)}, live["stages"].([]any)...)
	a.kitchen.set(live)
	for _, text := range []string{"predicted: 1.5", "Loss", "Recipe", "Quantisation Q8_0"} {
		p.see(text)
	}
	p.drawn()
}

func testRunsActs(t *testing.T, browser context.Context) {
	a := newAPI(t)
	p := open(t, browser, a.URL+"/#/runs/brew/1", wide)
	p.press("Stop")
	p.see("It saves its work first.")
	p.run("another brew", chromedp.Navigate(a.URL+"/#/runs/brew/2"))
	p.see("Nothing is lost")
	p.press("Go on")
	p.see("One model is brewed at a time.")
	p.run("a third", chromedp.Navigate(a.URL+"/#/runs/brew/3"))
	p.see("put texts there or correct the path")
	p.run("the recipe", chromedp.Click(`//summary[.="Recipe"]`, chromedp.BySearch))
	p.see("name: diary")
	p.press("Remove")
	p.see("“too-short” is off the list.")
	p.wait(`location.hash === '#/runs/'`)
	a.kitchen.mu.Lock()
	defer a.kitchen.mu.Unlock()
	if want := []string{"stop 1", "start 2", "remove 3"}; !slices.Equal(a.kitchen.acts, want) {
		t.Errorf("the page asked %v, want %v", a.kitchen.acts, want)
	}
}

func testRunsFinished(t *testing.T, browser context.Context) {
	a := newAPI(t)
	p := open(t, browser, a.URL+"/#/runs/run/41", wide)
	p.expectRefusals() // this server has no cards and no graphs
	for _, text := range []string{"tales", "Finished 22 Nov 2026", "2 attempts", "491,520", "28 mins", "What it writes", "Where it comes from", "African Storybook"} {
		p.see(text)
	}
	p.drawn()
	p.run("settings", chromedp.Click(`//summary[.="All settings"]`, chromedp.BySearch))
	p.see("Tokens in a step")
	p.see("plan.config.clip")
	p.run("nobody's run", chromedp.Navigate(a.URL+"/#/runs/run/77"))
	p.see("There is no such run here.")
}

func testRunsWalk(t *testing.T, browser context.Context) {
	a := newAPI(t)
	p := open(t, browser, a.URL+"/#/runs/run/41", wide)
	p.expectRefusals()
	p.see("Each box was made from those below it.")
	p.run("choose the model", chromedp.Focus(`.graph [aria-pressed=true]`))
	var way []string
	for range 8 {
		way = append(way, p.eval(`document.activeElement.querySelector('strong').innerText`).(string))
		p.keys(kb.ArrowDown)
	}
	if got := strings.Join(slices.Compact(way), " "); got != "Quantisation Tuning Training Shards Corpus Source" && got != "Quantisation Tuning Training Shards Tokenizer Corpus Source" {
		t.Errorf("the way down is %s", got)
	}
	p.see("African Storybook")
	p.keys(kb.ArrowUp)
	p.see("the texts, cleaned and without duplicates")
	p.run("a source by its name", chromedp.Click(`//section//button[contains(., "Contes du fleuve")]`, chromedp.BySearch))
	p.see("French")
	if n := p.eval(`document.querySelectorAll('.graph path.near').length`).(float64); n != 1 {
		t.Errorf("%v lines lead to the source, want 1", n)
	}
}

func testRunsCompare(t *testing.T, browser context.Context) {
	a := newAPI(t)
	p := open(t, browser, a.URL+"/#/runs", wide)
	p.see("Choose two or more")
	p.run("choose two", chromedp.Click(`input[aria-label="Choose tales · Training"]`), chromedp.Click(`input[aria-label="Choose tales-small · Training"]`))
	p.press("Compare 2 runs")
	for _, text := range []string{"Runs side by side", "tales · Training", "tales-small · Training", "Where they differ", "Layers", "plan.config.clip"} {
		p.see(text)
	}
	p.lose("muon") // the same in both
	p.wait(`document.querySelector('[aria-pressed=true]').innerText === 'Bits per byte'`)
	p.drawn()
	label := p.eval(`document.querySelector('[role=img]').getAttribute('aria-label')`).(string)
	if !strings.Contains(label, "tales · Training: Bits per byte from") || !strings.Contains(label, "tales-small") {
		t.Errorf("the plot is described as %q", label)
	}
	p.press("Loss")
	p.drawn()
}

// texts is a folder as somebody has it, with what is to be left out.
func texts(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "My Notes")
	for name, text := range map[string]string{"one.txt": "one", "deep/two: so.md": "two", ".git/config": "hidden", "empty.txt": ""} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// fill answers what the page asks about a folder and begins.
func (p *tab) fill() {
	p.t.Helper()
	p.see("2 files · 6 byte")
	p.see("This is little text")
	p.see("Some minutes more go into designing it first")
	p.wait(`document.querySelector('#name').value === 'my-notes'`)
	p.wait(`document.querySelector('#tongue').value === ''`) // as the texts read, whatever the page's language
	p.run("fill in", chromedp.SendKeys("#origin", "Ann, who wrote them"), chromedp.SendKeys("#licence", "CC-BY-4.0"),
		chromedp.SetValue("#tongue", "fr"), chromedp.Evaluate(`for (const [id, v] of [['tongue', 'fr'], ['minutes', '60']]) { const s = document.getElementById(id); s.selectedIndex = [...s.options].findIndex(o => o.value === v || o.text === '60 min' && v === '60'); s.dispatchEvent(new Event('change', {bubbles: true})) }`, nil))
	p.press("Begin")
	p.see("ordered")
	p.see("One model is brewed at a time.")
}

// ordered holds what came of it to what the page was given.
func (p *tab) ordered(a *api) {
	p.t.Helper()
	a.kitchen.mu.Lock()
	defer a.kitchen.mu.Unlock()
	if len(a.kitchen.files) != 2 || a.kitchen.files["one.txt"] != "one" || a.kitchen.files["deep/two_ so.md"] != "two" {
		p.t.Errorf("the page sent %q", a.kitchen.files)
	}
	want := `[map[folder:f1 language:fr licence:CC-BY-4.0 minutes:60 name:my-notes origin:Ann, who wrote them]]`
	if got := fmt.Sprint(a.kitchen.orders); got != want {
		p.t.Errorf("the page ordered %s, want %s", got, want)
	}
}

func testRunsFolder(t *testing.T, browser context.Context) {
	a := newAPI(t)
	p := open(t, browser, a.URL+"/#/runs/new", wide)
	p.see("Drop a folder of texts here")
	p.see("At most 5 files and 100 kB; all folders together 400 kB.")
	p.run("choose", chromedp.SetUploadFiles(`input[webkitdirectory]`, []string{texts(t)}))
	p.fill()
	p.ordered(a)
}

// testRunsDrop drops the entries of a folder: a browser gives a page no way to
// make them, so the test does.
func testRunsDrop(t *testing.T, browser context.Context) {
	a := newAPI(t)
	p := open(t, browser, a.URL+"/#/runs/new", wide)
	p.see("Drop a folder of texts here")
	p.run("drop", chromedp.Evaluate(`{
		const file = (name, text) => ({name, isFile: true, isDirectory: false, file: done => done(new File([text], name))});
		const folder = (name, ...inside) => ({name, isFile: false, isDirectory: true, createReader: () => ({
			readEntries: done => done(inside.splice(0, 1)), // a browser gives some at a time too
		})});
		const entry = folder('My Notes', file('one.txt', 'one'), folder('.git', file('config', 'hidden')), folder('deep', file('two: so.md', 'two')), file('empty.txt', ''));
		const zone = document.querySelector('.drop'), e = new DragEvent('drop', {bubbles: true, cancelable: true});
		zone.dispatchEvent(new DragEvent('dragenter', {bubbles: true, cancelable: true}));
		Object.defineProperty(e, 'dataTransfer', {value: {items: [{webkitGetAsEntry: () => entry}]}});
		zone.dispatchEvent(e);
		if (!e.defaultPrevented) console.error('the browser would open what is dropped');
	}`, nil))
	p.fill()
	p.ordered(a)
}

func testRunsRecipe(t *testing.T, browser context.Context) {
	a := newAPI(t)
	p := open(t, browser, a.URL+"/#/runs/new", wide)
	p.expectRefusals()
	dir := t.TempDir()
	for i := range 6 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.txt", i)), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p.see("At most 5 files")
	p.run("too many", chromedp.SetUploadFiles(`input[webkitdirectory]`, []string{dir}))
	p.see("It has too many files.")
	p.wait(`document.querySelector('form button.main') === null`)
	p.press("From a recipe")
	p.run("write", chromedp.SendKeys("#recipe", "nonsense: 1"))
	p.press("Begin")
	p.see("nonsense is not known; did you mean name?")
	p.run("write", chromedp.Focus("#recipe"), chromedp.KeyEvent("a", chromedp.KeyModifiers(2)))
	p.keys("name: tea")
	p.press("Begin")
	p.see("One model is brewed at a time.")
	a.kitchen.mu.Lock()
	defer a.kitchen.mu.Unlock()
	if got := fmt.Sprint(a.kitchen.orders); got != `[map[recipe:name: tea]]` {
		t.Errorf("the page ordered %s", got)
	}
}

func testRunsAway(t *testing.T, browser context.Context) {
	a := newAPI(t)
	a.kitchen.away = true
	p := open(t, browser, a.URL, wide)
	p.expectRefusals()
	p.press("Runs")
	p.see("This Samovar only answers questions.")
}

func testRunsControls(t *testing.T, browser context.Context) {
	a := newAPI(t)
	p := open(t, browser, a.URL+"/#/runs", wide)
	p.expectRefusals()
	p.see("tales-small")
	p.named("list")
	a.kitchen.set(designing(trying))
	for _, c := range []struct{ where, text string }{{"brew/1", "Stage by stage"}, {"brew/5", "Trying a model"}, {"run/41", "African Storybook"}, {"compare/40,31", "Where they differ"}, {"new", "At most 5 files"}} {
		p.run("go to "+c.where, chromedp.Navigate(a.URL+"/#/runs/"+c.where))
		p.see(c.text)
		p.named(c.where)
	}
}

// testRunsPictures shows every place in each language, theme and width, and
// holds what a machine can: nothing sticks out of the window.
func testRunsPictures(t *testing.T, browser context.Context) {
	a := newAPI(t)
	a.kitchen.set(designing(trying))
	eyes := os.Getenv("SAMOVAR_SCREENSHOTS") != ""
	for _, size := range []struct {
		name string
		view view
	}{{"wide", wide}, {"phone", phone}} {
		for _, dark := range []bool{false, true} {
			if dark && !eyes {
				continue // the same widths in other colours, for eyes only
			}
			for _, language := range []string{"en", "fr", "ru", "ar"} {
				v, theme := size.view, "light"
				if v.dark, v.languages = dark, language; dark {
					theme = "dark"
				}
				if eyes {
					v.height = 1800
				}
				p := open(t, browser, a.URL+"/#/runs", v)
				p.expectRefusals()
				for _, c := range []struct{ name, where, ready string }{
					{"list", "", `document.querySelectorAll('.runs li').length === 3`}, {"brew", "brew/1", `document.querySelectorAll('blockquote').length > 3`},
					{"design", "brew/5", `document.querySelector('.doing') !== null`},
					{"run", "run/41", `document.querySelectorAll('.graph button').length > 6`}, {"compare", "compare/40,31", `document.querySelectorAll('table').length > 2`},
					{"new", "new", `document.querySelector('.drop') !== null`},
				} {
					p.run("go to "+c.name, chromedp.Navigate(a.URL+"/#/runs/"+c.where))
					p.wait(c.ready)
					if c.name == "new" {
						p.run("choose", chromedp.SetUploadFiles(`input[webkitdirectory]`, []string{texts(t)}))
						p.wait(`document.querySelector('#licence') !== null`)
					}
					what := strings.Join([]string{"runs", c.name, language, size.name, theme}, "-")
					p.fits(what)
					if size.view == phone {
						p.fingertips(what)
					}
					p.shot(what)
				}
			}
		}
	}
}
