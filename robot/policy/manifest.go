package policy

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"samovar/robot/policy/network"
	"samovar/robot/policy/onnx"
	"samovar/robot/policy/torchscript"
)

// Manifest says what a network's numbers mean: a file in YAML, which docs/policy.md
// describes. Angles are in radians, times in seconds.
type Manifest struct {
	Name        string  `yaml:"name"`
	Network     string  `yaml:"network"` // path of the file, from the manifest's folder
	Format      string  `yaml:"format"`  // onnx or torchscript
	Rate        int     `yaml:"rate"`    // Hz, of the network
	Unit        string  `yaml:"unit"`    // the rigid body with the inertial unit; pelvis unless said
	Joints      []Joint `yaml:"joints"`  // those that the network moves, in its order
	Held        []Joint `yaml:"held"`    // others, which are held
	Observation []Term  `yaml:"observation"`
	History     History `yaml:"history"`
	Action      Action  `yaml:"action"`
	Gait        *Gait   `yaml:"gait"`
	Command     Limits  `yaml:"command"`
}

// Joint is a joint with its gains, Nm/rad and Nm·s/rad.
type Joint struct {
	Name    string   `yaml:"joint"`
	Default float64  `yaml:"default"` // position
	Kp      float64  `yaml:"kp"`
	Kd      float64  `yaml:"kd"`
	Scale   *float64 `yaml:"scale"` // of its action; Action.Scale unless said
	Held    bool     `yaml:"held"`  // its action is not followed
}

// Term is a part of the observation.
type Term struct {
	Name    string    `yaml:"term"`
	Scale   Scale     `yaml:"scale"`
	Clip    float64   `yaml:"clip"`    // before it is scaled; 0: not
	Mask    []string  `yaml:"mask"`    // joints, or patterns, that are observed as 0
	Offsets []float64 `yaml:"offsets"` // of sine and cosine, in periods
}

// Scale is one factor for all numbers of a term, or one for each.
type Scale []float64

// UnmarshalYAML reads a number or a list of numbers.
func (s *Scale) UnmarshalYAML(decode func(any) error) error {
	var one float64
	if err := decode(&one); err == nil {
		*s = Scale{one}
		return nil
	}
	return decode((*[]float64)(s))
}

// History is how many observations, the oldest first, the network is given.
type History struct {
	Frames int    `yaml:"frames"` // 1 unless said
	By     string `yaml:"by"`     // term: all of the first term, then of the next; frame: one observation after the other
}

// Action is how an action becomes a position: default + scale·action.
type Action struct {
	Scale float64 `yaml:"scale"`
	Clip  float64 `yaml:"clip"` // of the action; 0: not
}

// Gait is the clock that some networks walk by.
type Gait struct {
	Period   float64  `yaml:"period"`
	Standing *float64 `yaml:"standing"` // where the clock stands while the command is zero, in periods; without it, it goes on
}

// Limits are those of the command, each [least, greatest]; [0, 0] unless said.
type Limits struct {
	Ahead [2]float64 `yaml:"ahead"` // m/s
	Left  [2]float64 `yaml:"left"`  // m/s
	Turn  [2]float64 `yaml:"turn"`  // rad/s, to the left
}

// The terms of an observation.
const (
	velocity      = "velocity"         // of the base, in its axes, m/s: estimated
	angular       = "angular_velocity" // of the base, in its axes, rad/s
	gravity       = "gravity"          // its direction in the base's axes
	command       = "command"          // ahead, left, turn
	jointPosition = "joint_position"   // less the default
	jointVelocity = "joint_velocity"
	lastAction    = "action" // as it was clipped
	sine          = "sine"   // of the gait's clock, for each offset
	cosine        = "cosine"
)

var terms = []string{velocity, angular, gravity, command, jointPosition, jointVelocity, lastAction, sine, cosine}

// Policy is a network and what its numbers mean. It belongs to one controller.
type Policy struct {
	Manifest Manifest
	Network  *network.Network
}

// Bounds of files, bytes.
const (
	mostText    = 1 << 20
	mostNetwork = 64 << 20
)

// Open reads a manifest and the network that it names, which lies beside it.
func Open(name string) (*Policy, error) { return OpenIn(name, "") }

