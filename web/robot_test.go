package web

import (
	"bytes"
	"context"
	"fmt"
	"image/png"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

func TestRobotPage(t *testing.T) {
	browser := chromium(t)
	for _, c := range []struct {
		name string
		test func(*testing.T, context.Context)
	}{
		{"stop", testRobotStop},
		{"space bar", testRobotSpace},
		{"stages", testRobotStages},
		{"song", testRobotSong},
		{"music", testRobotMusic},
		{"talk", testRobotTalk},
		{"speech", testRobotSpeech},
		{"microphone", testRobotMicrophone},
		{"words of the server", testRobotWords},
		{"drag", testRobotDrag},
		{"push", testRobotPush},
		{"lost link", testRobotLost},
		{"no robot", testRobotAbsent},
		{"no picture", testRobotBlind},
		{"names for all controls", testRobotControls},
		{"pictures", testRobotPictures},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, browser) })
	}
}

// until waits until something holds that the browser cannot tell.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// asked waits for the nth request of that path, and returns it.
func (p *tab) asked(a *api, path string, n int) asked {
	p.t.Helper()
	until(p.t, fmt.Sprintf("the page has sent %s %d times", path, n), func() bool { return a.dancer.count(path) >= n })
	got, _ := a.dancer.last(path)
	if count := a.dancer.count(path); count != n {
		p.t.Errorf("the page has sent %s %d times, want %d", path, count, n)
	}
	return got
}

// stopButton is pressed as a mouse does.
const stopButton = `button[data-stop]`

// apart waits until a press of the stop counts as another one.
func (p *tab) apart() {
	p.t.Helper()
	p.run("wait", chromedp.Sleep(400*time.Millisecond))
}

// testRobotStop holds the stop to reach the server although more requests hang than a
// browser keeps connections.
func testRobotStop(t *testing.T, browser context.Context) {
	a := newAPI(t)
	p := open(t, browser, a.URL+"/#/robot", wide)
	p.see("Standing")
	a.dancer.mu.Lock()
	a.dancer.hang = true
	a.dancer.mu.Unlock()
	for range 8 {
		p.press("Forwards")
	}
	until(t, "requests hang", func() bool { return a.dancer.count("push") >= 4 })
	p.run("stop", chromedp.Click(stopButton))
	p.asked(a, "stop", 1)
	for range 8 {
		p.press("Forwards")
	}
	p.apart()
	p.keys(" ") // the focus is on a button that was clicked: it shall not be pressed
	p.asked(a, "stop", 2)
}

func testRobotSpace(t *testing.T, browser context.Context) {
	a := newAPI(t)
	p := open(t, browser, a.URL+"/#/robot", wide)
	p.see("Standing")
	p.keys(" ")
	p.asked(a, "stop", 1)

	const field = `form input[type=text]`
	p.run("write", chromedp.Focus(field), chromedp.KeyEvent("who are you"))
	p.wait(`document.querySelector('` + field + `').value === 'who are you'`)
	p.asked(a, "stop", 1)
	p.apart()
	p.keys(kb.Escape)
	p.asked(a, "stop", 2)

	// Who walks by keyboard presses buttons with the space bar.
	p.run("walk", chromedp.Focus(field), chromedp.KeyEvent(kb.Tab), chromedp.Evaluate(`[...document.querySelectorAll('button')].find(b => b.innerText === 'Greet').focus()`, nil))
	p.keys(" ")
	p.asked(a, "greet", 1)
	p.asked(a, "stop", 2)
	p.run("walk on", chromedp.Focus(stopButton))
	p.apart()
	p.keys(" ")
	p.asked(a, "stop", 3)

	// The key that is held down is one press.
	p.run("hold", chromedp.Blur(stopButton))
	p.apart()
	key := func(kind input.KeyType, repeat bool) *input.DispatchKeyEventParams {
		return input.DispatchKeyEvent(kind).WithKey(" ").WithCode("Space").WithWindowsVirtualKeyCode(32).WithAutoRepeat(repeat)
	}
	p.run("hold", key(input.KeyDown, false))
	for range 10 {
		p.run("hold", chromedp.Sleep(50*time.Millisecond), key(input.KeyDown, true))
	}
	p.run("let go", key(input.KeyUp, false))
	p.asked(a, "stop", 4)
}

