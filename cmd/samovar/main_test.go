package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"samovar"
	"samovar/robot/body"
	"samovar/robot/music"
	"samovar/robot/music/song"
)

// TestMain lets the test binary be the program: as samovar, and as eager, which
// saves its training after every step, for tests that kill it.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"samovar": main,
		"eager":   func() { saveEvery = time.Nanosecond; main() },
	})
}

// TestScripts runs testdata/script: what the commands do, as one would type it.
//
// Beside the commands of package testscript, scripts have the conditions [data] and
// [long], that SAMOVAR_DATA and SAMOVAR_LONG are set, and:
//
//	texts DIR COUNT       write COUNT texts of some 600 bytes
//	dialogues FILE COUNT  write COUNT dialogues as JSON lines
//	preferences FILE COUNT  write COUNT pairs of answers as JSON lines
//	compose FILE SEED SECONDS  write a song, and TEMPO, its beats a minute
//	swing FILE SECONDS  write a motion of arms, as CSV
//	refuses CODE ARG...   run samovar, which is to fail with that exit code and
//	                      one clear line
//	has FIELD...          the last line of the output is JSON with these fields,
//	                      none of them empty
//	get VARIABLE FIELD    set a variable to a field of that JSON, and of a digest
//	                      VARIABLE_HEX to its digits
//	lines                 every line of the output is JSON
//	cut FILE BYTES        shorten a file
//	flip FILE OFFSET      change one bit of a file
//	put FILE OFFSET HEX   write bytes into a file
func TestScripts(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() }) // the scripts run when this function has returned
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(e *testscript.Env) error {
			e.Setenv("SAMOVAR_STORE", filepath.Join(e.WorkDir, "store"))
			e.Setenv("TAKEN", taken.Addr().String())
			e.Setenv("SAMOVAR_DATA", os.Getenv("SAMOVAR_DATA"))
			documents, err := filepath.Abs(filepath.Join("..", "..", "corpus", "document", "testdata"))
			e.Setenv("DOCUMENTS", documents)
			if path, err := body.Find("../.."); err == nil {
				e.Setenv("SAMOVAR_BODY", path)
			}
			return err
		},
		Condition: func(name string) (bool, error) {
			switch name {
			case "data":
				return os.Getenv("SAMOVAR_DATA") != "", nil
			case "body":
				_, err := body.Find("../..")
				return err == nil, nil
			case "long":
				return os.Getenv("SAMOVAR_LONG") != "", nil
			}
			return false, fmt.Errorf("the condition %s is not known", name)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"texts": func(s *testscript.TestScript, _ bool, args []string) {
				n, err := strconv.Atoi(args[1])
				s.Check(err)
				s.Check(writeTexts(s.MkAbs(args[0]), n))
			},
			"dialogues": func(s *testscript.TestScript, _ bool, args []string) {
				n, err := strconv.Atoi(args[1])
				s.Check(err)
				s.Check(writeDialogues(s.MkAbs(args[0]), n))
			},
			"preferences": func(s *testscript.TestScript, _ bool, args []string) {
				n, err := strconv.Atoi(args[1])
				s.Check(err)
				s.Check(writePreferences(s.MkAbs(args[0]), n))
			},
			"compose": compose, "swing": swing, "refuses": refuses, "has": has, "get": get, "lines": jsonLines, "cut": cutFile, "flip": flip, "put": putBytes,
		},
	})
}

func refuses(s *testscript.TestScript, neg bool, args []string) {
	err := s.Exec("samovar", args[1:]...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		s.Fatalf("it has not failed: %v", err)
	}
	if got := strconv.Itoa(exit.ExitCode()); got != args[0] {
		s.Fatalf("exit code %s, not %s", got, args[0])
	}
	if err := oneClearLine(s.ReadFile("stderr")); err != nil {
		s.Fatalf("%v", err)
	}
}

// oneClearLine holds the standard error of a command that fails to end with
// one line, whatever it told before.
func oneClearLine(stderr string) error {
	all := strings.Split(strings.TrimSuffix(stderr, "\n"), "\n")
	last := all[len(all)-1]
	if !strings.HasPrefix(last, "samovar: ") {
		return fmt.Errorf("the last line does not say what failed: %q", last)
	}
	for _, line := range all[:len(all)-1] {
		if strings.HasPrefix(line, "samovar: ") || strings.HasPrefix(line, "panic") || strings.HasPrefix(line, "goroutine ") {
			return fmt.Errorf("more than one line says what failed: %q", line)
		}
	}
	return nil
}

// lastJSON is the last line of a command's output.
func lastJSON(s *testscript.TestScript) map[string]any {
	text := strings.TrimSpace(s.ReadFile("stdout"))
	v := map[string]any{}
	if err := json.Unmarshal([]byte(text[strings.LastIndex(text, "\n")+1:]), &v); err != nil {
		s.Fatalf("the output is no JSON: %v", err)
	}
	return v
}

// field follows a path such as energy.joules.
func field(s *testscript.TestScript, v any, path string) any {
	for _, name := range strings.Split(path, ".") {
		m, ok := v.(map[string]any)
		if !ok || m[name] == nil || m[name] == "" {
			s.Fatalf("the output has no %s, or an empty one", path)
		}
		v = m[name]
	}
	return v
}

func has(s *testscript.TestScript, neg bool, args []string) {
	v := lastJSON(s)
	for _, path := range args {
		field(s, v, path)
	}
}

