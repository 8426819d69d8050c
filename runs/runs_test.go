package runs

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"samovar"
)

// TestMain lets the test binary be a brew in a process of its own, and one that
// designs its recipe first: it writes a journal like one, until it is done or
// asked to end.
func TestMain(m *testing.M) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	switch {
	case len(os.Args) == 3 && os.Args[1] == "brew":
		os.Exit(pretend(ctx, os.Args[2]))
	case len(os.Args) == 4 && os.Args[1] == "design":
		os.Exit(pretendDesign(ctx, os.Args[2], os.Args[3]))
	}
	stop()
	os.Exit(m.Run())
}

// pretend brews a recipe whose first line says what becomes of it.
func pretend(ctx context.Context, recipe string) int {
	text, err := os.ReadFile(recipe)
	if err != nil {
		fmt.Fprintln(os.Stderr, "samovar: read recipe:", err)
		return 1
	}
	how, rest, _ := strings.Cut(string(text), "\n")
	name, _, _ := strings.Cut(rest, "\n")
	if how == "wrong" {
		fmt.Fprintln(os.Stderr, "progress\nsamovar: the recipe is wrong: correct it")
		return 1
	}
	ctx, cancel := context.WithCancel(ctx)
	j, err := Open(filepath.Dir(filepath.Dir(recipe)), name, recipe, nil, cancel)
	if err != nil {
		fmt.Fprintln(os.Stderr, "samovar:", err)
		return 1
	}
	return pretendStages(ctx, j, how, name)
}

// pretendDesign designs the recipe of an order, and brews it. What is called
// slow never ends its design the first time.
func pretendDesign(ctx context.Context, recipe, order string) int {
	var o Order
	if err := json.Unmarshal([]byte(order), &o); err != nil {
		fmt.Fprintln(os.Stderr, "samovar:", err)
		return 1
	}
	ctx, cancel := context.WithCancel(ctx)
	j, err := Open(filepath.Dir(filepath.Dir(recipe)), o.Name, recipe, &o, cancel)
	if err != nil {
		fmt.Fprintln(os.Stderr, "samovar:", err)
		return 1
	}
	j.Design("estimated (test)")
	j.Do(map[string]any{"do": "try", "layers": 2})
	j.Part(samovar.Run{Key: samovar.DigestOf([]byte("trial")), Energy: samovar.Energy{Joules: 5}})
	j.Part(samovar.Run{Key: samovar.DigestOf(nil), Energy: samovar.Energy{Joules: 2}})
	j.Watch(samovar.Event{Stage: "train", Step: 1, Of: 2, Joules: 3, ETASeconds: 9})
	before := recipe + ".tried"
	if _, err := os.Stat(before); err != nil && o.Name == "slow" {
		os.WriteFile(before, nil, 0o644)
		<-ctx.Done()
		j.Close(Stopped, "", nil)
		return 1
	}
	if err := os.WriteFile(recipe, []byte("quick\n"+o.Name), 0o644); err != nil {
		j.Close(Failed, err.Error(), nil)
		return 1
	}
	j.Designed()
	return pretendStages(ctx, j, "quick", o.Name)
}

// pretendStages is what both do in the end.
func pretendStages(ctx context.Context, j *Journal, how, name string) int {
	j.Plan([]string{"collect", "train"}, "estimated (test)", 1.25)
	j.Begin("collect", samovar.DigestOf(nil))
	j.Finish("collect", samovar.Run{ID: "3", Key: samovar.DigestOf(nil), Energy: samovar.Energy{Joules: 2}, Outputs: []samovar.Digest{samovar.DigestOf(nil)}}, false)
	j.Begin("train", samovar.DigestOf([]byte("train")))
	j.Watch(samovar.Event{Stage: "train", Step: 5, Of: 10, Loss: 3, Joules: 7})
	switch how {
	case "long":
		<-ctx.Done()
		j.Close(Stopped, "", nil)
		return 1
	case "refused":
		j.Close(Refused, "bits_per_byte is 3", map[string]int{"bits": 3})
		return 1
	case "killed":
		os.Exit(9)
	}
	j.Finish("train", samovar.Run{ID: "4"}, true)
	j.Close(Finished, "", map[string]string{"name": name})
	return 0
}