func testRobotStages(t *testing.T, browser context.Context) {
	a := newAPI(t)
	p := open(t, browser, a.URL+"/#/robot", wide)
	p.expectRefusals()
	p.see("it stands still")
	a.dancer.set(stopped("standing", "the stop was pressed", "pressed"))
	p.see("Stopped: it stands still")
	p.see("Somebody wanted it to stop.")
	p.see("again: it kneels")
	p.wait(`[...document.querySelectorAll('[role=alert]')].some(e => e.textContent.includes('Stopped'))`) // it is called out
	p.keys(kb.Escape)                                                                                     // leads no further
	a.dancer.set(stopped("kneeling", "it rains", "rain"))
	p.see("it rains") // a reason for which there are no words
	p.see("again: motors go soft")
	p.press("Go on")
	p.see("put it back on its feet first")
	p.press("Put it back on its feet")
	p.asked(a, "reset", 1)
	p.lose("put it back on its feet first")
	a.dancer.set(stopped("damping", "the body was lost: broken pipe", "no_body"))
	p.see("Stopped: its motors are soft")
	p.see("Its body is gone.")
	p.wait(`[...document.querySelectorAll('button')].find(b => b.innerText === 'Dance').disabled`)
	a.dancer.tell("note", map[string]any{"text": "the song ended early", "kind": "error"})
	p.see("the song ended early")
	a.dancer.set(standing())
	p.see("Standing")
	p.lose("Go on")
	p.asked(a, "resume", 1)
	if n := a.dancer.count("stop"); n != 0 {
		t.Errorf("the page stopped the robot %d times by itself", n)
	}
}

// drop drops a file on an element.
func (p *tab) drop(on, name, content string) {
	p.t.Helper()
	p.run("drop "+name, chromedp.Evaluate(fmt.Sprintf(`{
		const zone = document.querySelector(%q), data = new DataTransfer();
		data.items.add(new File([%q], %q));
		for (const kind of ['dragenter', 'dragover', 'drop']) {
			const e = new DragEvent(kind, {bubbles: true, cancelable: true, dataTransfer: data});
			zone.dispatchEvent(e);
			if (!e.defaultPrevented) console.error('the browser would open what is dropped');
		}
	}`, on, content, name), nil))
}

func testRobotSong(t *testing.T, browser context.Context) {
	a := newAPI(t)
	p := open(t, browser, a.URL+"/#/robot", wide)
	p.expectRefusals()
	p.see("waltz.ogg")
	p.see("92 beats a minute, 3 to a bar, 61 sec")
	p.see("not sure of the beat")
	p.drop(".drop", "noise.wav", "noise")
	p.see("has no beat that one could dance to")
	p.drop("header", "Песня.ogg", "tune")
	got := p.asked(a, "songs", 2)
	if string(got.raw) != "tune" || got.name != "%D0%9F%D0%B5%D1%81%D0%BD%D1%8F.ogg" {
		t.Errorf("the page sent %q as %q", got.raw, got.name)
	}
	p.lose("has no beat that one could dance to")
	a.dancer.tell("songs", []any{song("4f", "waltz.ogg", 3), song("9c", "Песня.ogg", 4)})
	p.wait(`document.querySelector('.chosen')?.innerText.startsWith('Песня.ogg')`)
	p.press("Dance")
	if got := p.asked(a, "dance", 1); got.body["song"] != "9c" || got.body["seed"].(float64) < 1 {
		t.Errorf("the page wants to dance to %v", got.body)
	}
	a.dancer.set(dancing(13))
	p.see("Dancing to “waltz.ogg”")
	p.see("23 more bars") // beats 12 to 90 are 27 bars of 3, of which it shows 4
	if n := p.eval(`document.querySelectorAll('.strip .now').length`); n != 1.0 {
		t.Errorf("%v beats are now, want one", n)
	}
	p.press("End the dance")
	p.asked(a, "end", 1)
	a.dancer.set(standing())
	p.lose("Dancing to")
	p.lose("more bars")
}

// starts keeps what is played: the length of the sound, and from where, in seconds.
const starts = `{
	window.starts = [];
	const start = AudioBufferSourceNode.prototype.start;
	AudioBufferSourceNode.prototype.start = function (when, offset) {
		starts.push([Math.round(this.buffer.duration), offset]);
		start.call(this, when, offset);
	};
}`