// OpenIn is Open with the folder where the network lies; empty: beside the manifest.
func OpenIn(name, folder string) (*Policy, error) {
	text, err := read(name, mostText)
	if err != nil {
		return nil, fmt.Errorf("read a policy's manifest: %w", err)
	}
	m, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("read the manifest %s: %w", name, err)
	}
	file := m.Network
	if !filepath.IsAbs(file) {
		file = filepath.Join(cmp.Or(folder, filepath.Dir(name)), file)
	}
	data, err := read(file, mostNetwork)
	if err != nil {
		return nil, fmt.Errorf("read the network of %s: %w", name, err)
	}
	p, err := New(m, data)
	if err != nil {
		return nil, fmt.Errorf("read the network %s: %w", file, err)
	}
	return p, nil
}

func read(name string, most int64) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > most {
		return nil, fmt.Errorf("%s is no file of at most %d bytes", name, most)
	}
	return os.ReadFile(name)
}

// Parse reads a manifest.
func Parse(text []byte) (*Manifest, error) {
	m := &Manifest{}
	if err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(m); errors.Is(err, io.EOF) {
		return nil, errors.New("it is empty")
	} else if err != nil {
		line, _, _ := strings.Cut(yaml.FormatError(err, false, false), "\n")
		return nil, errors.New(line)
	}
	if m.Unit == "" {
		m.Unit = "pelvis"
	}
	if m.History.Frames == 0 {
		m.History.Frames = 1
	}
	if m.History.By == "" {
		m.History.By = "term"
	}
	return m, m.check()
}

// New reads the network of a manifest from its file's bytes, and checks its sizes.
func New(m *Manifest, data []byte) (*Policy, error) {
	sum := 0
	var parts []string
	for i := range m.Observation {
		k := m.size(&m.Observation[i])
		sum += k
		parts = append(parts, fmt.Sprintf("%s %d", m.Observation[i].Name, k))
	}
	total := sum * m.History.Frames
	var n *network.Network
	var err error
	if m.Format == "torchscript" {
		n, err = torchscript.Read(data, total)
	} else {
		n, err = onnx.Read(data)
	}
	if err != nil {
		return nil, err
	}
	if total != n.Inputs() {
		what := fmt.Sprintf("%d numbers (%s)", total, strings.Join(parts, ", "))
		if m.History.Frames > 1 {
			what = fmt.Sprintf("%d numbers in each of %d frames (%s)", sum, m.History.Frames, strings.Join(parts, ", "))
		}
		return nil, fmt.Errorf("the observation's terms add up to %s, and the network takes %d", what, n.Inputs())
	}
	if len(m.Joints) != n.Outputs() {
		return nil, fmt.Errorf("the manifest has %d joints, and the network moves %d", len(m.Joints), n.Outputs())
	}
	return &Policy{*m, n}, nil
}

// size is how many numbers a term has.
func (m *Manifest) size(t *Term) int {
	switch t.Name {
	case jointPosition, jointVelocity, lastAction:
		return len(m.Joints)
	case sine, cosine:
		return len(t.Offsets)
	}
	return 3
}

// Bounds of a manifest.
const (
	mostRate   = 500
	mostFrames = 100
	mostJoints = 128
	mostTerms  = 64
)

func finite(all ...float64) bool {
	for _, x := range all {
		if math.IsNaN(x) || math.Abs(x) > 1e6 {
			return false
		}
	}
	return true
}

// check reports what cannot be in a manifest, whatever the network.
func (m *Manifest) check() error {
	switch {
	case m.Name == "":
		return errors.New("name: it has none")
	case m.Network == "":
		return errors.New("network: the network's file is missing")
	case m.Format != "onnx" && m.Format != "torchscript":
		return fmt.Errorf("format: %q is neither onnx nor torchscript", m.Format)
	case m.Rate < 1 || m.Rate > mostRate:
		return fmt.Errorf("rate: %d Hz: 1 to %d are possible", m.Rate, mostRate)
	case m.History.Frames < 1 || m.History.Frames > mostFrames:
		return fmt.Errorf("history: %d frames: 1 to %d are possible", m.History.Frames, mostFrames)
	case m.History.By != "term" && m.History.By != "frame":
		return fmt.Errorf("history: by %q is neither term nor frame", m.History.By)
	case !finite(m.Action.Scale, m.Action.Clip) || m.Action.Clip < 0:
		return fmt.Errorf("action: a scale of %g, a clip of %g", m.Action.Scale, m.Action.Clip)
	case len(m.Joints) == 0 || len(m.Joints)+len(m.Held) > mostJoints:
		return fmt.Errorf("joints: %d, of which the network moves %d: 1 to %d are possible", len(m.Joints)+len(m.Held), len(m.Joints), mostJoints)
	case len(m.Observation) == 0 || len(m.Observation) > mostTerms:
		return fmt.Errorf("observation: %d terms: 1 to %d are possible", len(m.Observation), mostTerms)
	case m.Gait != nil && !(m.Gait.Period >= 0.1 && m.Gait.Period <= 10):
		return fmt.Errorf("gait: a period of %g s: 0.1 to 10 are possible", m.Gait.Period)
	case m.Gait != nil && m.Gait.Standing != nil && !finite(*m.Gait.Standing):
		return errors.New("gait: standing is no share of a period")
	}
	for _, r := range [][2]float64{m.Command.Ahead, m.Command.Left, m.Command.Turn} {
		if !finite(r[:]...) || !(r[0] <= 0 && 0 <= r[1]) {
			return fmt.Errorf("command: from %g to %g: zero must be possible", r[0], r[1])
		}
	}
	if err := m.checkJoints(); err != nil {
		return err
	}
	for i := range m.Observation {
		if err := m.checkTerm(&m.Observation[i]); err != nil {
			return fmt.Errorf("observation, term %d, %s: %w", i+1, m.Observation[i].Name, err)
		}
	}
	return nil
}