// server answers over a folder of brews. Its recipes are two lines: what
// becomes of the brew, and its name.
type server struct {
	*httptest.Server
	t     *testing.T
	runs  *Server
	dir   string
	ended chan Brew
}

func start(t *testing.T, limits Limits) *server {
	t.Helper()
	s := &server{t: t, dir: filepath.Join(t.TempDir(), "brews"), ended: make(chan Brew, 32)}
	ctx, cancel := context.WithCancel(context.Background())
	var err error
	s.runs, err = New(ctx, Config{
		Dir: s.dir, Tick: 20 * time.Millisecond, Limits: limits,
		Command: func(ctx context.Context, recipe string, o *Order) *exec.Cmd {
			c := exec.CommandContext(ctx, os.Args[0], "brew", recipe)
			if o != nil {
				text, err := json.Marshal(o)
				if err != nil {
					t.Error(err)
				}
				c = exec.CommandContext(ctx, os.Args[0], "design", recipe, string(text))
			}
			c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
			return c
		},
		Check: func(text []byte, dir string) (string, error) {
			how, name, _ := strings.Cut(string(text), "\n")
			if how == "bad" {
				return "", errors.New("train: there is no budget")
			}
			return strings.TrimSpace(name), nil
		},
		Suits: func(_ context.Context, o Order) error {
			if o.Hours < 1.0/60 {
				return errors.New("too few hours")
			}
			return nil
		},
		Taken: func(name string) bool { return name == "tales" },
		Ended: func(b Brew) { s.ended <- b },
		Runs:  func(context.Context) (any, error) { return map[string]any{"runs": []string{"one"}}, nil },
		Run: func(_ context.Context, id string) (any, error) {
			if id != "4" {
				return nil, fmt.Errorf("there is no run %s: %w", id, ErrUnknown)
			}
			return map[string]string{"id": id}, nil
		},
		Curve: func(_ context.Context, id string) (samovar.Curve, error) {
			return samovar.Curve{Points: []samovar.Point{{Step: 1}, {Step: 2}, {Step: 9}}}, nil
		},
		Live: func(samovar.Digest) (samovar.Curve, error) {
			return samovar.Curve{Points: []samovar.Point{{Step: 5, Loss: 3}}}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Server = httptest.NewServer(s.runs)
	t.Cleanup(func() { cancel(); s.CloseClientConnections(); s.Close(); s.runs.Wait() })
	return s
}

// ask sends a request and returns the answer with its status.
func (s *server) ask(method, path, body string) (int, map[string]any) {
	s.t.Helper()
	r, err := http.NewRequest(method, s.URL+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	v := map[string]any{}
	if err := json.Unmarshal(text, &v); err != nil {
		s.t.Fatalf("%s %s: %d %q", method, path, answer.StatusCode, text)
	}
	return answer.StatusCode, v
}

// must is ask for what is to succeed.
func (s *server) must(method, path, body string) map[string]any {
	s.t.Helper()
	status, v := s.ask(method, path, body)
	if status != 200 {
		s.t.Fatalf("%s %s: %d %v", method, path, status, v)
	}
	return v
}

// refused holds a request to be answered with that status and code.
func (s *server) refused(status int, code, method, path, body string) {
	s.t.Helper()
	got, v := s.ask(method, path, body)
	failure, _ := v["error"].(map[string]any)
	if got != status || failure["code"] != code || failure["message"] == "" {
		s.t.Errorf("%s %s is answered with %d %v, want %d %s", method, path, got, v, status, code)
	}
}

// order sends a recipe and returns the id of its brew.
func (s *server) order(how, name string) string {
	s.t.Helper()
	text, err := json.Marshal(map[string]string{"recipe": how + "\n" + name})
	if err != nil {
		s.t.Fatal(err)
	}
	return s.must("POST", "/api/brews", string(text))["id"].(string)
}

// becomes waits until a brew has a state, and its process has ended if that is
// one of rest.
func (s *server) becomes(id string, state State) Brew {
	s.t.Helper()
	for range 2000 {
		s.runs.mu.Lock()
		waits := s.runs.waits(id)
		s.runs.mu.Unlock()
		if b, err := s.runs.brew(id); err == nil && b.State == state && (b.active() || !waits) {
			return b
		}
		time.Sleep(10 * time.Millisecond)
	}
	b, err := s.runs.brew(id)
	s.t.Fatalf("the brew %s is %+v, %v, and not %s", id, b, err, state)
	return b
}

func TestBrews(t *testing.T) {
	s := start(t, Limits{})
	first := s.order("long", "first")
	s.becomes(first, Running)
	second, third := s.order("quick", "second"), s.order("quick", "third")
	if b := s.becomes(second, Waiting); b.Name != "second" {
		t.Errorf("the second brew is %+v", b)
	}
	s.refused(409, "running", "POST", "/api/brews/"+first+"/start", "")
	s.refused(409, "running", "POST", "/api/brews/"+second+"/start", "")
	s.refused(409, "running", "DELETE", "/api/brews/"+first, "")
	s.must("POST", "/api/brews/"+third+"/stop", "")
	s.becomes(third, Stopped)

	for range 500 { // until it has told of its training
		if b, _ := s.runs.brew(first); b.Now != nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if b, _ := s.runs.brew(first); b.Now == nil || b.Now.Loss != 3 || len(b.Stages) != 2 || b.Stages[0].Run != "3" || b.Stages[1].Joules != 7 {
		t.Errorf("the running brew is %+v", b)
	}
	if c := s.must("GET", "/api/brews/"+first+"/curve", ""); len(c["points"].([]any)) != 1 {
		t.Errorf("its curve is %v", c)
	}
	s.must("POST", "/api/brews/"+first+"/stop", "")
	if b := s.becomes(first, Stopped); b.Stages[1].State != Stopped {
		t.Errorf("the stopped brew is %+v", b)
	}
	done := s.becomes(second, Finished)
	if string(done.Result) != `{"name":"second"}` || done.Stages[1].Run != "4" || !done.Stages[1].Found {
		t.Errorf("the finished brew is %+v", done)
	}
	if c := s.must("GET", "/api/brews/"+second+"/curve?after=1", ""); len(c["points"].([]any)) != 2 {
		t.Errorf("the curve after step 1 is %v", c)
	}
	if r := s.must("GET", "/api/brews/"+second+"/recipe", ""); r["text"] != "quick\nsecond" {
		t.Errorf("its recipe is %v", r)
	}
	s.refused(409, "at_rest", "POST", "/api/brews/"+second+"/stop", "")
	s.must("POST", "/api/brews/"+third+"/start", "")
	s.becomes(third, Finished)

	var ended []string
	for range 4 { // two of them stopped before
		ended = append(ended, (<-s.ended).ID)
	}
	for _, id := range []string{first, second, third} {
		if !slices.Contains(ended, id) {
			t.Errorf("nobody was told that %s ended: %v", id, ended)
		}
	}
	s.must("DELETE", "/api/brews/"+second, "")
	s.refused(404, "unknown", "GET", "/api/brews/"+second, "")
	if n := len(s.must("GET", "/api/brews", "")["brews"].([]any)); n != 2 {
		t.Errorf("%d brews are left, want 2", n)
	}
}

// TestDesign has a dropped folder designed for, stopped meanwhile, and gone on
// with; what the design has in common with the brew is counted once.
func TestDesign(t *testing.T) {
	s := start(t, Limits{})
	order := func(name string, minutes int) string {
		id := s.folder()
		s.must("PUT", "/api/folders/"+id+"/a.txt", "0123456789")
		return fmt.Sprintf(`{"folder":%q,"name":%q,"language":"fr","licence":"CC0-1.0","origin":" --me \"x\" $HOME ","minutes":%d}`, id, name, minutes)
	}
	s.refused(409, "name_taken", "POST", "/api/brews", order("tales", 30))
	s.refused(422, "bad_order", "POST", "/api/brews", order("short", 0))
	wrong := order("short", 30)
	s.refused(422, "bad_order", "POST", "/api/brews", strings.Replace(wrong, ":30", ":0.5", 1)) // Suits says so
	asRead := strings.Replace(order("slow", 30), `"language":"fr",`, "", 1)
	id := s.must("POST", "/api/brews", asRead)["id"].(string)
	var b Brew
	for range 2000 {
		if b, _ = s.runs.brew(id); b.Now != nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if len(b.Stages) != 1 || b.Stages[0].Name != "design" || string(b.Stages[0].Doing) != `{"do":"try","layers":2}` || b.Stages[0].Joules != 5+2+3 || b.Now == nil || b.Now.ETASeconds != 0 {
		t.Errorf("the design is shown as %+v", b)
	}
	want := Order{Data: filepath.Join(s.dir, id, textsDir), Hours: 0.5, Name: "slow", Licence: "CC0-1.0", Origin: `--me "x" $HOME`}
	if b.Order == nil || *b.Order != want {
		t.Errorf("the order is %+v, want %+v", b.Order, want)
	}
	s.must("POST", "/api/brews/"+id+"/stop", "")
	s.becomes(id, Stopped)
	s.must("POST", "/api/brews/"+id+"/start", "")
	b = s.becomes(id, Finished)
	if len(b.Stages) != 3 || b.Stages[0].State != Finished || b.Stages[0].Doing != nil || b.Stages[0].Joules != 5 || b.Stages[1].Joules != 2 || b.Predict != 1.25 {
		t.Errorf("the finished brew is %+v", b)
	}
	if r := s.must("GET", "/api/brews/"+id+"/recipe", ""); r["text"] != "quick\nslow" {
		t.Errorf("its recipe is %v", r)
	}
}

func TestUnhappyBrews(t *testing.T) {
	s := start(t, Limits{})
	for _, c := range []struct {
		how   string
		state State
		says  string
	}{
		{"wrong", Failed, "the recipe is wrong: correct it"}, {"refused", Refused, "bits_per_byte is 3"}, {"killed", Stopped, "killed"},
	} {
		if b := s.becomes(s.order(c.how, c.how), c.state); !strings.Contains(b.Error, c.says) {
			t.Errorf("%s: it says %q", c.how, b.Error)
		}
	}
	s.refused(422, "bad_recipe", "POST", "/api/brews", `{"recipe":"bad"}`)
	s.refused(409, "name_taken", "POST", "/api/brews", `{"recipe":"quick\ntales"}`)
	s.refused(400, "empty", "POST", "/api/brews", `{}`)
	s.refused(400, "bad_json", "POST", "/api/brews", `{"recipes":"x"}`)
	s.refused(400, "bad_json", "POST", "/api/brews", `[]`)
	s.refused(404, "unknown", "POST", "/api/brews", `{"folder":"../../etc","name":"x","language":"en","licence":"x","origin":"x","minutes":1}`)
	s.refused(422, "bad_order", "POST", "/api/brews", `{"folder":"x","name":"x","minutes":-1}`)
	for name, wrong := range map[string]string{
		"a line break": `"origin":"me\nand you","minutes":5`, "nothing": `"origin":" ","minutes":5`, "NUL": `"origin":"\u0000","minutes":5`,
		"long": `"origin":"` + strings.Repeat("x", 1001) + `","minutes":5`, "no time": `"origin":"me","minutes":0`, "years": `"origin":"me","minutes":1e9`,
	} {
		if status, v := s.ask("POST", "/api/brews", `{"folder":"x","name":"x","language":"en","licence":"x",`+wrong+`}`); status != 422 {
			t.Errorf("an order with %s: %d %v", name, status, v)
		}
	}
	s.refused(404, "unknown", "GET", "/api/brews/..%2f..", "")
	s.refused(404, "unknown", "POST", "/api/brews/nobody/stop", "")
	s.refused(404, "unknown", "DELETE", "/api/brews/..%2f..", "")
	s.refused(404, "unknown", "GET", "/api/runs/5", "")
	s.refused(404, "unknown_url", "GET", "/api/nothing", "")
	s.refused(404, "unknown_url", "POST", "/api/runs", "")
	if v := s.must("GET", "/api/runs", ""); v["runs"] == nil {
		t.Errorf("the runs are %v", v)
	}
}

// TestElsewhere has brews of other processes on the board, and one that was
// killed there.
func TestElsewhere(t *testing.T) {
	s := start(t, Limits{})
	stopped := make(chan bool, 1)
	j, err := Open(s.dir, "tea", "/somewhere/tea.yaml", nil, func() { stopped <- true })
	if err != nil {
		t.Fatal(err)
	}
	id := ID(s.dir, "/somewhere/tea.yaml")
	s.becomes(id, Running)
	s.must("POST", "/api/brews/"+id+"/stop", "")
	s.becomes(id, Stopping)
	select {
	case <-stopped:
	case <-time.After(time.Minute):
		t.Fatal("the brew was not told to stop")
	}
	j.Close(Stopped, "", nil)
	s.becomes(id, Stopped)

	dead := filepath.Join(s.dir, "dead")
	if err := os.MkdirAll(dead, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dead, journalFile)
	if err := os.WriteFile(path, []byte(`{"name":"dead","state":"running","stages":[{"name":"train","state":"running"}]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	s.becomes("dead", Running)
	long := time.Now().Add(-2 * stale)
	if err := os.Chtimes(path, long, long); err != nil {
		t.Fatal(err)
	}
	if b := s.becomes("dead", Stopped); b.Stages[0].State != Stopped {
		t.Errorf("the killed brew is %+v", b)
	}
	if err := os.WriteFile(filepath.Join(dead, journalFile), []byte(`{"name":7}`), 0o644); err != nil {
		t.Fatal(err)
	}
	for range 500 {
		if _, ok := s.runs.board.get("dead"); !ok {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("a journal that is damaged is still shown")
}

func TestEvents(t *testing.T) {
	s := start(t, Limits{})
	before := s.order("quick", "before")
	s.becomes(before, Finished)
	answer, err := http.Get(s.URL + "/api/brews/events")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	next := func(event string) (text string) {
		t.Helper()
		for lines.Scan() {
			if lines.Text() != "event: "+event {
				continue
			}
			lines.Scan()
			return strings.TrimPrefix(lines.Text(), "data: ")
		}
		t.Fatalf("the stream ends before an event %s: %v", event, lines.Err())
		return ""
	}
	var all []Brew
	if err := json.Unmarshal([]byte(next("brews")), &all); err != nil || len(all) != 1 || all[0].ID != before {
		t.Fatalf("the first event has %+v, %v", all, err)
	}
	after := s.order("quick", "after")
	for {
		var b Brew
		if err := json.Unmarshal([]byte(next("brew")), &b); err != nil || b.ID != after {
			t.Fatalf("an event of %+v, %v", b, err)
		}
		if b.State == Finished {
			break
		}
	}
	s.must("DELETE", "/api/brews/"+before, "")
	if text := next("removed"); text != `{"id":"`+before+`"}` {
		t.Errorf("the event says %s", text)
	}
}

// TestRestart has a server find what another one left.
func TestRestart(t *testing.T) {
	s := start(t, Limits{})
	s.runs.mark(mustBrew(t, s.dir, "w"), Waiting, "")
	old := filepath.Join(s.dir, "old", textsDir)
	young := filepath.Join(s.dir, "young", textsDir)
	for _, dir := range []string{old, young} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(young, "a.txt"), []byte("12345"), 0o644); err != nil {
		t.Fatal(err)
	}
	long := time.Now().Add(-2 * abandoned)
	if err := os.Chtimes(old, long, long); err != nil {
		t.Fatal(err)
	}
	again, err := New(t.Context(), s.runs.config)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := again.brew("w"); err != nil || b.State != Stopped {
		t.Errorf("what waited is %+v, %v", b, err)
	}
	if _, err := os.Stat(old); err == nil {
		t.Error("an abandoned folder is left")
	}
	if n := again.drops.kept(); n != 5 {
		t.Errorf("dropped folders take %d bytes, want 5", n)
	}
}

func mustBrew(t *testing.T, dir, id string) Brew {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, id), 0o755); err != nil {
		t.Fatal(err)
	}
	return Brew{ID: id, Name: id}
}