// testRobotMusic holds the song to begin where the dance is, and to follow it when it
// jumps.
func testRobotMusic(t *testing.T, browser context.Context) {
	a := newAPI(t)
	p := open(t, browser, a.URL+"/#/robot", wide)
	p.see("waltz.ogg")
	p.run("listen", chromedp.Evaluate(starts, nil))
	p.press("Dance")
	p.asked(a, "dance", 1)
	a.dancer.set(dancing(30))
	p.wait(`starts.length > 0`)
	first := p.eval(`starts[0][1]`).(float64)
	if begin := 30 * 60 / 92.1; first < begin || first > begin+20 {
		t.Errorf("the song begins at %v s, and the dance at %v s", first, begin)
	}
	n := p.eval(`starts.length`).(float64)
	a.dancer.set(dancing(60))
	p.wait(fmt.Sprintf(`starts.length > %v && starts.at(-1)[1] > %v`, n, 60*60/92.1))
	p.press("Sound: on")
	p.see("Sound: off")
	n = p.eval(`starts.length`).(float64)
	a.dancer.set(dancing(10))
	p.wait(`document.querySelector('.strip') !== null`)
	p.see("24 more bars")
	if after := p.eval(`starts.length`).(float64); after != n {
		t.Errorf("it plays although the sound is off")
	}
}

func testRobotTalk(t *testing.T, browser context.Context) {
	a := newAPI(t)
	p := open(t, browser, a.URL+"/#/robot", wide)
	p.see("Standing")
	p.run("listen", chromedp.Evaluate(starts, nil))
	p.run("choose", chromedp.Evaluate(`{const s = document.querySelector('select[aria-label="Language in which it greets and listens"]'); s.value = 'fr'; s.dispatchEvent(new Event('change', {bubbles: true}))}`, nil))
	p.press("Greet")
	if got := p.asked(a, "greet", 1); got.body["language"] != "fr" {
		t.Errorf("the page asks for a greeting with %v", got.body)
	}
	said := func(id int, who, text string, clip any) {
		a.dancer.tell("said", map[string]any{"id": id, "who": who, "text": text, "language": "fr", "clip": clip, "start": 0})
	}
	said(1, "robot", "Bonjour à tous.", "/api/robot/clips/1.wav")
	said(1, "robot", "Bonjour à tous.", "/api/robot/clips/1.wav") // a server may say it again
	p.see("Bonjour à tous.")
	p.wait(`document.querySelectorAll('[role=log] p').length === 1`)
	p.wait(`document.querySelector('[role=log] .aloud') !== null`)

	const field = `form input[type=text]`
	p.run("interrupt", chromedp.SendKeys(field, "W"))
	p.wait(`document.querySelector('[role=log] .aloud') === null`)
	p.run("ask", chromedp.SendKeys(field, "ho are you?"))
	p.enter()
	if got := p.asked(a, "ask", 1); got.body["text"] != "Who are you?" {
		t.Errorf("the page asks %v", got.body)
	}
	p.wait(`document.querySelector('` + field + `').value === ''`)
	said(2, "person", "Who are you?", nil)
	said(3, "robot", "I am <b>Samovar</b>.", nil)
	p.see("I am <b>Samovar</b>.")
	p.press("Have it say something")
	p.run("say", chromedp.SendKeys(field, "Welcome."))
	p.press("Say")
	if got := p.asked(a, "say", 1); got.body["text"] != "Welcome." {
		t.Errorf("the page has it say %v", got.body)
	}
	if n := p.eval(`starts.length`); n != 1.0 {
		t.Errorf("%v clips were played, want one", n)
	}
}

// key presses or lets go the key that is held to speak.
func (p *tab) key(kind input.KeyType) {
	p.t.Helper()
	p.run("speak", input.DispatchKeyEvent(kind).WithKey("t").WithCode("KeyT").WithWindowsVirtualKeyCode(84))
}

