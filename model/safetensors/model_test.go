package safetensors

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// shards writes a model of two files and the index into a new folder.
func shards(t *testing.T, index string) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, b []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("one.safetensors", mustWrite(t, nil, []Tensor{
		tensor("b", F32, ramp(8), 2), tensor("d", I8, ramp(3), 3), tensor("unlisted", I8, ramp(1), 1)}))
	write("two.safetensors", mustWrite(t, nil, []Tensor{tensor("a", BF16, ramp(4), 2, 1), tensor("c", F32, ramp(4))}))
	write(indexName, []byte(index))
	return dir
}

const goodIndex = `{"metadata": {"total_size": 1.9e1, "x": [null, true, {"y": -0}]}, "weight_map": {
	"d": "one.safetensors", "a": "two.safetensors", "b": "one.safetensors", "c": "two.safetensors"}}`

func TestShards(t *testing.T) {
	dir := shards(t, goodIndex)
	for _, path := range []string{dir, filepath.Join(dir, indexName)} {
		m, err := OpenModel(path)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, info := range m.Tensors {
			names = append(names, info.Name)
			if got, err := m.Tensor(info.Name); err != nil || !slices.Equal(load(t, got), ramp(int(info.Size))) {
				t.Errorf("%v is %v, %v", info, got, err)
			}
		}
		if !slices.Equal(names, []string{"a", "b", "c", "d"}) {
			t.Errorf("tensors %v", names)
		}
		if _, err := m.Tensor("unlisted"); !errors.Is(err, ErrMissing) {
			t.Errorf("unlisted: %v", err)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestSingle(t *testing.T) {
	dir := t.TempDir()
	if _, err := OpenModel(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an empty folder: %v", err)
	}
	b := mustWrite(t, nil, []Tensor{tensor("b", I8, ramp(1), 1), tensor("a", I8, ramp(1), 1), tensor("c", F32, ramp(4), 1)})
	if err := os.WriteFile(filepath.Join(dir, singleName), b, 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := OpenModel(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if _, err := m.Tensor("c"); err != nil || m.Tensors[0].Name != "a" {
		t.Errorf("%v, tensors %v", err, m.Tensors)
	}
}

func TestBadIndex(t *testing.T) {
	entry := func(tensor, shard string) string {
		s, err := json.Marshal(map[string]any{"weight_map": map[string]string{tensor: shard}})
		if err != nil {
			t.Fatal(err)
		}
		return string(s)
	}
	files := map[string]string{}
	for i := range maxShards + 1 {
		files[fmt.Sprint(i)] = fmt.Sprintf("%d.safetensors", i)
	}
	manyFiles, err := json.Marshal(map[string]any{"weight_map": files})
	if err != nil {
		t.Fatal(err)
	}
	for index, want := range map[string]string{
		``:                       `'{' is expected`,
		`{}`:                     `no "weight_map"`,
		`{"weight_map":{}}`:      "has 0 entries",
		`{"weight_map":[]}`:      `'{' is expected`,
		`{"weight_map":{"a":1}}`: `'"' is expected`,
		`{"weight_map":{"a":"one.safetensors"},"weight_map":{}}`:                                   "there twice",
		`{"weight_map":{"a":"one.safetensors","a":"two.safetensors"}}`:                             "there twice",
		`{"x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `,"weight_map":{"a":"b"}}`: "deeper than 32",
		`{"x":nul,"weight_map":{"a":"b"}}`:                                                         "an integer",
		`{"x":1.,"weight_map":{"a":"b"}}`:                                                          "a digit is expected",
		`{"x":1e,"weight_map":{"a":"b"}}`:                                                          "a digit is expected",
		entry("a", "three.safetensors"):                                                            "no such file",
		entry("x", "one.safetensors"):                                                              `tensor "x": missing`,
		entry("b", "../one.safetensors"):                                                           "not the plain name",
		entry("b", "/etc/one.safetensors"):                                                         "not the plain name",
		entry("b", `..\one.safetensors`):                                                           "not the plain name",
		entry("b", "C:one.safetensors"):                                                            "not the plain name",
		entry("b", "folder/one.safetensors"):                                                       "not the plain name",
		entry("b", "./one.safetensors"):                                                            "not the plain name",
		entry("b", "..safetensors"):                                                                "not the plain name",
		entry("b", "one.safetensors\x00"):                                                          "not the plain name",
		entry("b", "one\x00.safetensors"):                                                          "not the plain name",
		entry("b", "pytorch_model.bin"):                                                            "not the plain name",
		entry("b", indexName):                                                                      "not the plain name",
		entry("b", ""):                                                                             "not the plain name",
		string(manyFiles):                                                                          "more than 1024 files",
	} {
		if _, err := OpenModel(shards(t, index)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.100s: %v, want %q", index, err, want)
		}
	}
}

func FuzzIndex(f *testing.F) {
	f.Add(goodIndex)
	f.Add(`{"weight_map":{"a":"../x.safetensors"}}`)
	f.Add(`{"metadata":{"a":[1,-2.5e-3,"\u00e9",null]},"weight_map":{"a":"b.safetensors"}}`)
	f.Fuzz(func(t *testing.T, text string) {
		x, err := parseIndex(text)
		if err != nil {
			return
		}
		if !json.Valid([]byte(text)) {
			t.Fatalf("%q is no JSON", text)
		}
		for _, e := range x.entries {
			if name := x.shards[e.shard]; filepath.Base(name) != name {
				t.Fatalf("%q leads elsewhere", name)
			}
		}
	})
}
