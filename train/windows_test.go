package train

import (
	"fmt"
	"strings"
	"testing"

	"samovar"
)

// windowed gives rows whose first token is their window.
type windowed int

func (w windowed) Batch(step int64) Rows {
	return Rows{Window: int(w), Tokens: []int32{int32(step)}}
}

func TestRowsGrow(t *testing.T) {
	closed := 0
	open := Open(func(_ samovar.Input, batch, window int) (Data, func() error, error) {
		return windowed(window), func() error { closed++; return nil }, nil
	})
	for _, c := range []struct {
		windows []int
		want    string // windows of steps 0 to 7 of 7
	}{
		{nil, "[64 64 64 64 64 64 64 64]"},
		{[]int{16, 64}, "[16 16 16 16 64 64 64 64]"},
		{[]int{16, 16, 32, 64}, "[16 16 16 16 32 32 64 64]"},
	} {
		data, end, err := open.rows(samovar.Input{}, Config{Windows: c.windows}, 64, 7)
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		for step := range int64(8) {
			rows := data.Batch(step)
			got = append(got, rows.Window)
			if rows.Tokens[0] != int32(step) {
				t.Errorf("step %d asks for the rows of step %d", step, rows.Tokens[0])
			}
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("windows %v: steps have rows of %v, want %s", c.windows, got, c.want)
		}
		closed = 0
		if err := end(); err != nil || closed != max(1, len(c.windows)) {
			t.Errorf("closed %d of %d: %v", closed, len(c.windows), err)
		}
	}
}

func TestWindowsChecked(t *testing.T) {
	for _, c := range []struct {
		windows []int
		want    string // part of the error
	}{
		{[]int{64}, ""}, {[]int{16, 16, 64}, ""},
		{[]int{16, 32}, "end with 32"}, {[]int{128}, "128 tokens"}, {[]int{32, 16, 64}, "16 tokens"}, {[]int{1, 64}, "1 tokens"}, {[]int{24, 64}, "24 tokens"},
	} {
		_, err := Config{Batch: 512, Leaves: 8, Windows: c.windows}.Resolve(64, 64)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("windows %v: %v, want %q", c.windows, err, c.want)
		}
	}
}
