package dance

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"

	"samovar/robot/balance"
	"samovar/robot/body"
	"samovar/robot/music"
)

const (
	// firm is for how long a tempo is held before it is danced to, s.
	firm = 2.0
	// trusted is how confident one must be of a beat, over trusting seconds, to dance to it,
	// and doubtful how little not to go on.
	trusted, doubtful = music.Sure, 0.7 * music.Sure
	trusting          = 3.0
	// enough is how many poses are kept ready.
	enough = 8
	// foresight is how many bars a phrase may look ahead.
	foresight = 12
	// bar is the number of beats of a bar, whose first nobody knows while one hears.
	bar = 4
)

// Live is a dance to music that is only just being heard. It follows the beat by a
// [music.Stream], takes a pose of the grammar on each beat that is predicted, phrase after
// phrase, and goes back to its stance when the beat is lost or the music stops; when there
// is a beat again it begins anew. One goroutine calls Hear, another one Target.
type Live struct {
	// Lead may be set before the motion begins.
	Lead Lead

	// Of who calls Hear:
	stream   *music.Stream
	rate     float64
	composer composer
	heard    float64   // s of sound
	settled  []float64 // beats that the stream does not take back, s of sound
	shift    least     // time of the motion less that of the sound
	loud     loudness
	tempo    float64 // beats a minute, that has been held
	since    float64 // then, s of sound
	trust    float64 // confidence in the beat, of the last seconds

	joints []bound
	limits [channels]limits

	mu      sync.Mutex
	asked   [3]float64 // times that were asked for last
	calls   int
	pulse   pulse
	poses   []pose // to come
	opening bool   // the poses to come are to begin with those of a dance's beginning
	motion  *Motion
	danced  int // beats of dances that have ended
}

// pulse is what is known of the beat. Times are the motion's.
type pulse struct {
	beats  []float64 // some that were, and those to come
	period float64   // s
	sure   bool      // there is one
	steady bool      // for long enough to begin
}

// NewLive returns a dance of a body to sound of so many samples a second.
func NewLive(i *body.Info, rate int, seed uint64) (*Live, error) {
	s, err := music.NewStream(rate)
	if err != nil {
		return nil, fmt.Errorf("dance to what is heard: %w", err)
	}
	l := &Live{stream: s, rate: float64(rate), opening: true}
	l.joints, l.limits = bind(i)
	l.composer = composer{Rand: rand.New(rand.NewPCG(seed, uint64(rate))), a: &music.Analysis{}, d: &Dance{}, used: map[string]bool{}}
	return l, nil
}

// Hear takes samples of one channel, full scale 1, the last of which was heard so many
// seconds ago.
func (l *Live) Hear(samples []float32, ago float64) {
	settled := l.stream.Write(samples)
	p := l.stream.Pulse()
	l.heard += float64(len(samples)) / l.rate
	l.loud.hear(samples, l.rate)
	l.settled = append(slices.DeleteFunc(l.settled, func(t float64) bool { return t < l.heard-firm }), settled...)
	if !(math.Abs(math.Log(p.Tempo/l.tempo)) < 0.06) {
		l.tempo, l.since = p.Tempo, l.heard
	}
	l.trust += (p.Confidence - l.trust) * (1 - math.Exp(-float64(len(samples))/l.rate/trusting))
	next := pulse{period: 60 / p.Tempo, sure: p.Tempo > 0 && !l.loud.silent() && l.trust >= doubtful}
	next.steady = next.sure && l.trust >= trusted && l.heard-l.since >= firm
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.calls < len(l.asked) {
		return // nobody dances yet
	}
	l.shift.add(l.now() - l.heard + ago)
	for _, t := range append(l.settled, p.Next...) {
		next.beats = append(next.beats, t+l.shift.value())
	}
	l.pulse = next
	for next.sure && len(l.poses) < enough {
		l.poses = append(l.poses, l.compose(next.period)...)
	}
}

// now is the time of the motion: a controller asks for moments before and after it, too.
func (l *Live) now() float64 {
	a := l.asked
	slices.Sort(a[:])
	return a[1]
}

// compose returns the poses of the next phrase, one a beat.
func (l *Live) compose(period float64) []pose {
	c, bars := &l.composer, 1
	c.d.Beats, c.bars, c.d.Phrases = c.d.Beats[:0], c.bars[:0], c.d.Phrases[:0]
	for k := range foresight*bar + 1 {
		c.d.Beats = append(c.d.Beats, float64(k)*period)
		if k%bar == 0 {
			c.bars = append(c.bars, k)
		}
	}
	c.a.Energy = slices.Repeat([]float64{l.loud.energy()}, int(period*foresight*bar*music.EnergyRate)+1)
	if l.opening {
		c.away, l.opening = false, false
		c.phrase(0, 1, c.framed)
	} else {
		bars = c.length(0)
		c.phrase(0, bars, func(p *Phrase) { c.fill(p, 0, bars) })
	}
	p := &c.d.Phrases[0]
	poses := slices.Repeat([]pose{rest}, p.Beats)
	c.d.pose(p, poses)
	return poses
}

