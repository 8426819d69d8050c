package compute

// Embed: Y = the row of W that the token names.
type Embed struct {
	Y View
	W Slot // [vocabulary][Y.Width]
}

// Norm: Y = X / rms(X) · W, head by head (RMSNorm, arXiv:1910.07467 equation 4).
type Norm struct {
	Y, X View
	W    Slot // [1][X.Width]
	Eps  float32
}

// Linear: Y = X·Wᵀ, plus Residual where it is given.
type Linear struct {
	Y, X     View // one head each
	W        Slot // [Y.Width][X.Width]
	Residual View
}

// HeadLinear: Y's head h = X's head h · W[h]ᵀ.
type HeadLinear struct {
	Y, X View
	W    Slot // [heads·Y.Width][X.Width]
}

// Copy: Y = X. One head of X is repeated over all heads of Y.
type Copy struct{ Y, X View }

// Rotary turns pairs of columns of every head in place by position·Freqs
// (RoFormer, arXiv:2104.09864 section 3.2.2): columns (2i, 2i+1), or with Half
// (i, i+Width/2).
type Rotary struct {
	X     View
	Freqs []float64 // radians a position, one for each pair
	Half  bool
}

// Attention: Y = softmax(Scale·Q·Kᵀ)·V over the same and earlier positions of
// the same segment. Q has a multiple of K's heads; consecutive heads of Q share
// one of K. With V in K's slot, V is part of what K caches.
type Attention struct {
	Y, Q, K, V View
	Scale      float32
	Cache      int // index in Program.Caches
}

// SwiGLU: Y = silu(Gate)·Up (arXiv:2002.05202 section 2).
type SwiGLU struct{ Y, Gate, Up View }

// Route chooses the Used largest of X's scores: Y is the weight of each chosen
// expert and 0 for the others.
type Route struct {
	Y, X      View
	Bias      Slot // [1][experts]: added to the score for the choice alone, or None
	Used      int
	Sigmoid   bool    // scores are sigmoid(X) instead of softmax(X)
	Normalise bool    // weights are divided by their sum
	Scale     float32 // and multiplied by this
}

// Experts: Y = Σ over e of R[e] · Down[e]·(silu(Gate[e]·X) · Up[e]·X), plus
// Residual where it is given.
type Experts struct {
	Y, X, R        View
	Gate, Up, Down Slot // [experts·Hidden][X.Width] twice, [experts·Y.Width][Hidden]
	Hidden         int
	Residual       View
}

// Select: Y has the rows of X that Batch.Outputs names.
type Select struct{ Y, X View }

// Loss: Y = −log softmax(X·Wᵀ)[target] in nats, 0 where the target is negative.
type Loss struct {
	Y, X View
	W    Slot // [vocabulary][X.Width]
}

func (o Embed) reads() []Slot       { return []Slot{o.W} }
func (o Embed) writes() []Slot      { return []Slot{o.Y.Slot} }
func (o Norm) reads() []Slot        { return []Slot{o.X.Slot, o.W} }
func (o Norm) writes() []Slot       { return []Slot{o.Y.Slot} }
func (o Linear) reads() []Slot      { return []Slot{o.X.Slot, o.W, o.Residual.Slot} }
func (o Linear) writes() []Slot     { return []Slot{o.Y.Slot} }
func (o HeadLinear) reads() []Slot  { return []Slot{o.X.Slot, o.W} }
func (o HeadLinear) writes() []Slot { return []Slot{o.Y.Slot} }
func (o Copy) reads() []Slot        { return []Slot{o.X.Slot} }
func (o Copy) writes() []Slot       { return []Slot{o.Y.Slot} }
func (o Rotary) reads() []Slot      { return []Slot{o.X.Slot} }
func (o Rotary) writes() []Slot     { return []Slot{o.X.Slot} }
func (o Attention) reads() []Slot   { return []Slot{o.Q.Slot, o.K.Slot, o.V.Slot} }
func (o Attention) writes() []Slot  { return []Slot{o.Y.Slot} }
func (o SwiGLU) reads() []Slot      { return []Slot{o.Gate.Slot, o.Up.Slot} }
func (o SwiGLU) writes() []Slot     { return []Slot{o.Y.Slot} }
func (o Route) reads() []Slot       { return []Slot{o.X.Slot, o.Bias} }
func (o Route) writes() []Slot      { return []Slot{o.Y.Slot} }
func (o Experts) reads() []Slot {
	return []Slot{o.X.Slot, o.R.Slot, o.Gate, o.Up, o.Down, o.Residual.Slot}
}
func (o Experts) writes() []Slot { return []Slot{o.Y.Slot} }
func (o Select) reads() []Slot   { return []Slot{o.X.Slot} }
func (o Select) writes() []Slot  { return []Slot{o.Y.Slot} }
func (o Loss) reads() []Slot     { return []Slot{o.X.Slot, o.W} }
func (o Loss) writes() []Slot    { return []Slot{o.Y.Slot} }