// testRobotSpeech holds what is said while a key or the button is held to be sent as
// sound, and what became of it to be shown.
func testRobotSpeech(t *testing.T, browser context.Context) {
	a := newAPI(t)
	p := open(t, browser, a.URL+"/#/robot", wide)
	p.expectRefusals()
	p.see("It understands these words and no others, because no recogniser was named: \u2068hello\u2069 and \u2068dance for me\u2069.")
	p.see("Standing")
	p.key(input.KeyDown)
	p.see("Listening …")
	p.run("speak", chromedp.Sleep(600*time.Millisecond))
	p.key(input.KeyUp)
	got := p.asked(a, "hear", 1)
	if len(got.raw) < 44+2*8000 || string(got.raw[:4]) != "RIFF" || got.query.Get("language") != "en" || got.query.Get("song") != "4f" {
		t.Errorf("the page sent %d bytes, %q", len(got.raw), got.query)
	}
	if !bytes.ContainsFunc(got.raw[44:], func(r rune) bool { return r != 0 }) {
		t.Error("the page sent silence")
	}
	p.asked(a, "learn", 1)
	p.see("Hold to speak")

	p.run("write", chromedp.SendKeys(`form input[type=text]`, "t")) // is a letter there
	p.wait(`document.querySelector('form input[type=text]').value === 't'`)
	p.asked(a, "learn", 1)
	p.run("choose", chromedp.Evaluate(`{const s = document.querySelector('select[aria-label="Language in which it greets and listens"]'); s.value = 'fr'; s.dispatchEvent(new Event('change', {bubbles: true}))}`, nil))
	box := p.eval(`(() => { document.querySelector('.speak').scrollIntoView({block: 'center'}); const b = document.querySelector('.speak').getBoundingClientRect(); return [b.left + 30, b.top + 10] })()`).([]any)
	mouse := func(kind input.MouseType) *input.DispatchMouseEventParams {
		return input.DispatchMouseEvent(kind, box[0].(float64), box[1].(float64)).WithButton(input.Left).WithButtons(1).WithClickCount(1)
	}
	p.run("hold", mouse(input.MousePressed))
	p.see("Listening …")
	p.run("speak", chromedp.Sleep(600*time.Millisecond), mouse(input.MouseReleased))
	p.asked(a, "hear", 2)
	p.see("It did not understand that.")
	p.run("click", mouse(input.MousePressed), mouse(input.MouseReleased))
	p.see("Hold the button for as long as you speak.")
	p.asked(a, "hear", 2)
}

// testRobotMicrophone holds what the microphone hears to be sent until it is not wanted,
// or the robot does something else.
func testRobotMicrophone(t *testing.T, browser context.Context) {
	a := newAPI(t)
	p := open(t, browser, a.URL+"/#/robot", wide)
	p.see("Standing")
	p.press("Dance to what you hear")
	until(t, "sound comes", func() bool { return a.dancer.count("microphone") > 5 })
	got, _ := a.dancer.last("microphone")
	if rate, err := strconv.Atoi(got.query.Get("rate")); err != nil || rate < 8000 || len(got.raw) != 2048 {
		t.Errorf("the page sent %d bytes, %q", len(got.raw), got.query)
	}
	a.dancer.set(following(0))
	p.see("No clear beat yet: it stands and listens.")
	a.dancer.set(following(3))
	p.see("Dancing to what it hears")
	p.see("About 121 beats a minute")
	p.wait(`document.querySelectorAll('.strip i').length === 4 && document.querySelectorAll('.strip .gone').length === 2`)
	p.press("Stop listening")
	until(t, "the link ends", func() bool { return a.dancer.count("silence") == 1 })
	a.dancer.set(standing())
	p.press("Dance to what you hear")
	p.see("Stop listening")
	a.dancer.mu.Lock()
	a.dancer.deaf = "another"
	a.dancer.mu.Unlock()
	p.see("The microphone of another page has taken over.")
	p.see("Dance to what you hear")
}

// testRobotWords holds what the server says to be said in the reader's language.
func testRobotWords(t *testing.T, browser context.Context) {
	a := newAPI(t)
	v := wide
	v.languages = "ru"
	p := open(t, browser, a.URL+"/#/robot", v)
	p.expectRefusals()
	p.see("Стоит")
	p.drop(".drop", "noise.wav", "noise")
	p.see("В «\u2068noise.wav\u2069» нет ритма")
	a.dancer.set(stopped("kneeling", "the drive of left_knee has 105 °C", "hot"))
	p.see("Перегрелся мотор сустава \u2068left_knee\u2069.")
	p.press("Продолжить")
	p.see("сначала поставьте его на ноги")
	a.dancer.tell("note", map[string]any{"text": "answer: no", "kind": "error", "code": "unsaid"})
	p.see("Робот не смог это сказать.")
}

// torso is where the robot's torso is in the picture, as shares of it.
const torsoX, torsoY = 0.5, 0.3

// middle returns a point of the picture in pixels.
func (p *tab) middle() (x, y float64) {
	p.t.Helper()
	p.see("What the picture shows")
	p.wait(`document.querySelector('canvas').clientWidth > 100`)
	box := p.eval(`(() => { const b = document.querySelector('canvas').getBoundingClientRect(); return [b.left, b.top, b.width, b.height] })()`).([]any)
	return box[0].(float64) + torsoX*box[2].(float64), box[1].(float64) + torsoY*box[3].(float64)
}

