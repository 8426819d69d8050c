package music

import "math"

const (
	// kernel is how many beats on each side of a boundary are compared.
	kernel = 16
	// apart is the least number of beats of a section.
	apart = 8
	// prominent is how many standard deviations above its mean novelty must be.
	prominent = 0.7
)

// sections finds where a song begins to sound different: peaks of novelty along the
// diagonal of the matrix of likeness between beats (Foote, Automatic audio
// segmentation using a measure of audio novelty, 2000), on the nearest downbeat.
func sections(p path, b bars, frames []frame, times []float64) []Section {
	n := len(p.beats)
	if n < 2*apart {
		return nil
	}
	novelty := noveltyOf(colours(p, frames))
	mean, square := 0.0, 0.0
	for _, v := range novelty {
		mean += v / float64(n)
	}
	for _, v := range novelty {
		square += (v - mean) * (v - mean) / float64(n)
	}
	floor := mean + prominent*math.Sqrt(square)
	var starts []int
	for i := apart; i < n-apart; i++ {
		if novelty[i] > floor && highest1(novelty, i, apart) {
			starts = append(starts, i)
		}
	}
	var out []Section
	for _, i := range starts {
		start := times[toDownbeat(b, i)]
		if len(out) == 0 || start > out[len(out)-1].Start {
			out = append(out, Section{Start: start})
		}
	}
	return out
}

// toDownbeat returns the downbeat nearest to beat i, or i if none is in reach.
func toDownbeat(b bars, i int) int {
	for d := 0; d <= b.meter/2; d++ {
		for _, j := range []int{i - d, i + d} {
			if j >= 0 && j < len(b.position) && b.position[j] == 0 {
				return j
			}
		}
	}
	return i
}

// highest1 reports whether x is nowhere higher within reach of i.
func highest1(x []float64, i, reach int) bool {
	for j := max(0, i-reach); j <= min(len(x)-1, i+reach); j++ {
		if x[j] > x[i] {
			return false
		}
	}
	return true
}

// colours describes each beat by which notes sound, with length 1, and by how the
// sound's colour differs from that of the song, in standard deviations.
func colours(p path, frames []frame) [][]float64 {
	notes := chromas(p, frames)
	rows := make([][]float64, len(p.beats))
	for i, t := range p.beats {
		end := t + p.period
		if i+1 < len(p.beats) {
			end = p.beats[i+1]
		}
		end = min(end, len(frames))
		rows[i] = make([]float64, chroma+timbres)
		length := 1e-9
		for _, v := range notes[i] {
			length += v * v
		}
		for k, v := range notes[i] {
			rows[i][k] = v / math.Sqrt(length)
		}
		for _, f := range frames[min(t, end):end] {
			for k, v := range f.timbre {
				rows[i][chroma+k] += float64(v) / float64(end-t)
			}
		}
	}
	column := make([]float64, len(rows))
	for k := chroma; k < chroma+timbres; k++ {
		for i := range rows {
			column[i] = rows[i][k]
		}
		for i, v := range standard(column) {
			rows[i][k] = v / math.Sqrt(timbres)
		}
	}
	return rows
}

// noveltyOf correlates the matrix of likeness, minus the squared distance, with a
// checkerboard that fades out as a Gaussian (Foote 2000, section 3.2).
func noveltyOf(rows [][]float64) []float64 {
	n := len(rows)
	fade := make([]float64, 2*kernel)
	for k := range fade {
		x := (float64(k-kernel) + 0.5) / kernel
		fade[k] = math.Exp(-4 * x * x)
	}
	out := make([]float64, n)
	for i := range n {
		sum, weight := 0.0, 1e-9
		for a := max(0, i-kernel); a < i; a++ {
			for b := i; b < min(n, i+kernel); b++ {
				w := fade[a-i+kernel] * fade[b-i+kernel]
				sum += w * distance(rows[a], rows[b])
				weight += w
			}
		}
		across := sum / weight
		within := (spreadOf(rows[max(0, i-kernel):i]) + spreadOf(rows[i:min(n, i+kernel)])) / 2
		out[i] = across - within
	}
	return out
}

// spreadOf is the mean squared distance between two of the rows.
func spreadOf(rows [][]float64) float64 {
	if len(rows) == 0 {
		return 0
	}
	// Twice the mean squared distance to the middle, which is the same and faster.
	middle := make([]float64, len(rows[0]))
	for _, r := range rows {
		for k, v := range r {
			middle[k] += v / float64(len(rows))
		}
	}
	sum := 0.0
	for _, r := range rows {
		sum += distance(r, middle)
	}
	return 2 * sum / float64(len(rows))
}

func distance(a, b []float64) float64 {
	sum := 0.0
	for k, v := range a {
		sum += (v - b[k]) * (v - b[k])
	}
	return sum
}

// closeSections makes sections cover the song and gives each its energy.
func (a *Analysis) closeSections() {
	if len(a.Sections) == 0 || a.Sections[0].Start > 0 {
		a.Sections = append([]Section{{}}, a.Sections...)
	}
	for i := range a.Sections {
		s := &a.Sections[i]
		s.End = a.Seconds
		if i+1 < len(a.Sections) {
			s.End = a.Sections[i+1].Start
		}
		from, to := int(s.Start*EnergyRate), min(len(a.Energy), int(s.End*EnergyRate))
		for k := from; k < to; k++ {
			s.Energy += a.Energy[k] / float64(to-from)
		}
	}
}
