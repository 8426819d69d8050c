package web

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// kitchen answers for runs and brews, as a test wants it.
type kitchen struct {
	away bool // there is no such API

	mu      sync.Mutex
	brews   []map[string]any
	files   map[string]string // what was uploaded, by path
	orders  []map[string]any
	acts    []string // such as "stop 1"
	changed chan struct{}
}

func (k *kitchen) serve(mux *http.ServeMux) {
	k.files, k.changed = map[string]string{}, make(chan struct{})
	k.brews = []map[string]any{liveBrew(120), {
		"id": "2", "name": "tea-diary", "state": "stopped", "dropped": true, "started": "2026-11-22T08:00:00Z", "method": "estimated (TDP × load)",
		"stages": []any{stage("collect", "finished", "8", 40), stage("train", "stopped", "", 900)},
	}, {
		"id": "3", "name": "too-short", "state": "failed", "error": "collect: texts is empty: put texts there or correct the path", "started": "2026-11-21T08:00:00Z",
		"stages": []any{stage("collect", "failed", "", 0)},
	}}
	handle := func(pattern string, answer func(r *http.Request) any) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			v := answer(r)
			switch {
			case k.away || v == nil:
				refuse(w, http.StatusNotFound, "there is no such thing here")
			default:
				if message, ok := v.(error); ok {
					refuse(w, http.StatusUnprocessableEntity, message.Error())
					return
				}
				json.NewEncoder(w).Encode(v)
			}
		})
	}
	handle("GET /api/brews", func(*http.Request) any {
		k.mu.Lock()
		defer k.mu.Unlock()
		return map[string]any{"brews": k.brews, "kept_bytes": 1000, "limits": map[string]any{"file_bytes": 50000, "folder_bytes": 100000, "files": 5, "all_bytes": 400000}}
	})
	mux.HandleFunc("GET /api/brews/events", k.events)
	handle("GET /api/brews/{id}/curve", func(r *http.Request) any { return curve(2.6, r) })
	handle("GET /api/brews/{id}/recipe", func(*http.Request) any {
		return map[string]any{"path": "/home/ann/diary.yaml", "text": "name: diary\ntrain: {hours: 1}\n"}
	})
	handle("POST /api/brews/{id}/{act}", func(r *http.Request) any {
		state := map[string]string{"stop": "stopping", "start": "waiting"}[r.PathValue("act")]
		k.act(r.PathValue("act")+" "+r.PathValue("id"), r.PathValue("id"), state)
		return map[string]any{"id": r.PathValue("id")}
	})
	handle("DELETE /api/brews/{id}", func(r *http.Request) any {
		k.act("remove "+r.PathValue("id"), r.PathValue("id"), "")
		return map[string]any{"removed": r.PathValue("id")}
	})
	handle("POST /api/folders", func(*http.Request) any { return map[string]any{"id": "f1"} })
	handle("DELETE /api/folders/{id}", func(r *http.Request) any { return map[string]any{"removed": r.PathValue("id")} })
	handle("PUT /api/folders/{id}/{path...}", func(r *http.Request) any {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		k.mu.Lock()
		k.files[r.PathValue("path")] = string(text)
		k.mu.Unlock()
		return map[string]any{"path": r.PathValue("path")}
	})
	handle("POST /api/brews", k.order)
	handle("GET /api/runs", func(*http.Request) any {
		return map[string]any{"runs": []any{finishedRun("41", "tune"), finishedRun("40", "train"), finishedRun("31", "train")}}
	})
	handle("GET /api/runs/{id}", showRun)
	handle("GET /api/runs/{id}/curve", func(r *http.Request) any {
		if r.PathValue("id") == "31" {
			return curve(3.2, r)
		}
		return curve(2.4, r)
	})
}

// act notes what was asked for, and shows the brew's new state; none: it is gone.
func (k *kitchen) act(what, id, state string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.acts = append(k.acts, what)
	var left []map[string]any
	for _, b := range k.brews {
		if b["id"] == id && state == "" {
			continue
		}
		if b["id"] == id {
			b["state"] = state
		}
		left = append(left, b)
	}
	k.brews = left
	k.tell()
}

// set shows a brew as it is now.
func (k *kitchen) set(b map[string]any) {
	k.mu.Lock()
	defer k.mu.Unlock()
	found := false
	for i := range k.brews {
		if k.brews[i]["id"] == b["id"] {
			k.brews[i], found = b, true
		}
	}
	if !found {
		k.brews = append(k.brews, b)
	}
	k.tell()
}

func (k *kitchen) tell() {
	close(k.changed)
	k.changed = make(chan struct{})
}

func (k *kitchen) order(r *http.Request) any {
	o := map[string]any{}
	if err := json.NewDecoder(r.Body).Decode(&o); err != nil {
		return err
	}
	if recipe, _ := o["recipe"].(string); strings.Contains(recipe, "nonsense") {
		return fmt.Errorf("nonsense is not known; did you mean name?")
	}
	k.mu.Lock()
	k.orders = append(k.orders, o)
	k.mu.Unlock()
	b := liveBrew(0)
	b["id"], b["name"], b["state"], b["stages"], b["order"] = "9", "ordered", "waiting", []any{}, o
	delete(b, "now")
	k.set(b)
	return b
}