// Target fills in what the robot is to look like at a time.
func (l *Live) Target(at float64, to *balance.Target) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked[l.calls%len(l.asked)] = at
	l.calls++
	l.advance(at)
	if l.motion != nil {
		l.motion.Target(at, to)
	}
}

// advance has the dance begin, go on or end, so that it is known up to a time.
func (l *Live) advance(at float64) {
	m := l.motion
	switch {
	case m == nil:
		l.begin(at)
	case m.open:
		for m.open && at+max(0, l.Lead.Joints, l.Lead.Base) >= m.times[len(m.times)-1] {
			l.grow()
		}
	case at > m.Seconds()+1:
		l.danced += m.beats
		l.motion = nil
	}
}

// begin has the robot take its first pose, if there is a beat to take it on.
func (l *Live) begin(at float64) {
	if !l.pulse.steady || len(l.poses) == 0 {
		return
	}
	for _, b := range l.pulse.beats {
		if b >= at+earliest {
			l.motion = &Motion{Lead: l.Lead, joints: l.joints, open: true}
			l.motion.add(max(at+0.05, b-taking), l.poses[0].still(), &l.limits)
			l.take(b)
			return
		}
	}
}

// take adds the next pose to the dance.
func (l *Live) take(at float64) {
	l.motion.add(at, l.poses[0], &l.limits)
	l.motion.beats++
	l.poses = l.poses[1:]
}

// grow adds the pose of the next beat, or ends the dance: it takes a calm pose and goes
// back.
func (l *Live) grow() {
	m := l.motion
	n := len(m.times) - 1
	if l.pulse.sure && len(l.poses) > 0 && n < mostBeats {
		for _, b := range l.pulse.beats {
			if b > m.times[n]+0.6*l.pulse.period { // a beat that moves is still the same
				l.take(b)
				return
			}
		}
	}
	last, final := m.keys[n], rest
	final.put(grammar["calm"].Keys[0], false, 1)
	final[markAhead], final[markLeft], final[heading] = last[markAhead], last[markLeft], last[heading]
	m.open = false
	m.add(m.times[n]+slowest, final, &l.limits)
	m.finish(m.times[n+1], final, &l.limits)
	l.poses, l.opening = nil, true
}

// Following is how a Live follows the music.
type Following struct {
	Tempo   float64 `json:"tempo"`   // beats a minute, 0: none is heard
	Sure    bool    `json:"sure"`    // there is a beat to dance to
	Dancing bool    `json:"dancing"` // it does
	Beat    int     `json:"beat"`    // how many it has danced
}

// Following says how it does.
func (l *Live) Following() Following {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := Following{Sure: l.pulse.sure, Beat: l.danced}
	if l.pulse.period > 0 && !math.IsInf(l.pulse.period, 1) {
		f.Tempo = 60 / l.pulse.period
	}
	if m := l.motion; m != nil {
		f.Dancing = m.open
		passed, _ := slices.BinarySearch(m.Beats(), l.now())
		f.Beat += passed
	}
	return f
}

// least is the least of the last values: of delays, the one that nothing held up.
type least struct {
	values [64]float64
	count  int
}

func (l *least) add(v float64) {
	l.values[l.count%len(l.values)] = v
	l.count++
}

func (l *least) value() float64 { return slices.Min(l.values[:min(l.count, len(l.values))]) }

// loudness is how loud it is and was, mean squares.
type loudness struct{ now, most float64 }

const (
	quick = 0.35 // s, over which it is how loud it is
	fades = 60   // s, in which what was loud is forgotten
)

func (l *loudness) hear(samples []float32, rate float64) {
	power := 0.0
	for _, x := range samples {
		if x > -8 && x < 8 {
			power += float64(x) * float64(x) / float64(len(samples))
		}
	}
	seconds := float64(len(samples)) / rate
	l.now += (power - l.now) * (1 - math.Exp(-seconds/quick))
	l.most = max(l.now, l.most*math.Exp(-seconds/fades))
}

// silent is 26 dB below the loudest, which is 2 s after music stops, or -90 dB of full
// scale.
func (l *loudness) silent() bool { return l.now < 1e-9 || l.now < l.most/400 }

// energy is as in an analysis: decibels below the loudest, -40 and less as 0.
func (l *loudness) energy() float64 { return max(0, 1+math.Log10(l.now/l.most+1e-12)/4) }
