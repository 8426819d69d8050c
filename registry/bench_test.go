package registry

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"samovar"
)

const benchSize = 64 << 20

func BenchmarkPut(b *testing.B) {
	for name, keep := range map[string]bool{"move": false, "copy": true} {
		b.Run(name, func(b *testing.B) {
			s := open(b)
			path := filepath.Join(s.Dir(), workName, "big")
			b.SetBytes(benchSize)
			for b.Loop() {
				b.StopTimer()
				if err := os.WriteFile(path, make([]byte, benchSize), 0o644); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				if _, err := s.Put(context.Background(), samovar.Output{Kind: samovar.KindModel,
					Files: []samovar.OutputFile{{Name: "big", Path: path, Keep: keep}}}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	s := open(b)
	path := filepath.Join(s.Dir(), workName, "big")
	if err := os.WriteFile(path, make([]byte, benchSize), 0o644); err != nil {
		b.Fatal(err)
	}
	if _, err := s.Put(context.Background(), samovar.Output{Kind: samovar.KindModel,
		Files: []samovar.OutputFile{{Name: "big", Path: path}}}); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(benchSize)
	for b.Loop() {
		sound(b, s)
	}
}
