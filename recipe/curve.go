package recipe

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"samovar"
)

// curveFile lies in the work folder beside attempts.json: a line for each
// point, appended, so that a kill loses at most the line being written. A line
// of the same step as the one before adds to it, and one of an earlier step
// takes back what came after it: a killed attempt was further than the
// checkpoint from which the next one goes on.
const curveFile = "curve.jsonl"

// curvePoints is about how many points a curve has: more than a screen shows,
// in some 100 kB.
const curvePoints = 1000

// curve writes the points of one attempt.
type curve struct {
	path   string
	file   *os.File
	next   int64   // step of the next point
	losses float64 // sum since the last point
	count  int
	failed bool
}

// add takes an event of a stage that learns. What cannot be written is left
// out: a full disk shows itself to the stage.
func (c *curve) add(e samovar.Event) {
	if e.Loss > 0 && !math.IsInf(e.Loss, 0) {
		c.losses += e.Loss
		c.count++
	}
	if e.Step < c.next && e.Step != e.Of && e.BitsPerByte == 0 && e.Sample == "" || c.failed {
		return
	}
	p := samovar.Point{
		Step: e.Step, Tokens: e.Tokens, BitsPerByte: e.BitsPerByte, TokensPerSecond: e.TokensPerSecond, Joules: e.Joules, Sample: e.Sample,
	}
	if c.count > 0 {
		p.Loss = c.losses / float64(c.count)
	}
	c.losses, c.count = 0, 0
	c.next = e.Step + max(1, (e.Of+curvePoints-1)/curvePoints)
	c.failed = c.write(p) != nil
}

func (c *curve) write(p samovar.Point) error {
	line, err := json.Marshal(p)
	if err != nil {
		return err
	}
	if c.file == nil {
		if c.file, err = os.OpenFile(c.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644); err != nil {
			return err
		}
		line = append([]byte("\n"), line...) // ends what a kill has cut off
	}
	_, err = c.file.Write(append(line, '\n'))
	return err
}

func (c *curve) close() {
	if c.file != nil {
		c.file.Close()
	}
}

// maxCurveLine is more than the longest line: a sample is some forty tokens.
const maxCurveLine = 1 << 20

// ReadCurve returns the curve of the run whose work folder is dir, as far as it
// has come: empty if there is none.
func ReadCurve(dir string) (c samovar.Curve, err error) {
	f, err := os.Open(filepath.Join(dir, curveFile))
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, fmt.Errorf("read the curve: %w", err)
	}
	defer f.Close()
	return parseCurve(f)
}

// parseCurve passes over lines that are no points.
func parseCurve(r io.Reader) (c samovar.Curve, err error) {
	s := bufio.NewScanner(r)
	s.Buffer(nil, maxCurveLine)
	for s.Scan() {
		var p samovar.Point
		if line := bytes.TrimSpace(s.Bytes()); len(line) == 0 || json.Unmarshal(line, &p) != nil || p.Step < 0 {
			continue
		}
		for n := len(c.Points); n > 0 && c.Points[n-1].Step > p.Step; n-- {
			c.Points = c.Points[:n-1]
		}
		if n := len(c.Points); n > 0 && c.Points[n-1].Step == p.Step {
			merge(&c.Points[n-1], p)
		} else {
			c.Points = append(c.Points, p)
		}
	}
	if err := s.Err(); err != nil {
		return c, fmt.Errorf("read the curve: %w", err)
	}
	return c, nil
}

// merge fills p with what q knows.
func merge(p *samovar.Point, q samovar.Point) {
	for _, x := range []struct{ p, q *float64 }{
		{&p.Loss, &q.Loss}, {&p.BitsPerByte, &q.BitsPerByte}, {&p.TokensPerSecond, &q.TokensPerSecond}, {&p.Joules, &q.Joules},
	} {
		if *x.q != 0 {
			*x.p = *x.q
		}
	}
	p.Tokens = max(p.Tokens, q.Tokens)
	if q.Sample != "" {
		p.Sample = q.Sample
	}
}
