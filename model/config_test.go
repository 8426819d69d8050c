package model

import (
	"strings"
	"testing"
)

func TestContinues(t *testing.T) {
	base := Derive(4, 1000)
	for _, x := range []struct {
		name   string
		change func(c *Config)
		want   string // part of the error
	}{
		{"the same", func(*Config) {}, ""},
		{"positions", func(c *Config) { c.Window, c.RopeBase, c.Epsilon = 4096, 5e5, 1e-6 }, ""},
		{"width", func(c *Config) { c.Width = 512 }, "have width 256, not 512"},
		{"vocabulary", func(c *Config) { c.Vocabulary = 1001 }, "have vocabulary 1000, not 1001"},
		{"architecture", func(c *Config) { c.Architecture = Qwen3MoE }, "have architecture llama, not qwen3moe"},
		{"tied", func(c *Config) { c.Tied = false }, "have tied true, not false"},
		{"experts", func(c *Config) { c.Experts.Count = 2 }, "have experts {0 "},
	} {
		next := base
		x.change(&next)
		err := base.Continues(next)
		if x.want == "" && err != nil || x.want != "" && (err == nil || !strings.Contains(err.Error(), x.want)) {
			t.Errorf("%s: %v, want %q", x.name, err, x.want)
		}
	}
}
