package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"samovar/robot/body"
	"samovar/robot/mechanism"
	"samovar/robot/referee"
	"samovar/robot/safety"
)

// program returns the path of the body that `make robot` has built.
func program(t testing.TB) string {
	t.Helper()
	path, err := body.Find("../..")
	if err != nil {
		t.Skip(err)
	}
	return path
}

// rig is a simulated body with a controller and a referee.
type rig struct {
	testing.TB
	process *body.Process
	link    *body.Link
	judge   *referee.Referee
	sensors *body.Sensors
	command *body.Command
	truth   *referee.Truth
}

// launch starts a body and connects to it.
func launch(t *testing.T, rate int, args ...string) *rig {
	t.Helper()
	path := program(t)
	var log strings.Builder
	p, err := body.Launch(context.Background(), path, &log, args...)
	if err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	r := connect(t, p, rate)
	t.Cleanup(func() {
		r.link.Close()
		r.judge.Close()
		if err := p.Close(); err != nil && !t.Failed() {
			t.Logf("the body ended with %v", err)
		}
		if t.Failed() {
			t.Logf("the body said: %s", &log)
		}
	})
	return r
}

// connect connects to a body as its controller and its referee.
func connect(t testing.TB, p *body.Process, rate int) *rig {
	t.Helper()
	link, err := body.Dial(p.Control, rate)
	if err != nil {
		t.Fatal(err)
	}
	judge, err := referee.Dial(p.Referee)
	if err != nil {
		t.Fatal(err)
	}
	return &rig{t, p, link, judge, link.Info().NewSensors(), link.Info().NewCommand(), judge.Info().NewTruth()}
}

// hold commands every joint to stay where the first sensors saw it, with gains
// in proportion to its torque; stand.py has the same.
func (r *rig) hold() {
	for i := range r.command.Joints {
		t := r.link.Info().Joints[i].Torque[1]
		r.command.Joints[i] = body.Drive{Position: r.sensors.Joints[i].Position, Kp: 3 * t, Kd: 0.06 * t}
	}
}

// tick runs one tick of a body in lockstep, and returns what Receive says.
func (r *rig) tick() error {
	r.Helper()
	stale := r.link.Receive(r.sensors)
	if stale != nil && !errors.Is(stale, body.ErrStale) {
		r.Fatal(stale)
	}
	if err := r.judge.Receive(r.truth); err != nil {
		r.Fatal(err)
	}
	if r.command.Joints[0].Kp == 0 {
		r.hold()
	}
	if err := r.link.Send(r.command); err != nil {
		r.Fatal(err)
	}
	if err := r.judge.Go(r.truth.Sequence); err != nil {
		r.Fatal(err)
	}
	return stale
}

// TestStands holds our humanoid's joints for a second.
func TestStands(t *testing.T) {
	r := launch(t, 50, "--lockstep")
	info := r.link.Info()
	if info.Model != "samovar" || len(info.Joints) != 29 || len(info.Units) != 2 || !info.Lockstep || info.Rate != 50 {
		t.Fatalf("%+v", info)
	}
	for range 51 {
		if err := r.tick(); err != nil {
			t.Fatal(err)
		}
	}
	if r.truth.Time != time.Second || r.sensors.Time != time.Second {
		t.Errorf("51 ticks at 50 Hz end at %v, sensors at %v", r.truth.Time, r.sensors.Time)
	}
	if why := r.judge.Info().Fall(r.truth, false); why != "" {
		t.Errorf("it has fallen: %s", why)
	}
	if r.truth.Position[2] < 0.7 || r.truth.Tilt > 0.1 || r.truth.Drift > 0.05 || r.truth.Counts != (referee.Counts{}) {
		t.Errorf("%+v", r.truth)
	}
	for _, k := range r.judge.Info().Feet {
		if !r.truth.Touching.Has(k) {
			t.Errorf("%s does not touch the floor", r.judge.Info().Bodies[k])
		}
	}
	for i, u := range r.sensors.Units {
		up := u.Orientation.Conjugate().Rotate(mechanism.Vector{0, 0, 1})
		if d := u.Acceleration.Sub(up.Scale(9.81)).Norm(); d > 0.5 {
			t.Errorf("inertial unit %d measures %v standing still", i, u.Acceleration)
		}
	}
	carried := 0.0
	for i, j := range r.sensors.Joints {
		if math.Abs(j.Position-r.truth.Positions[i]) > 1e-12 || j.Temperature < room {
			t.Errorf("joint %d: %+v", i, j)
		}
		carried += math.Abs(j.Torque)
	}
	if carried < 1 {
		t.Error("no drive carries anything")
	}
}