// The operations that Differentiate derives. A name beginning with D is the
// gradient of the loss by what the rest names; with Set it is overwritten,
// otherwise added to. Gradients by weights are added to but where Batch.Fresh is set.

// EmbedBack: DW[token] += DY.
type EmbedBack struct {
	DY View
	DW Slot
}

// NormBack is the gradient of Norm.
type NormBack struct {
	Norm
	DX, DY View
	DW     Slot
	Set    bool
}

// LinearBack: DX = DY·W, DW += DYᵀ·X. A residual's gradient is DY itself.
type LinearBack struct {
	Linear
	DX, DY View
	DW     Slot
	Set    bool
}

// HeadLinearBack is LinearBack for every head.
type HeadLinearBack struct {
	HeadLinear
	DX, DY View
	DW     Slot
	Set    bool
}

// CopyBack: DX = DY, summed over Y's heads where X has one.
type CopyBack struct {
	DX, DY View
	Set    bool
}

// RotaryBack turns the gradient back, in place.
type RotaryBack struct{ Rotary }

// AttentionBack is the gradient of Attention, with the probabilities computed again.
type AttentionBack struct {
	Attention
	DY, DQ, DK, DV   View
	SetQ, SetK, SetV bool
}

// SwiGLUBack is the gradient of SwiGLU.
type SwiGLUBack struct {
	SwiGLU
	DY, DGate, DUp View
	SetGate, SetUp bool
}

// RouteBack is the gradient of Route by the scores; the choice itself is constant.
type RouteBack struct {
	Route
	DX, DY View
	Set    bool
}

// ExpertsBack is the gradient of Experts, with the hidden values computed again.
type ExpertsBack struct {
	Experts
	DX, DR, DY        View
	DGate, DUp, DDown Slot
	SetX, SetR        bool
}

// LossBack computes Loss and in the same pass DX and DW of
// Batch.Scalars[0] · Σ Batch.Weights·Y, so that the logits never exist as a
// whole. Y itself has no weight.
type LossBack struct {
	Loss
	DX  View
	DW  Slot
	Set bool
}

// Zero clears slots.
type Zero struct{ Slots []Slot }

