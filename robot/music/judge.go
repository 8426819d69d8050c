package music

// judged are the weights of the features by which hypotheses are judged: a conditional logit
// (McFadden 1974) with a ridge penalty, fitted to songs whose beats are known
// (TestFit). That a tempo's octave is decided by features of all candidates, and not by
// tempo alone, follows Percival and Tzanetakis (Streamlined tempo estimation based
// on autocorrelation and cross-correlation with pulses, 2014, section II-E).
var judged = [features]float64{
	0.758, -1.51, // octaves above 120 beats a minute, and their square
	0.343, -0.0886, -0.243, -0.182, -0.142, // low onsets: on the beat, at half, at thirds, at quarters, at the first quarter less the last
	0.404, -0.163, -0.577, -0.155, -0.0738, // middle
	0.206, 0.198, -0.433, -0.0286, -0.178, // high
	0.303, -0.133, -0.412, -0.0755, -0.132, // all
	0.442, 1.3, -2.06, 1.54, 0.52, // change of harmony
	-0.175, -0.294, 0.241, 1.52, -1.12, 0.024, // likeness of beats 1, 2, 3, 4, 6 and 8 apart
	-0.722, -0.366, 0.721, 0.344, -0.226, // cycles of 2, 3, 4, 6 and 8 beats in change of harmony
	0.736, 0.354, -0.0443, -0.269, // of 2, 3, 4 and 8 in low onsets
	-0.0105, -0.344, -0.287, // of 2, 4 and 8 in middle onsets
	0.35, 0.192, 0.0247, 0.0494, // the strongest of 3, 4 and 8 beats in change, and of 4 in low onsets
	0.655, // the first onset on a beat
}

// followed are the weights by which a [Stream] judges its last seconds: an earlier fit
// with a greater penalty, to whose scale loyalty is set. With the weights above more streams
// change to a wrong beat.
var followed = [features]float64{
	0.303, -1.46, // octaves above 120 beats a minute, and their square
	0.188, -0.0352, -0.229, -0.0733, 0, // low onsets: on the beat, at half, at thirds, at quarters, at the first quarter less the last
	0.409, -0.225, -0.219, -0.0683, 0, // middle
	0.261, 0.0939, -0.442, -0.071, 0, // high
	0.312, -0.111, -0.297, -0.0705, 0, // all
	0.0271, 1.32, -0.853, 1.88, 0, // change of harmony
	0.141, -0.0514, 0.21, 0.936, -0.594, -0.455, // likeness of beats 1, 2, 3, 4, 6 and 8 apart
	-0.202, -0.286, 0.511, 0.302, -0.162, // cycles of 2, 3, 4, 6 and 8 beats in change of harmony
	0.559, 0.833, 0.151, -0.0786, // of 2, 3, 4 and 8 in low onsets
	-0.0785, -0.201, -0.244, // of 2, 4 and 8 in middle onsets
	-0.136, 0.225, -0.00831, 0.0875, // the strongest of 3, 4 and 8 beats in change, and of 4 in low onsets
	0.501, // the first onset on a beat
}

// judge returns the logarithm of how likely a hypothesis is by weights, up to a constant of the song.
func judge(f, weights [features]float64) float64 {
	sum := 0.0
	for i, v := range f {
		sum += weights[i] * v
	}
	return sum
}