// TestFelt shakes legs: what an inertial unit feels is how its velocity changes.
func TestFelt(t *testing.T) {
	r := launch(t, 250, "--lockstep")
	info := r.link.Info()
	k := slices.IndexFunc(info.Units, func(u body.Unit) bool { return strings.Contains(u.Name, "pelvis") })
	elbow := slices.IndexFunc(info.Joints, func(j body.Joint) bool { return j.Name == "left_elbow_joint" })
	unit := &info.Units[k]
	velocity := func() mechanism.Vector { // of the unit
		return r.truth.Linear.Add(r.truth.Orientation.Rotate(r.truth.Angular.Cross(unit.Position)))
	}
	gravity := mechanism.Vector{0, 0, -9.81}
	var felt, began mechanism.Vector
	greatest, worst := 0.0, 0.0
	for n := range 200 {
		if err := r.tick(); err != nil {
			t.Fatal(err)
		}
		if n < 100 {
			began, felt = velocity(), mechanism.Vector{}
			continue
		}
		u := &r.sensors.Units[k]
		gain := u.Orientation.Rotate(u.Acceleration).Add(gravity)
		felt = felt.Add(gain.Scale(1.0 / 250))
		greatest, worst = max(greatest, gain.Norm()), max(worst, felt.Sub(velocity().Sub(began)).Norm())
		for i, j := range info.Joints { // legs and an arm shake
			if strings.Contains(j.Name, "knee") || i == elbow {
				r.command.Joints[i].Velocity = 6 * math.Sin(0.7*float64(n))
			}
		}
	}
	if worst > 0.005 || greatest < 2 {
		t.Errorf("what the unit felt, up to %.1f m/s², adds up to %.3f m/s more than its velocity changed", greatest, worst)
	}
}

// TestPushed pushes it over: joints that only hold do not step.
func TestPushed(t *testing.T) {
	r := launch(t, 50, "--lockstep")
	if err := r.judge.Send(referee.NewPush(200*time.Millisecond, mechanism.Vector{0, 25, 0})); err != nil {
		t.Fatal(err)
	}
	fell, pushed := time.Duration(0), 0
	for range 200 {
		r.tick()
		if r.truth.Push != (mechanism.Vector{}) {
			pushed++
			if r.truth.Push != (mechanism.Vector{0, 250, 0}) || r.truth.Time < 200*time.Millisecond || r.truth.Time >= 300*time.Millisecond {
				t.Errorf("%v N at %v", r.truth.Push, r.truth.Time)
			}
		}
		if why := r.judge.Info().Fall(r.truth, false); why != "" {
			t.Logf("at %v: %s", r.truth.Time, why)
			fell = r.truth.Time
			break
		}
	}
	if pushed != 5 || fell < 300*time.Millisecond {
		t.Errorf("pushed for %d ticks, fell at %v", pushed, fell)
	}
}

// trajectory returns the hash of a trajectory with noise, delay, a push and lost frames.
func trajectory(t *testing.T, seed string) uint64 {
	r := launch(t, 100, "--lockstep", "--seed", seed, "--noise", "1", "--delay", "7,3", "--slope", "1", "--friction", "0.7", "--mass", "1.05")
	for _, e := range []referee.Event{
		referee.NewPush(300*time.Millisecond, mechanism.Vector{3, 2, 0}),
		{Kind: referee.Drop, Start: 100 * time.Millisecond, Duration: 300 * time.Millisecond, Amount: 0.3},
	} {
		if err := r.judge.Send(e); err != nil {
			t.Fatal(err)
		}
	}
	h, missed := fnv.New64a(), 0
	for range 100 {
		if r.tick() != nil {
			missed++
		}
		for i := range r.sensors.Joints {
			binary.Write(h, binary.LittleEndian, r.sensors.Joints[i])
		}
		binary.Write(h, binary.LittleEndian, r.truth.Positions)
		binary.Write(h, binary.LittleEndian, r.truth.Position)
	}
	if missed < 2 || missed > 20 {
		t.Errorf("%d of 100 ticks were missed, at a chance of 0.3 for 30", missed)
	}
	return h.Sum64()
}

