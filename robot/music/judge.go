package music

// judged are the weights of the features by which hypotheses are judged: a conditional logit
// (McFadden 1974) with a ridge penalty, fitted to songs whose beats are known
// (TestFit). That a tempo's octave is decided by features of all candidates, and not by
// tempo alone, follows Percival and Tzanetakis (Streamlined tempo estimation based
// on autocorrelation and cross-correlation with pulses, 2014, section II-E).
var judged = [features]float64{
	0.303, -1.46, // octaves above 120 beats a minute, and their square
	0.188, -0.0352, -0.229, -0.0733, // low onsets: on the beat, at half, at thirds, at quarters
	0.409, -0.225, -0.219, -0.0683, // middle
	0.261, 0.0939, -0.442, -0.071, // high
	0.312, -0.111, -0.297, -0.0705, // all
	0.0271, 1.32, -0.853, 1.88, // change of harmony
	0.141, -0.0514, 0.21, 0.936, -0.594, -0.455, // likeness of beats 1, 2, 3, 4, 6 and 8 apart
	-0.202, -0.286, 0.511, 0.302, -0.162, // cycles of 2, 3, 4, 6 and 8 beats in change of harmony
	0.559, 0.833, 0.151, -0.0786, // of 2, 3, 4 and 8 in low onsets
	-0.0785, -0.201, -0.244, // of 2, 4 and 8 in middle onsets
	-0.136, 0.225, -0.00831, 0.0875, // the strongest of 3, 4 and 8 beats in change, and of 4 in low onsets
	0.501, // the first onset on a beat
}

// judge returns the logarithm of how likely a hypothesis is, up to a constant of the song.
func judge(f [features]float64) float64 {
	sum := 0.0
	for i, v := range f {
		sum += judged[i] * v
	}
	return sum
}