func (m *Manifest) checkJoints() error {
	seen := map[string]bool{}
	for i, j := range slices.Concat(m.Joints, m.Held) {
		where := fmt.Sprintf("joints, %q", j.Name)
		if i >= len(m.Joints) {
			where = fmt.Sprintf("held, %q", j.Name)
		}
		scale := m.Action.Scale
		if j.Scale != nil {
			scale = *j.Scale
		}
		switch {
		case j.Name == "":
			return fmt.Errorf("joint %d has no name", i+1)
		case seen[j.Name]:
			return fmt.Errorf("%s: it is there twice", where)
		case !finite(j.Default, j.Kp, j.Kd, scale) || j.Kp < 0 || j.Kd < 0:
			return fmt.Errorf("%s: default %g, kp %g, kd %g, scale %g; all are finite, gains not negative", where, j.Default, j.Kp, j.Kd, scale)
		case i < len(m.Joints) && scale == 0 && !j.Held:
			return fmt.Errorf("%s: neither it nor the action has a scale", where)
		case i >= len(m.Joints) && j.Scale != nil:
			return fmt.Errorf("%s: the network does not move it, so its action has no scale", where)
		}
		seen[j.Name] = true
	}
	return nil
}

func (m *Manifest) checkTerm(t *Term) error {
	if !slices.Contains(terms, t.Name) {
		return fmt.Errorf("it is not known here: %s are", strings.Join(terms, ", "))
	}
	n, clock := m.size(t), t.Name == sine || t.Name == cosine
	switch {
	case clock && (n == 0 || n > 16):
		return fmt.Errorf("%d offsets: 1 to 16 are possible", n)
	case clock && m.Gait == nil:
		return errors.New("there is no gait with a period")
	case !clock && len(t.Offsets) > 0:
		return errors.New("only sine and cosine have offsets")
	case !finite(t.Offsets...) || !finite(t.Scale...) || !finite(t.Clip) || t.Clip < 0:
		return fmt.Errorf("a scale of %v, a clip of %g, offsets of %v", []float64(t.Scale), t.Clip, t.Offsets)
	case len(t.Scale) > 1 && len(t.Scale) != n:
		return fmt.Errorf("%d factors for %d numbers", len(t.Scale), n)
	case len(t.Mask) > 0 && t.Name != jointPosition && t.Name != jointVelocity && t.Name != lastAction:
		return errors.New("only terms of joints have a mask")
	}
	for _, pattern := range t.Mask {
		if !slices.ContainsFunc(m.Joints, func(j Joint) bool { ok, _ := path.Match(pattern, j.Name); return ok }) {
			return fmt.Errorf("mask %q fits no joint that the network moves", pattern)
		}
	}
	return nil
}

// factors are what each number of a term is multiplied by: its scale, 0 where masked.
func (m *Manifest) factors(t *Term) []float64 {
	all := make([]float64, m.size(t))
	for i := range all {
		switch len(t.Scale) {
		case 0:
			all[i] = 1
		case 1:
			all[i] = t.Scale[0]
		default:
			all[i] = t.Scale[i]
		}
		for _, pattern := range t.Mask {
			if ok, _ := path.Match(pattern, m.Joints[i].Name); ok {
				all[i] = 0
			}
		}
	}
	return all
}