func (k *kitchen) events(w http.ResponseWriter, r *http.Request) {
	if k.away {
		refuse(w, http.StatusNotFound, "there is no such thing here")
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	for {
		k.mu.Lock()
		text, err := json.Marshal(k.brews)
		changed := k.changed
		k.mu.Unlock()
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(w, "event: brews\ndata: %s\n\n", text)
		w.(http.Flusher).Flush()
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		}
	}
}

func stage(name, state, run string, joules float64) map[string]any {
	s := map[string]any{"name": name, "joules": joules}
	for key, v := range map[string]string{"state": state, "run": run} {
		if v != "" {
			s[key] = v
		}
	}
	if state == "finished" {
		s["seconds"] = 12.5
	}
	return s
}

// liveBrew is at that step of its training.
func liveBrew(step int) map[string]any {
	return map[string]any{
		"id": "1", "name": "diary", "state": "running", "started": "2026-11-22T08:28:00Z", "method": "estimated (TDP × load)",
		"stages": []any{stage("collect", "finished", "8", 40), stage("tokenizer", "finished", "9", 20), stage("shard", "finished", "10", 10), stage("plan", "finished", "11", 90),
			stage("train", "running", "", 5000+float64(step)), stage("evaluate", "", "", 0), stage("quantize Q8_0", "", "", 0), stage("evaluate Q8_0", "", "", 0)},
		"now": map[string]any{"stage": "train", "step": step, "of": 400, "unit": "steps", "loss": 3.25, "tokens_per_second": 5120.0, "eta_seconds": 660.0, "bits_per_byte": 1.75, "joules": 5000 + step},
	}
}

// designing is a brew for a dropped folder whose recipe is at that step.
func designing(doing map[string]any) map[string]any {
	s := stage("design", "running", "", 900)
	s["doing"] = doing
	return map[string]any{
		"id": "5", "name": "letters", "state": "running", "dropped": true, "started": "2026-11-22T08:28:00Z", "method": "estimated (TDP × load)",
		"order": map[string]any{"data": "/store/brews/5/texts", "hours": 0.25, "name": "letters"}, "stages": []any{s},
		"now": map[string]any{"stage": "train", "step": 40, "of": 100, "unit": "steps", "loss": 4.5, "tokens_per_second": 9000.0, "joules": 300},
	}
}

// curve falls to a loss; it has the points after the step that is asked for.
func curve(to float64, r *http.Request) any {
	after, err := strconv.Atoi(r.URL.Query().Get("after"))
	if err != nil {
		after = -1
	}
	points := []any{}
	for step := 1; step <= 120; step++ {
		if step <= after {
			continue
		}
		p := map[string]any{"step": step, "tokens": step * 4096, "loss": to + 5*math.Exp(-float64(step)/25) + 0.1*math.Sin(float64(step*step)), "tokens_per_second": 5000 + 100*math.Sin(float64(step)), "joules": float64(step) * 12}
		if step%20 == 0 {
			p["bits_per_byte"], p["sample"] = to/1.7+math.Exp(-float64(step)/30), fmt.Sprintf("Once there was a hedgehog, and it was %d o'clock.", step/20)
		}
		points = append(points, p)
	}
	return map[string]any{"points": points}
}

func finishedRun(id, stage string) map[string]any {
	name, output := "tales", "sha256:12a1e500aa11bb22"
	switch id {
	case "41":
		output = digest
	case "31":
		name = "tales-small"
	}
	return map[string]any{
		"id": id, "stage": stage, "name": name, "output": output, "started": "2026-11-22T08:00:00Z", "finished": "2026-11-22T08:28:00Z", "seconds": 1680, "attempts": 2,
		"energy": map[string]any{"joules": 187400, "method": "measured (RAPL)"}, "metrics": map[string]any{"loss": 2.4, "tokens_per_second": 5120}, "bits_per_byte": 1.21, "curve": true,
		"machine": map[string]any{"cpu": "EPYC"}, "numerics": "fp32-avx2",
	}
}

func showRun(r *http.Request) any {
	id := r.PathValue("id")
	layers := map[string]int{"40": 6, "41": 6, "31": 2}[id]
	if layers == 0 {
		return nil
	}
	return map[string]any{
		"run": finishedRun(id, "train"),
		"settings": map[string]any{
			"train": map[string]any{"model": map[string]any{"layers": layers, "width": 64 * layers, "window": 512}},
			"plan":  map[string]any{"steps": 120, "config": map[string]any{"batch": 4096, "optimiser": "muon", "clip": float64(layers)}},
		},
		"sources": []any{map[string]any{"origin": "African Storybook", "licence": "CC-BY-4.0", "language": "en", "bytes": 20971520}},
	}
}
