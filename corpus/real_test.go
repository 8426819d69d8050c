package corpus

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"samovar"
)

// BenchmarkCollect reads $SAMOVAR_DATA/corpora/en and $GOROOT/src, where these are set.
func BenchmarkCollect(b *testing.B) {
	run := func(name, path string, include ...string) {
		b.Run(name, func(b *testing.B) {
			var in int64
			for b.Loop() {
				c, err := NewCollect(context.Background(), []Source{{Path: path, Language: "en", Licence: "mixed", Origin: "test", Include: include}}, 0)
				if err != nil {
					b.Fatal(err)
				}
				out, err := c.Run(context.Background(), samovar.Work{Dir: b.TempDir()})
				if err != nil {
					b.Fatal(err)
				}
				in = out.Config.(Report).Sources[0].BytesIn
			}
			b.SetBytes(in)
		})
	}
	if data := os.Getenv("SAMOVAR_DATA"); data != "" {
		run("en", filepath.Join(data, "corpora/en"))
	}
	if root := os.Getenv("GOROOT"); root != "" {
		run("go", filepath.Join(root, "src"), ".go")
	}
}