func testRobotDrag(t *testing.T, browser context.Context) {
	a := newAPI(t)
	p := open(t, browser, a.URL+"/#/robot", wide)
	x, y := p.middle()
	mouse := func(kind input.MouseType, x, y float64) *input.DispatchMouseEventParams {
		return input.DispatchMouseEvent(kind, x, y).WithButton(input.Left).WithButtons(1).WithClickCount(1)
	}
	// It must have been drawn once to be grasped.
	until(t, "the robot is drawn", func() bool { return p.colours() > 200 })
	p.run("drag", mouse(input.MousePressed, x, y), mouse(input.MouseMoved, x+60, y), mouse(input.MouseMoved, x+600, y))
	p.see("20 N·s") // the most
	p.shot("robot-drag")
	p.run("let go", mouse(input.MouseReleased, x+600, y))
	got := p.asked(a, "push", 1)
	impulse, ok := got.body["impulse"].([]any)
	if !ok || len(impulse) != 2 {
		t.Fatalf("the page pushes with %v", got.body)
	}
	px, py := impulse[0].(float64), impulse[1].(float64)
	// The camera looks at the robot's front from its right, so that the picture's right
	// is mostly the robot's left.
	if strength := math.Hypot(px, py); math.Abs(strength-20) > 0.01 || py < 15 {
		t.Errorf("a drag to the right pushes with %v", impulse)
	}
	// A click is no push, and beside the robot the picture is turned.
	p.run("click", mouse(input.MousePressed, x, y), mouse(input.MouseReleased, x, y),
		mouse(input.MousePressed, x+300, y), mouse(input.MouseMoved, x+400, y), mouse(input.MouseReleased, x+400, y))
	p.press("Backwards")
	p.asked(a, "push", 2)
}

// colours counts the colours of what is to be seen.
func (p *tab) colours() int {
	p.t.Helper()
	var shot []byte
	p.run("look", chromedp.Screenshot("canvas", &shot))
	picture, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		p.t.Fatal(err)
	}
	found := map[[3]uint32]bool{}
	for y := picture.Bounds().Min.Y; y < picture.Bounds().Max.Y; y += 2 {
		for x := picture.Bounds().Min.X; x < picture.Bounds().Max.X; x += 2 {
			r, g, b, _ := picture.At(x, y).RGBA()
			found[[3]uint32{r, g, b}] = true
		}
	}
	return len(found)
}

func testRobotPush(t *testing.T, browser context.Context) {
	a := newAPI(t)
	p := open(t, browser, a.URL+"/#/robot", wide)
	p.see("Standing")
	p.see("5 N·s")
	p.run("harder", chromedp.Focus(`input[type=range]`), chromedp.KeyEvent(kb.ArrowRight))
	p.see("6 N·s")
	p.press("To its left")
	got := p.asked(a, "push", 1).body["impulse"].([]any)
	if x, y := got[0].(float64), got[1].(float64); math.Abs(x) > 1e-6 || math.Abs(y-6) > 1e-6 {
		t.Errorf("to its left pushes with %v, want 0 and 6", got)
	}
}

func testRobotLost(t *testing.T, browser context.Context) {
	a := newAPI(t)
	p := open(t, browser, a.URL+"/#/robot", wide)
	p.expectRefusals()
	p.see("Standing")
	silent := func(mute bool) {
		a.dancer.mu.Lock()
		a.dancer.mute = mute
		a.dancer.mu.Unlock()
	}
	silent(true)
	a.dancer.cutOff()
	p.see("No news from the robot")
	p.shot("robot-lost")
	p.keys(" ") // it is sent all the same
	p.asked(a, "stop", 1)
	silent(false)
	p.see("Standing")
	p.lose("No news from the robot")
	silent(true) // the connection stays, and nothing comes
	p.see("No news from the robot")
}

func testRobotAbsent(t *testing.T, browser context.Context) {
	a := newAPI(t)
	a.dancer.robot = nil
	p := open(t, browser, a.URL, wide)
	p.expectRefusals()
	p.press("Robot")
	p.see("This Samovar was started without a robot.")
	p.see("samovar robot serve")
	p.shot("robot-absent")
	p.keys(" ")
	if n := a.dancer.count("stop"); n != 0 {
		t.Errorf("the page stops a robot that is not there %d times", n)
	}
}

