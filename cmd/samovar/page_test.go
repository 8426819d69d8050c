package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"samovar/runs"
)

// up is a server in a process of its own.
type up struct {
	*brewery
	t   *testing.T
	url string
}

func (b *brewery) up(t *testing.T, args ...string) *up {
	t.Helper()
	return b.serving(t, append([]string{"up"}, args...)...)
}

// serving runs a command that serves pages.
func (b *brewery) serving(t *testing.T, args ...string) *up {
	t.Helper()
	cmd := b.command("samovar", nil, append(args, "--no-open", "--addr", "127.0.0.1:0")...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			t.Errorf("samovar %s: %v: %s", args, err, stderr.String())
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("samovar %s: %v: %s", args, err, stderr.String())
	}
	url, _, _ := strings.Cut(strings.TrimSpace(line), "/#")
	return &up{b, t, url}
}

// ask sends a request and decodes the answer, whose status it returns.
func (u *up) ask(method, path, body string, into any) int {
	u.t.Helper()
	r, err := http.NewRequest(method, u.url+path, strings.NewReader(body))
	if err != nil {
		u.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		u.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || json.Unmarshal(text, into) != nil {
		u.t.Fatalf("%s %s: %d %q, %v", method, path, answer.StatusCode, text, err)
	}
	return answer.StatusCode
}

// becomes waits until a brew has a state.
func (u *up) becomes(id string, state runs.State) (b runs.Brew) {
	u.t.Helper()
	for range 1200 {
		if u.ask("GET", "/api/brews/"+id, "", &b) == 200 && b.State == state {
			return b
		}
		time.Sleep(50 * time.Millisecond)
	}
	u.t.Fatalf("the brew is %+v, and not %s", b, state)
	return b
}

// TestPage brews a dropped folder through the routes of the page, stops the
// brew and goes on, and reads what is shown of it afterwards.
func TestPage(t *testing.T) {
	b := newBrewery(t, smallRecipe)
	u := b.up(t)
	var folder, refused struct {
		ID    string
		Error struct{ Code, Message string }
	}
	u.ask("POST", "/api/folders", "", &folder)
	for i := range 40 {
		if status := u.ask("PUT", fmt.Sprintf("/api/folders/%s/%d.txt", folder.ID, i), prose(uint64(i), 110), &refused); status != 200 {
			t.Fatalf("a file is refused: %d %+v", status, refused)
		}
	}
	order := func(recipe string) string {
		text, err := json.Marshal(map[string]string{"folder": folder.ID, "recipe": recipe})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for _, path := range []string{"/etc/passwd", "../../../index.json", b.recipe, "texts/../../../blobs"} {
		if status := u.ask("POST", "/api/brews", order(strings.Replace(smallRecipe, "path: texts", "path: "+path, 1)), &refused); status != 422 || !strings.Contains(refused.Error.Message, "--data") {
			t.Errorf("a recipe that reads %s: %d %+v", path, status, refused)
		}
	}
	for _, more := range []string{"filter: {decontaminate: [/etc/passwd]}", "filter: {decontaminate: [../../x]}"} {
		if status := u.ask("POST", "/api/brews", order(smallRecipe+more), &refused); status != 422 || !strings.Contains(refused.Error.Message, "--data") {
			t.Errorf("a recipe with %s: %d %+v", more, status, refused)
		}
	}
	var brew runs.Brew
	if status := u.ask("POST", "/api/brews", order(strings.Replace(smallRecipe, "tokens: 30k", "tokens: 100k", 1)), &brew); status != 200 {
		t.Fatalf("the order is refused: %d %+v", status, brew)
	}
	for range 6000 { // until it has begun to train, of which the journal tells a little later
		if begun, err := filepath.Glob(filepath.Join(b.store, "work", "*", "curve.jsonl")); err == nil && len(begun) > 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	u.ask("POST", "/api/brews/"+brew.ID+"/stop", "", &brew)
	if brew = u.becomes(brew.ID, runs.Stopped); len(brew.Stages) != 8 || brew.Stages[4].Key == "" || !brew.Dropped {
		t.Fatalf("the stopped brew is %+v", brew)
	}
	var half, whole struct {
		Points []struct{ Step, Tokens int64 }
	}
	u.ask("GET", "/api/brews/"+brew.ID+"/curve", "", &half)
	u.ask("POST", "/api/brews/"+brew.ID+"/start", "", &brew)
	brew = u.becomes(brew.ID, runs.Finished)
	run := brew.Stages[4].Run
	u.ask("GET", "/api/runs/"+run+"/curve", "", &whole)
	if n, m := len(half.Points), len(whole.Points); n == 0 || n >= m || whole.Points[m-1].Tokens < 100_000 {
		t.Errorf("a curve of %d points when it was stopped has %d in the end: %+v", n, m, whole.Points[m-1])
	}
	for i := 1; i < len(whole.Points); i++ {
		if whole.Points[i].Step != whole.Points[i-1].Step+1 {
			t.Errorf("step %d follows step %d", whole.Points[i].Step, whole.Points[i-1].Step)
		}
	}

	var shown struct {
		Run      finished
		Settings map[string]map[string]any
		Sources  []sourceLine
	}
	u.ask("GET", "/api/runs/"+run, "", &shown)
	if shown.Run.Name != "tea" || shown.Run.Attempts != 2 || shown.Run.Bits == 0 || shown.Run.Machine.Host != "" || shown.Settings["plan"]["steps"] == nil || len(shown.Sources) != 1 {
		t.Errorf("the run is shown as %+v", shown)
	}
	u.serves("tea", "tea-q8_0")
	u.ask("DELETE", "/api/brews/"+brew.ID, "", &refused)
	if left, err := os.ReadDir(filepath.Join(b.store, "brews")); err != nil || len(left) > 0 {
		t.Errorf("a removed brew leaves %v, %v", left, err)
	}
	b.sound(t)
	u.ask("GET", "/api/runs/"+run+"/curve", "", &whole) // gc keeps what a record points to
	if len(whole.Points) == 0 {
		t.Error("gc has freed the curve")
	}
}

// TestPageDesign has a model designed and brewed for a dropped folder: the order
// is looked at, the process begins with a trial, is stopped, and goes on.
func TestPageDesign(t *testing.T) {
	b := newBrewery(t, smallRecipe)
	u := b.up(t)
	var refused struct {
		Error struct{ Code, Message string }
	}
	drop := func(files map[string]string) string {
		var folder struct{ ID string }
		u.ask("POST", "/api/folders", "", &folder)
		for name, text := range files {
			if status := u.ask("PUT", "/api/folders/"+folder.ID+"/"+name, text, &refused); status != 200 {
				t.Fatalf("a file is refused: %d %+v", status, refused)
			}
		}
		return folder.ID
	}
	order := func(folder, name string, minutes float64) string {
		return fmt.Sprintf(`{"folder":%q,"name":%q,"language":"zxx","licence":"CC0-1.0","origin":"--out=/nowhere","minutes":%g}`, folder, name, minutes)
	}
	texts := map[string]string{}
	for i := range 300 {
		texts[fmt.Sprint(i, ".txt")] = prose(uint64(i), 110)
	}
	folder := drop(texts)
	line := `{"story": "It was late when the fox came to the river."}`
	for what, text := range map[string]string{
		"no name":          order(folder, "A Name", 5),
		"half a minute":    order(folder, "tea", 0.5),
		"another's texts":  order(drop(map[string]string{"$SAMOVAR_STORE.jsonl": line, "b.txt": line}), "tea", 5),
		"no field of text": order(drop(map[string]string{"a.jsonl": `{"id": 7}`}), "tea", 5),
	} {
		if status := u.ask("POST", "/api/brews", text, &refused); status != 422 || refused.Error.Code != "bad_order" {
			t.Errorf("an order with %s is answered with %d %+v", what, status, refused)
		}
	}
	var brew runs.Brew
	if status := u.ask("POST", "/api/brews", order(folder, "tea", 1.2), &brew); status != 200 {
		t.Fatalf("the order is refused: %d %+v", status, brew)
	}
	for range 6000 { // until the trial has begun to train
		if begun, err := filepath.Glob(filepath.Join(b.store, "work", "*", "curve.jsonl")); err == nil && len(begun) > 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	u.ask("POST", "/api/brews/"+brew.ID+"/stop", "", &brew)
	brew = u.becomes(brew.ID, runs.Stopped)
	if s := brew.Stages; len(s) != 1 || s[0].Name != "design" || s[0].State != runs.Stopped || string(s[0].Doing) != `{"do":"try","layers":2,"width":256,"tokens":47997}` || s[0].Joules == 0 {
		t.Errorf("the stopped design is %+v", brew)
	}
	if os.Getenv("SAMOVAR_LONG") == "" {
		return
	}
	until := func(ready func(runs.Brew) bool) runs.Brew { // however long it takes
		var b runs.Brew
		for u.ask("GET", "/api/brews/"+brew.ID, "", &b); !ready(b); u.ask("GET", "/api/brews/"+brew.ID, "", &b) {
			if b.State == runs.Failed {
				t.Fatalf("the brew is %+v", b)
			}
			time.Sleep(100 * time.Millisecond)
			b = runs.Brew{}
		}
		return b
	}
	u.ask("POST", "/api/brews/"+brew.ID+"/start", "", &refused)
	until(func(b runs.Brew) bool { return len(b.Stages) > 5 && b.Stages[5].State == runs.Running }) // trains what was designed
	u.ask("POST", "/api/brews/"+brew.ID+"/stop", "", &refused)
	until(func(b runs.Brew) bool { return b.State == runs.Stopped })
	u.ask("POST", "/api/brews/"+brew.ID+"/start", "", &refused)
	brew = until(func(b runs.Brew) bool { return b.State == runs.Finished })
	if s := brew.Stages; s[0].Name != "design" || s[0].State != runs.Finished || s[0].Joules == 0 || s[5].Name != "train" || brew.Predict == 0 {
		t.Errorf("the finished brew is %+v", brew)
	}
	var shown struct{ Sources []sourceLine }
	u.ask("GET", "/api/runs/"+brew.Stages[5].Run, "", &shown)
	if len(shown.Sources) != 1 || shown.Sources[0].Origin != "--out=/nowhere" || shown.Sources[0].Licence != "CC0-1.0" || shown.Sources[0].Language != "zxx" {
		t.Errorf("the model's sources are %+v", shown.Sources)
	}
	u.serves("tea")
}

// TestDesignReads holds a design to its texts, whatever its recipe says.
func TestDesignReads(t *testing.T) {
	b := &workbench{data: filepath.FromSlash("/texts")}
	for path, want := range map[string]bool{"/texts": true, "/texts/a.jsonl": true, "/texts/../etc": false, "/etc": false, "/textsome": false, "a.txt": false} {
		_, err := b.read(fmt.Sprintf("name: tea\ncorpus: [{path: %q, language: en, licence: CC0-1.0, origin: me}]\ntrain: {tokens: 1}\n", path))
		if (err == nil) != want {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// serves waits until the models can be asked for.
func (u *up) serves(names ...string) {
	u.t.Helper()
	var list struct{ Data []struct{ ID string } }
	for range 600 {
		u.ask("GET", "/v1/models", "", &list)
		have := fmt.Sprint(list.Data)
		found := 0
		for _, n := range names {
			if strings.Contains(have, "{"+n+"}") {
				found++
			}
		}
		if found == len(names) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	u.t.Errorf("the server has %v, and not %v", list.Data, names)
}

// TestPageElsewhere shows a brew of another process, and what may be read where
// somebody allows it.
func TestPageElsewhere(t *testing.T) {
	b := newBrewery(t, smallRecipe)
	u := b.up(t, "--data", filepath.Dir(b.recipe))
	b.output(t, "brew", b.recipe)
	id := runs.ID(filepath.Join(b.store, "brews"), b.recipe)
	if brew := u.becomes(id, runs.Finished); brew.Name != "tea" || brew.Dropped {
		t.Errorf("the brew is %+v", brew)
	}
	u.serves("tea")
	text, err := json.Marshal(map[string]string{"recipe": strings.NewReplacer("name: tea", "name: more", "path: texts", "path: "+filepath.Join(filepath.Dir(b.recipe), "texts")).Replace(smallRecipe)})
	if err != nil {
		t.Fatal(err)
	}
	var brew runs.Brew
	u.ask("POST", "/api/brews", string(text), &brew)
	if brew = u.becomes(brew.ID, runs.Finished); !brew.Stages[4].Found || brew.Stages[4].Run == "" {
		t.Errorf("what had been trained is trained again: %+v", brew.Stages)
	}
	u.serves("more")
}

func TestWithin(t *testing.T) {
	for _, c := range []struct {
		path string
		want bool
	}{
		{"/data", true}, {"/data/texts/**/*.md", true}, {"/data/../data/x", true}, {"/data/../etc/x", false}, {"/database/x", false}, {"/", false}, {"/other/a", true}, {"/data/*/../../etc", false},
	} {
		if got := within(c.path, []string{"/data", "/other/"}); got != c.want {
			t.Errorf("%s: %v", c.path, got)
		}
	}
}
