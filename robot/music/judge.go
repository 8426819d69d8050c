package music

// weights of the features by which hypotheses are judged: a conditional logit
// (McFadden 1974) with a ridge penalty, fitted to songs whose beats are known
// (TestFit). That a tempo's octave is decided by features of all candidates, and not by
// tempo alone, follows Percival and Tzanetakis (Streamlined tempo estimation based
// on autocorrelation and cross-correlation with pulses, 2014, section II-E).
var judged = [features]float64{
	0.539, -2.33, // octaves above 120 beats a minute, and their square
	0.273, 0.0464, 0.0626, -0.353, // low onsets: on the beat, at half, at thirds, at quarters
	0.0185, -0.243, -0.206, 0.0924, // middle
	0.902, 0.478, -0.485, -0.21, // high
	0.472, -0.177, -0.259, -0.0331, // all
	0.598, -0.251, -1.52, 1.95, // change of harmony
	-1.02, 1.79, 1.09, 1.53, -2.03, 0.154, // likeness of beats 1, 2, 3, 4, 6 and 8 apart
	2.54, 2.16, -1.45, -0.435, -0.394, // cycles of 2, 3, 4, 6 and 8 beats in change of harmony
	-0.38, 1.36, 0.676, -0.294, // of 2, 3, 4 and 8 in low onsets
	-2.1, 2.35, -0.23, // of 2, 4 and 8 in middle onsets
	0, 0, 0, 0, // the strongest of 3, 4 and 8 beats in change, and of 4 in low onsets
}

// judge returns the logarithm of how likely a hypothesis is, up to a constant of the song.
func judge(f [features]float64) float64 {
	sum := 0.0
	for i, v := range f {
		sum += judged[i] * v
	}
	return sum
}