// TestSame runs a body in lockstep twice, to the same bits.
func TestSame(t *testing.T) {
	one, again, other := trajectory(t, "1"), trajectory(t, "1"), trajectory(t, "2")
	if one != again {
		t.Errorf("the same seed gives %x and %x", one, again)
	}
	if one == other {
		t.Error("another seed gives the same")
	}
}

// TestFaults lets sensors fail, one after the other.
func TestFaults(t *testing.T) {
	r := launch(t, 100, "--lockstep")
	ms := time.Millisecond
	for _, e := range []referee.Event{
		{Kind: referee.Stuck, Target: 3, Start: 100 * ms, Duration: 100 * ms},
		{Kind: referee.Broken, Target: 4, Start: 200 * ms, Duration: 100 * ms},
		{Kind: referee.BrokenUnit, Target: 1, Start: 300 * ms, Duration: 100 * ms},
		{Kind: referee.Hot, Target: -1, Start: 400 * ms, Duration: 100 * ms, Amount: 60},
		{Kind: referee.Silent, Start: 500 * ms, Duration: 200 * ms},
	} {
		if err := r.judge.Send(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.judge.Send(referee.Event{Kind: referee.Stuck, Target: 29}); err == nil {
		t.Error("a joint that is not there can be stuck")
	}
	stuck, lost := map[float64]bool{}, 0
	for k := range 100 {
		stale := r.tick()
		at := time.Duration(k) * 10 * ms
		during := func(from time.Duration) bool { return at >= from && at < from+100*ms }
		if r.truth.Time != at {
			t.Fatalf("tick %d at %v", k, r.truth.Time)
		}
		if silent := at >= 500*ms && at < 700*ms; silent != (stale != nil) {
			t.Errorf("at %v: %v", at, stale)
		}
		if stale != nil {
			lost++
			continue
		}
		if during(100 * ms) {
			stuck[r.sensors.Joints[3].Position] = true
		}
		if math.IsNaN(r.sensors.Joints[4].Torque) != during(200*ms) || math.IsNaN(r.sensors.Units[1].Angular[0]) != during(300*ms) {
			t.Errorf("at %v: %v", at, r.sensors)
		}
		if hot := r.sensors.Joints[8].Temperature > 80; hot != during(400*ms) {
			t.Errorf("at %v: %v °C", at, r.sensors.Joints[8].Temperature)
		}
	}
	if len(stuck) != 1 || lost != 20 {
		t.Errorf("%d positions of a stuck sensor, %d ticks lost", len(stuck), lost)
	}
	// Commands are stale 25 ms after the last that got through, at 490 ms; the next is at 700 ms.
	if want := uint64((700 - 490 - 25) / 2); r.truth.Counts.Damped < want-1 || r.truth.Counts.Damped > want+1 {
		t.Errorf("%d steps of damping instead of %d", r.truth.Counts.Damped, want)
	}
}

// TestCounts asks for too much.
func TestCounts(t *testing.T) {
	r := launch(t, 50, "--lockstep")
	r.tick()
	r.hold()
	r.command.Joints[3].Position = 4
	r.command.Joints[5].Velocity = -100
	r.command.Joints[15].Torque = 1000
	r.tick()
	r.hold()
	r.tick()
	c := r.truth.Counts
	if c.Position != 1 || c.Velocity != 1 || c.Torque != 1 || c.Saturated == 0 || r.truth.Worst.Torque < 40 {
		t.Errorf("%+v %+v", c, r.truth.Worst)
	}
}

// TestLost kills links in both modes: the body damps, the controller hears of it.
func TestLost(t *testing.T) {
	r := launch(t, 50, "--lockstep")
	for range 5 {
		r.tick()
	}
	r.link.Close()
	for range 20 {
		if err := r.judge.Receive(r.truth); err != nil {
			t.Fatal(err)
		}
		if err := r.judge.Go(r.truth.Sequence); err != nil {
			t.Fatal(err)
		}
	}
	if r.truth.Counts.Damped < 150 {
		t.Errorf("%d steps of damping", r.truth.Counts.Damped)
	}
	r = launch(t, 50, "--lockstep")
	r.tick()
	r.process.Kill()
	for {
		if err := r.link.Receive(r.sensors); err != nil {
			if !errors.Is(err, body.ErrLost) {
				t.Errorf("a body that was killed: %v", err)
			}
			break
		}
	}
}

// TestClock runs by the clock, where the machine is as fast as it is: only what
// must hold on a slow one is asked for.
func TestClock(t *testing.T) {
	r := launch(t, 50)
	receive := func() {
		for {
			err := r.link.Receive(r.sensors)
			if err == nil {
				return
			}
			if !errors.Is(err, body.ErrStale) {
				t.Fatal(err)
			}
		}
	}
	receive()
	if r.sensors.Status != body.Held {
		t.Errorf("status %b before the first command", r.sensors.Status)
	}
	r.hold()
	last := r.sensors.Sequence
	for range 25 {
		if err := r.link.Send(r.command); err != nil {
			t.Fatal(err)
		}
		receive()
		if r.sensors.Sequence <= last {
			t.Errorf("sensors %d after %d", r.sensors.Sequence, last)
		}
		last = r.sensors.Sequence
	}
	if r.sensors.Status&body.Held != 0 {
		t.Error("held after commands")
	}
	for r.sensors.Status&body.Damping == 0 { // without commands
		receive()
	}
	second, err := body.Dial(r.process.Control, 50)
	if err == nil || !strings.Contains(err.Error(), "another controller") {
		t.Errorf("a second controller: %v", err)
	}
	if err == nil {
		second.Close()
	}
	if _, err := referee.Dial(r.process.Control); err == nil || !strings.Contains(err.Error(), "dialled the address") {
		t.Errorf("a referee at the controller's address: %v", err)
	}
	r.judge.Close()
	if _, err := body.Dial(r.process.Referee, 50); err == nil {
		t.Error("a controller is told what a referee is")
	}
}

// TestRates refuses rates that are no multiple of the physics' step.
func TestRates(t *testing.T) {
	path := program(t)
	p, err := body.Launch(context.Background(), path, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for _, rate := range []int{0, 9, 501, 300, -50} {
		if l, err := body.Dial(p.Control, rate); err == nil {
			l.Close()
			t.Errorf("%d Hz", rate)
		}
	}
	l, err := body.Dial(p.Control, 500)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}

// posture is a stop that holds the joints where they were.
type posture struct{ body.Command }

func (p *posture) Control(_ *body.Sensors, c *body.Command) error {
	copy(c.Joints, p.Joints)
	return nil
}

// TestSupervised lets the supervisor see a simulated body: it finds no fault with
// one that stands, stops it when asked, and notices a fault of its sensors.
func TestSupervised(t *testing.T) {
	r := launch(t, 100, "--lockstep")
	if err := r.judge.Send(referee.Event{Kind: referee.Broken, Target: 4, Start: 2 * time.Second}); err != nil {
		t.Fatal(err)
	}
	stop := &posture{}
	s, err := safety.New(func() (body.Body, error) { return r.link, nil }, safety.Config{Stance: stop})
	if err != nil {
		t.Fatal(err)
	}
	b := s.Body()
	modes := map[time.Duration]safety.Mode{}
	for k := range 210 {
		if err := b.Receive(r.sensors); err != nil {
			t.Fatal(err)
		}
		if k == 0 {
			r.hold()
			stop.Joints = append(stop.Joints, r.command.Joints...)
		}
		if k == 150 {
			s.Stop("the button")
		}
		if err := b.Send(r.command); err != nil && !errors.Is(err, safety.ErrStopped) {
			t.Fatal(err)
		}
		if err := r.judge.Receive(r.truth); err != nil {
			t.Fatal(err)
		}
		modes[r.truth.Time] = s.Report().Mode
		if k < 195 && r.judge.Info().Fall(r.truth, false) != "" {
			t.Fatalf("it falls at %v", r.truth.Time)
		}
		if err := r.judge.Go(r.truth.Sequence); err != nil {
			t.Fatal(err)
		}
	}
	report := s.Report()
	for at, want := range map[time.Duration]safety.Mode{0: safety.Running, 1490: safety.Running, 1520: safety.Standing, 1990: safety.Standing, 2050: safety.Damping} {
		if got := modes[at*time.Millisecond]; got != want {
			t.Errorf("at %v ms %v instead of %v: %+v", int(at), got, want, report)
		}
	}
	if report.Counts.Faulty < 3 || report.Counts.Clamped > 0 || !strings.Contains(report.Reason, "ankle") {
		t.Errorf("%+v", report)
	}
}

// TestVaried changes the world.
func TestVaried(t *testing.T) {
	knee := func(r *rig) float64 {
		sum := 0.0
		for range 26 {
			r.tick()
			sum = r.sensors.Joints[3].Torque
		}
		return math.Abs(sum)
	}
	plain, heavy := launch(t, 50, "--lockstep"), launch(t, 50, "--lockstep", "--mass", "1.5")
	if a, b := knee(plain), knee(heavy); b < 1.3*a || b > 1.7*a {
		t.Errorf("half as much mass again, and %g Nm instead of %g", b, a)
	}
	hill := launch(t, 50, "--lockstep", "--slope", "3", "--uphill", "90")
	hill.tick()
	// The floor rises to the left, so that the robot leans to the right: about x.
	if q, want := hill.sensors.Units[0].Orientation, mechanism.Turn(mechanism.Vector{1, 0, 0}, 3*math.Pi/180); q.Mul(want.Conjugate()).Vector().Norm() > 1e-3 {
		t.Errorf("on the slope it is at %v instead of %v", q, want)
	}
	knee(hill)
	if hill.truth.Drift > 0.06 || hill.judge.Info().Fall(hill.truth, false) != "" {
		t.Errorf("on a slope of 3° it moves by %g m", hill.truth.Drift)
	}
	ice := launch(t, 50, "--lockstep", "--slope", "3", "--uphill", "90", "--friction", "0.01")
	knee(ice)
	if ice.truth.Position[1] > -0.03 { // ½·g·(sin 3° − 0.01)·t² is 0.05 m after 0.5 s
		t.Errorf("on ice it is at y = %g m", ice.truth.Position[1])
	}
}

// TestDelayed measures late and noisily.
func TestDelayed(t *testing.T) {
	r := launch(t, 100, "--lockstep", "--delay", "24,16", "--noise", "1")
	squares, n := 0.0, 0
	var past [][]float64
	for k := range 60 {
		r.tick()
		past = append(past, append([]float64(nil), r.truth.Positions...))
		if held := r.sensors.Status&body.Held != 0; held != (k < 5) { // commands arrive 16 ms later, and their effect is seen after 24 ms
			t.Errorf("tick %d: status %b", k, r.sensors.Status)
		}
		if k < 3 {
			continue
		}
		if late := r.truth.Time - r.sensors.Time; late != 24*time.Millisecond {
			t.Errorf("at %v sensors are late by %v", r.truth.Time, late)
		}
		for i, j := range r.sensors.Joints { // between what was true 20 and 30 ms ago
			d := j.Position - (0.6*past[k-2][i] + 0.4*past[k-3][i])
			squares, n = squares+d*d, n+1
		}
	}
	if deviation := math.Sqrt(squares / float64(n)); deviation < 0.9*noisePosition || deviation > 1.2*noisePosition {
		t.Errorf("positions deviate by %g instead of %g", deviation, noisePosition)
	}
}

// TestG1 loads Unitree's G1 with its meshes, and another robot's MJCF.
func TestG1(t *testing.T) {
	data := os.Getenv("SAMOVAR_DATA")
	if data == "" {
		t.Skip("SAMOVAR_DATA names no folder with robot/g1")
	}
	r := launch(t, 50, "--lockstep", "--model", filepath.Join(data, "robot/g1/g1_29dof_rev_1_0.xml"),
		"--start", "hip_pitch=-0.3,knee=0.6,ankle_pitch=-0.3")
	if n := len(r.link.Info().Joints); n != 29 {
		t.Fatalf("%d joints", n)
	}
	for range 51 {
		r.tick()
	}
	if why := r.judge.Info().Fall(r.truth, false); why != "" || r.truth.Position[2] < 0.7 {
		t.Errorf("it has fallen: %s, %+v", why, r.truth)
	}
	t.Logf("after %v the pelvis is at %v, tilt %.4f, torque up to %.2f of the limit", r.truth.Time, r.truth.Position, r.truth.Tilt, r.truth.Worst.Torque)
}

// TestRefused starts bodies that cannot be.
func TestRefused(t *testing.T) {
	path := program(t)
	folder := t.TempDir()
	write := func(name, text string) string {
		name = filepath.Join(folder, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	for fault, args := range map[string][]string{
		"no such file":           {"--model", filepath.Join(folder, "none.xml")},
		"no joint has":           {"--model", write("rock.xml", `<mujoco><worldbody><body name="rock"><freejoint/><geom size="1"/></body></worldbody></mujoco>`)},
		"no MJCF":                {"--model", write("html.xml", `<html/>`)},
		"no joint of the model":  {"--start", "tail=1"},
		"its range":              {"--start", "knee=-2"},
		"a step of":              {"--step", "50"},
		"a slope":                {"--slope", "90"},
		"neither unix:PATH":      {"--control", "0.0.0.0:80"},
		"is not of this machine": {"--referee", "tcp:0.0.0.0:80"},
		"no body":                {"--torso", "tail"},
		"--feet":                 {"--feet", "tail"},
	} {
		var log strings.Builder
		p, err := body.Launch(context.Background(), path, &log, args...)
		if err == nil {
			p.Close()
		}
		if err == nil || !strings.Contains(log.String(), fault) {
			t.Errorf("%v: %v, %q", args, err, log.String())
		}
	}
}

// BenchmarkLockstep measures a tick of controller, body and referee as three
// parties, and how many times faster than real time they are together: by the
// clock, and by the processor time of both processes, as on one idle core.
func BenchmarkLockstep(b *testing.B) {
	path := program(b)
	models := []string{"own"}
	if data := os.Getenv("SAMOVAR_DATA"); data != "" {
		models = append(models, filepath.Join(data, "robot/g1/g1_29dof_rev_1_0.xml"))
	}
	for _, model := range models {
		for _, rate := range []int{50, 500} {
			b.Run(fmt.Sprintf("%s/%dHz", filepath.Base(model), rate), func(b *testing.B) { lockstep(b, path, model, rate) })
		}
	}
}

func lockstep(b *testing.B, path, model string, rate int) {
	// What loading costs is known from a body that only loads.
	loaded := processor(b)
	p, err := body.Launch(context.Background(), path, io.Discard, "--lockstep", "--model", model)
	if err != nil {
		b.Fatal(err)
	}
	p.Close()
	loaded = processor(b) - loaded
	if p, err = body.Launch(context.Background(), path, io.Discard, "--lockstep", "--model", model); err != nil {
		b.Fatal(err)
	}
	r := connect(b, p, rate)
	before := processor(b)
	for b.Loop() {
		r.tick()
	}
	r.link.Close()
	r.judge.Close()
	p.Close() // whose processor time counts from now on
	simulated := float64(b.N) / float64(rate)
	b.ReportMetric(simulated/b.Elapsed().Seconds(), "×real")
	b.ReportMetric(simulated/(processor(b)-before-loaded), "×processor")
}

// processor is the processor time in seconds of this process and of those that
// it has started and that have ended.
func processor(b *testing.B) float64 {
	total := 0.0
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if err := syscall.Getrusage(who, &u); err != nil {
			b.Fatal(err)
		}
		total += float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
	}
	return total
}
