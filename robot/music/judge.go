package music

// judged are the weights of the features by which hypotheses are judged: a conditional logit
// (McFadden 1974) with a ridge penalty, fitted to songs whose beats are known
// (TestFit). That a tempo's octave is decided by features of all candidates, and not by
// tempo alone, follows Percival and Tzanetakis (Streamlined tempo estimation based
// on autocorrelation and cross-correlation with pulses, 2014, section II-E).
var judged = [features]float64{
	0.321, -1.42, // octaves above 120 beats a minute, and their square
	0.182, -0.0448, -0.207, -0.0879, // low onsets: on the beat, at half, at thirds, at quarters
	0.286, -0.105, -0.24, -0.0754, // middle
	0.214, 0.036, -0.257, -0.0896, // high
	0.242, -0.0605, -0.226, -0.0755, // all
	0.0727, 0.399, -0.679, 0.761, // change of harmony
	-0.0121, -0.395, 0.228, 0.52, -0.437, -0.302, // likeness of beats 1, 2, 3, 4, 6 and 8 apart
	0.127, 0.443, 0.378, 0.0785, 0.0999, // cycles of 2, 3, 4, 6 and 8 beats in change of harmony
	0.429, 0.281, 0.132, -0.158, // of 2, 3, 4 and 8 in low onsets
	0.274, 0.0203, -0.26, // of 2, 4 and 8 in middle onsets
	0.198, 0.195, 0.155, 0.0661, // the strongest of 3, 4 and 8 beats in change, and of 4 in low onsets
}

// judge returns the logarithm of how likely a hypothesis is, up to a constant of the song.
func judge(f [features]float64) float64 {
	sum := 0.0
	for i, v := range f {
		sum += judged[i] * v
	}
	return sum
}