func get(s *testscript.TestScript, neg bool, args []string) {
	v := fmt.Sprint(field(s, lastJSON(s), args[1]))
	s.Setenv(args[0], v)
	s.Setenv(args[0]+"_HEX", samovar.Digest(v).Hex())
}

func jsonLines(s *testscript.TestScript, neg bool, args []string) {
	for line := range strings.Lines(s.ReadFile("stdout")) {
		if !json.Valid([]byte(line)) {
			s.Fatalf("this line is no JSON: %s", line)
		}
	}
}

func cutFile(s *testscript.TestScript, neg bool, args []string) {
	n, err := strconv.ParseInt(args[1], 10, 64)
	s.Check(err)
	s.Check(os.Truncate(s.MkAbs(args[0]), n))
}

func flip(s *testscript.TestScript, neg bool, args []string) {
	i, err := strconv.Atoi(args[1])
	s.Check(err)
	path := s.MkAbs(args[0])
	b, err := os.ReadFile(path)
	s.Check(err)
	b[i] ^= 1
	s.Check(os.Chmod(path, 0o644))
	s.Check(os.WriteFile(path, b, 0o644))
}

func putBytes(s *testscript.TestScript, neg bool, args []string) {
	i, err := strconv.ParseInt(args[1], 10, 64)
	s.Check(err)
	var b []byte
	_, err = fmt.Sscanf(args[2], "%x", &b)
	s.Check(err)
	f, err := os.OpenFile(s.MkAbs(args[0]), os.O_WRONLY, 0)
	s.Check(err)
	_, err = f.WriteAt(b, i)
	s.Check(errors.Join(err, f.Close()))
}

// compose writes the song of a seed as a WAV file of 16 bits.
func compose(s *testscript.TestScript, _ bool, args []string) {
	seed, err := strconv.ParseUint(args[1], 10, 64)
	s.Check(err)
	seconds, err := strconv.ParseFloat(args[2], 64)
	s.Check(err)
	played := song.Compose(seed, seconds)
	samples := played.Render(music.Rate)
	b := []byte("RIFF")
	b = binary.LittleEndian.AppendUint32(b, uint32(36+2*len(samples)))
	b = append(b, "WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00"...) // 16 bytes: integers, one channel
	b = binary.LittleEndian.AppendUint32(b, music.Rate)
	b = binary.LittleEndian.AppendUint32(b, 2*music.Rate)
	b = append(b, "\x02\x00\x10\x00data"...)
	b = binary.LittleEndian.AppendUint32(b, uint32(2*len(samples)))
	for _, x := range samples {
		b = binary.LittleEndian.AppendUint16(b, uint16(int16(32767*max(-1, min(1, x)))))
	}
	s.Check(os.WriteFile(s.MkAbs(args[0]), b, 0o644))
	s.Setenv("TEMPO", fmt.Sprintf("%.0f", played.Tempo))
}

// swing writes a motion of arms that swing every second, of 60 frames a second.
func swing(s *testscript.TestScript, _ bool, args []string) {
	seconds, err := strconv.Atoi(args[1])
	s.Check(err)
	var b strings.Builder
	for k := range 60 * seconds {
		b.WriteString("0,0,0.75,0,0,0,1")
		for joint := range 29 {
			at := 0.0
			if joint >= 15 {
				at = 0.3 * math.Sin(2*math.Pi*float64(k)/60)
			}
			fmt.Fprintf(&b, ",%.4f", at)
		}
		b.WriteString("\n")
	}
	s.Check(os.WriteFile(s.MkAbs(args[0]), []byte(b.String()), 0o644))
}

var words = strings.Fields(`the samovar stands on table and water in it sings while tea is brewed slowly
	for everybody who comes through this small door from cold street we say welcome sit down take a cup
	tell us where you have been what did see there how long will stay old people young children listen`)

// prose is text that depends on seed alone: xorshift, so that no release of Go
// changes it.
func prose(seed uint64, count int) string {
	var b strings.Builder
	x := seed*0x9e3779b97f4a7c15 + 1
	for i := range count {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		w := words[x>>33%uint64(len(words))]
		switch {
		case i == 0:
			b.WriteString(strings.ToUpper(w[:1]) + w[1:])
		case x%11 == 0:
			b.WriteString(". " + strings.ToUpper(w[:1]) + w[1:])
		default:
			b.WriteString(" " + w)
		}
	}
	return b.String() + ".\n"
}

func writeTexts(dir string, count int) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for i := range count {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%03d.txt", i)), []byte(prose(uint64(i), 110)), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func writeDialogues(path string, count int) error {
	var b bytes.Buffer
	for i := range uint64(count) {
		turns := [][2]string{{"user", prose(1000+i, 8)}, {"assistant", prose(2000+i, 16)}, {"user", prose(3000+i, 8)}, {"assistant", prose(4000+i, 16)}}
		if err := json.NewEncoder(&b).Encode(map[string]any{"turns": turns}); err != nil {
			return err
		}
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

// writePreferences writes pairs of which the answer that welcomes was chosen.
func writePreferences(path string, count int) error {
	var b bytes.Buffer
	for i := range uint64(count) {
		line := map[string]string{"prompt": prose(5000+i, 8), "chosen": "We say welcome. " + prose(6000+i, 6), "rejected": "Stay in the street. " + prose(7000+i, 6)}
		if err := json.NewEncoder(&b).Encode(line); err != nil {
			return err
		}
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}