func (o EmbedBack) reads() []Slot  { return []Slot{o.DY.Slot, o.DW} }
func (o EmbedBack) writes() []Slot { return []Slot{o.DW} }
func (o NormBack) reads() []Slot {
	return []Slot{o.X.Slot, o.W, o.DY.Slot, o.DX.Slot, o.DW}
}
func (o NormBack) writes() []Slot { return []Slot{o.DX.Slot, o.DW} }
func (o LinearBack) reads() []Slot {
	return []Slot{o.X.Slot, o.W, o.DY.Slot, o.DX.Slot, o.DW}
}
func (o LinearBack) writes() []Slot { return []Slot{o.DX.Slot, o.DW} }
func (o HeadLinearBack) reads() []Slot {
	return []Slot{o.X.Slot, o.W, o.DY.Slot, o.DX.Slot, o.DW}
}
func (o HeadLinearBack) writes() []Slot { return []Slot{o.DX.Slot, o.DW} }
func (o CopyBack) reads() []Slot        { return []Slot{o.DY.Slot, o.DX.Slot} }
func (o CopyBack) writes() []Slot       { return []Slot{o.DX.Slot} }
func (o RotaryBack) reads() []Slot      { return o.Rotary.reads() }
func (o RotaryBack) writes() []Slot     { return o.Rotary.writes() }
func (o AttentionBack) reads() []Slot {
	return []Slot{o.Y.Slot, o.Q.Slot, o.K.Slot, o.V.Slot, o.DY.Slot, o.DQ.Slot, o.DK.Slot, o.DV.Slot}
}
func (o AttentionBack) writes() []Slot { return []Slot{o.DQ.Slot, o.DK.Slot, o.DV.Slot} }
func (o SwiGLUBack) reads() []Slot {
	return []Slot{o.Gate.Slot, o.Up.Slot, o.DY.Slot, o.DGate.Slot, o.DUp.Slot}
}
func (o SwiGLUBack) writes() []Slot { return []Slot{o.DGate.Slot, o.DUp.Slot} }
func (o RouteBack) reads() []Slot {
	return []Slot{o.X.Slot, o.Y.Slot, o.DY.Slot, o.DX.Slot}
}
func (o RouteBack) writes() []Slot { return []Slot{o.DX.Slot} }
func (o ExpertsBack) reads() []Slot {
	return append(o.Experts.reads(), o.DY.Slot, o.DX.Slot, o.DR.Slot, o.DGate, o.DUp, o.DDown)
}
func (o ExpertsBack) writes() []Slot {
	return []Slot{o.DX.Slot, o.DR.Slot, o.DGate, o.DUp, o.DDown}
}
func (o LossBack) reads() []Slot  { return []Slot{o.X.Slot, o.W, o.DX.Slot, o.DW} }
func (o LossBack) writes() []Slot { return []Slot{o.Y.Slot, o.DX.Slot, o.DW} }
func (o Zero) reads() []Slot      { return nil }
func (o Zero) writes() []Slot     { return o.Slots }

// The operations that an optimiser is made of, over Fixed slots of equal size.

// AddInto: Y += X, or Y = X with Set.
type AddInto struct {
	Y, X Slot
	Set  bool
}

// SumSquares: Y[0] = Σ X², over pieces of fixed size added in order.
type SumSquares struct{ Y, X Slot }

// AdamW updates parts of W by its gradient G with moments M and V
// (arXiv:1711.05101 algorithm 2). It reads Batch.Scalars: the learning rate, β₁,
// β₂, ε, the weight decay, the corrections 1−β₁ᵗ and 1−β₂ᵗ, and a factor for G
// (clipping).
type AdamW struct {
	W, G, M, V Slot
	Parts      []Part // ascending; the rest of W stays as it is
}

// Part is the elements [From, To).
type Part struct {
	From, To int
	Decay    bool // they decay
}

// Muon updates matrices in W by their gradients in G with momenta in M: the
// momentum is replaced by the nearest orthogonal matrix, found by Newton–Schulz
// steps (Jordan et al., "Muon: An optimizer for hidden layers in neural
// networks", 2024). It reads Batch.Scalars behind those of AdamW: the learning
// rate, the momentum and the weight decay; and AdamW's factor for G.
type Muon struct {
	W, G, M  Slot
	Matrices []Matrix
}

// Matrix is a matrix of Rows×Cols that lies in a buffer from element From on.
type Matrix struct{ From, Rows, Cols int }

func (o AddInto) reads() []Slot     { return []Slot{o.Y, o.X} }
func (o AddInto) writes() []Slot    { return []Slot{o.Y} }
func (o SumSquares) reads() []Slot  { return []Slot{o.X} }
func (o SumSquares) writes() []Slot { return []Slot{o.Y} }
func (o AdamW) reads() []Slot       { return []Slot{o.W, o.G, o.M, o.V} }
func (o AdamW) writes() []Slot      { return []Slot{o.W, o.M, o.V} }
func (o Muon) reads() []Slot        { return []Slot{o.W, o.G, o.M} }
func (o Muon) writes() []Slot       { return []Slot{o.W, o.M} }