// testRobotBlind holds the page to work where nothing can be drawn.
func testRobotBlind(t *testing.T, browser context.Context) {
	a := newAPI(t)
	p := open(t, browser, a.URL, wide)
	p.see("A model of your own")
	p.run("take WebGL away", chromedp.Evaluate(`HTMLCanvasElement.prototype.getContext = () => null; location.hash = '#/robot'`, nil))
	p.see("it has no WebGL")
	p.see("Standing. Tilt 1°. Drift 4 cm.")
	p.shot("robot-blind")
	p.run("stop", chromedp.Click(stopButton))
	p.asked(a, "stop", 1)
}

func testRobotControls(t *testing.T, browser context.Context) {
	a := newAPI(t)
	p := open(t, browser, a.URL+"/#/robot", wide)
	p.run("open the legend", chromedp.Click(`details summary`))
	p.see("where the robot can lean without stepping.")
	p.shot("robot-legend")
	p.named("standing")
	a.dancer.set(stopped("standing", "the stop was pressed", "pressed"))
	p.see("Go on")
	p.named("stopped")
	p.run("walk", chromedp.Focus("header a"))
	for range 30 { // whatever has the focus shows it
		p.keys(kb.Tab)
		if hidden := p.eval(`(() => {
			const e = document.activeElement, boxes = [e, e.closest('label')].filter(b => b);
			return e !== document.body && boxes.every(b => getComputedStyle(b).outlineStyle === 'none') ? e.outerHTML : '';
		})()`); hidden != "" {
			t.Errorf("nothing shows that this has the focus: %v", hidden)
		}
	}
}

// testRobotPictures shows the robot standing, dancing and stopped in each width, and
// holds what a machine can: nothing sticks out, fingertips fit, something is drawn, and
// the stop is in view and does not move.
func testRobotPictures(t *testing.T, browser context.Context) {
	a := newAPI(t)
	eyes := os.Getenv("SAMOVAR_SCREENSHOTS") != ""
	for _, size := range []struct {
		name string
		view view
	}{{"wide", wide}, {"phone", phone}, {"sideways", view{width: 844, height: 390}}} {
		for _, language := range []string{"en", "fr", "ru", "ar"} {
			v := size.view
			v.languages = language
			for _, dark := range []bool{false, true} {
				if v.dark = dark; !eyes && (dark || language != "en" && v.width > 600) {
					continue // other colours, and words where there is room for them: for eyes only
				}
				name := strings.Join([]string{language, size.name, map[bool]string{false: "light", true: "dark"}[dark]}, "-")
				t.Run(name, func(t *testing.T) { robotPictures(t, browser, a, name, v) }) // which closes the tab
			}
		}
	}
}

func robotPictures(t *testing.T, browser context.Context, a *api, name string, v view) {
	a.dancer.set(standing())
	p := open(t, browser, a.URL+"/#/robot", v)
	p.wait(`document.querySelector('details summary') !== null && document.querySelector('dl div') !== null`)
	a.dancer.tell("said", map[string]any{"id": 1, "who": "person", "text": "Who are you?", "language": "en", "clip": nil})
	a.dancer.tell("said", map[string]any{"id": 2, "who": "robot", "text": "I am Samovar, and I dance.", "language": "en", "clip": nil})
	var place any
	for _, c := range []struct {
		name  string
		state map[string]any
		ready string
	}{
		{"standing", standing(), `document.querySelector('.halted') === null && document.querySelectorAll('[role=log] p').length === 2`},
		{"dancing", dancing(15), `document.querySelector('.strip') !== null`},
		{"listening", following(0), `document.querySelector('.strip') === null`},
		{"following", following(14), `document.querySelector('.strip') !== null`},
		{"stopped", stopped("standing", "the stop was pressed", "pressed"), `document.querySelector('.on') !== null`},
	} {
		a.dancer.set(c.state)
		p.wait(c.ready)
		what := "robot-" + c.name + "-" + name
		p.fits(what)
		if v.width < 600 {
			p.fingertips(what)
		}
		box := p.eval(`(() => { const b = document.querySelector('[data-stop]').getBoundingClientRect(); return [b.left, b.top, b.right, b.bottom] })()`)
		if place == nil {
			place = box
		}
		if fmt.Sprint(box) != fmt.Sprint(place) {
			t.Errorf("%s: the stop was at %v and is at %v", what, place, box)
		}
		if bottom := box.([]any)[3].(float64); bottom > float64(v.height) {
			t.Errorf("%s: the stop ends at %v px, below the window", what, bottom)
		}
		if c.name == "standing" {
			until(t, "something is drawn", func() bool { return p.colours() > 200 })
		}
		p.shot(what)
	}
}
