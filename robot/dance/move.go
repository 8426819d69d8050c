package dance

import (
	"fmt"
	"slices"
)

// A Move is a short motion, a pose a beat: it begins with the first and is at each key
// when its beat sounds, so that the way to a key is the preparation of its accent. Where
// it lasts for more beats than it has keys it begins anew.
type Move struct {
	Name string `json:"name"`
	Keys []Key  `json:"keys"`
}

// mostKeys of a move: a clip of a minute at a quick tempo.
const mostKeys = 200

// Check reports what is wrong with a move.
func (m *Move) Check() error {
	switch {
	case m.Name == "" || len(m.Name) > 40:
		return fmt.Errorf("name: %q is not of 1 to 40 bytes", short(m.Name))
	case len(m.Keys) == 0 || len(m.Keys) > mostKeys:
		return fmt.Errorf("keys: %d of them: 1 to %d are possible", len(m.Keys), mostKeys)
	}
	for i, k := range m.Keys {
		if err := k.check(); err != nil {
			return fmt.Errorf("keys[%d]: %w", i, err)
		}
	}
	return nil
}

// leads reports whether a move leads a part of the body.
func (m *Move) leads(p part) bool {
	return slices.ContainsFunc(m.Keys, func(k Key) bool {
		for name := range k {
			if table[named[name]].part == p {
				return true
			}
		}
		return false
	})
}

// arm is a posture of a left arm; the right one's is its mirror image, rad: shoulder
// pitch (ahead is negative), roll (outwards positive), yaw, elbow (stretched 1.5, bent
// −1), wrist roll, pitch, yaw.
type arm [7]float64

// Postures of an arm. Hands stay 0.06 m away from each other, from head and trunk, on
// robots with arms like ours.
var (
	ready   = arm{0.1, 0.35, 0.1, 0.3, 0, 0, 0}
	low     = arm{0.15, 0.3, 0.1, 1.2, -0.3, 0.5, 0.1}
	fore    = arm{-0.8, 0.3, 0, 0.7, 0.6, -0.4, 0.3}
	aft     = arm{0.7, 0.35, 0.1, 0.9, -0.6, 0.4, -0.3}
	flex    = arm{-0.5, 0.45, 0.15, -0.6, 0.7, -0.5, 0.4}
	drop    = arm{0.25, 0.45, 0.2, 1.2, -0.6, 0.5, -0.4}
	out     = arm{0, 1.3, 0.2, 1.3, -0.5, -0.4, 0.3}
	wing    = arm{0.1, 0.65, 0.3, 1.1, 0.6, 0.5, -0.3}
	post    = arm{-0.1, 1.25, 1.1, 0.1, -0.7, -0.4, 0.2}  // forearm up
	scare   = arm{-0.1, 1.25, -0.8, 0.2, 0.7, 0.4, -0.2}  // forearm down
	point   = arm{-1.4, 0.3, 0.1, 1.3, 0.6, -0.4, 0.2}    // ahead
	pull    = arm{0.4, 0.5, 0.2, -0.2, -0.6, 0.5, -0.2}   // elbow back
	high    = arm{-2.6, 0.45, 0.1, 1.1, 0.5, 0.4, 0.3}    //
	beckon  = arm{-2.3, 0.6, 1, 0.4, -0.6, -0.5, -0.4}    // high, forearm outwards
	diag    = arm{-2, 0.9, 0.3, 1.35, 0.6, -0.5, 0.3}     // up and out
	open    = arm{-0.7, 0.8, 0.6, 0.3, -0.7, 0.3, -0.3}   // forearms apart
	shut    = arm{-0.85, 0.3, -0.2, 0.35, 0.6, -0.3, 0.3} // nearly together
	palm    = arm{-0.9, 0.3, -0.5, 0.3, 0.6, -0.3, 0.3}   // as if to clap
	offer   = arm{-0.6, 0.7, 0.4, 0.7, -1.2, -0.3, 0.2}   // palm up
	thumb   = arm{-0.4, 0.6, 0.9, 0.1, 0.9, 0.3, -0.4}    // forearm out and up
	tuck    = arm{0.1, 0.6, -0.1, -0.3, -0.8, -0.3, 0.3}
	shrug   = arm{-0.1, 0.6, 0.5, 0.1, 0.9, -0.5, 0.4}
	settle  = arm{0.2, 0.4, 0, 0.8, -0.7, 0.4, -0.3}
	circleA = arm{-2.2, 0.5, 0.8, 0.6, 0.6, 0.4, 0.4}
	circleB = arm{-1.7, 0.7, 0.4, 1.2, -0.5, 0.5, -0.4}
	circleC = arm{-2.1, 1.1, 0.3, 0.9, -0.6, -0.5, 0.3}
	circleD = arm{-2.6, 0.6, 0.5, 0.5, 0.5, -0.5, -0.3}
)

// both is a key of two arms, left and right.
func both(left, right arm) Key {
	var p pose
	p.arm(leftArm, &left)
	p.arm(rightArm, &right)
	k := Key{}
	for c := range waistYaw {
		k[table[c].name] = p[c]
	}
	return k
}

// hold is a key of the trunk: sway ahead, left and up in cm, waist yaw, roll and pitch
// and pelvis roll, pitch and yaw in rad. All of it is said, so that one cue does not
// leave half of another's pose.
func hold(ahead, left, up, yaw, roll, pitch, pelvisRoll, pelvisPitch, pelvisYaw float64) Key {
	return Key{
		"sway_ahead": ahead / 100, "sway_left": left / 100, "sway_up": up / 100,
		"waist_yaw": yaw, "waist_roll": roll, "waist_pitch": pitch,
		"pelvis_roll": pelvisRoll, "pelvis_pitch": pelvisPitch, "pelvis_yaw": pelvisYaw,
	}
}

// and is a key that says what both say.
func (k Key) and(other Key) Key {
	for name, v := range other {
		k[name] = v
	}
	return k
}

// entry is a move of the grammar.
type entry struct {
	Move
	vigour float64 // energy of the music that it suits, 0 to 1
}

// armMoves lead the arms. No key is near the one before it: each beat is seen.
var armMoves = []entry{
	{Move{"swing", []Key{both(fore, aft), both(aft, fore)}}, 0.3},
	{Move{"pump", []Key{both(flex, drop), both(drop, flex)}}, 0.7},
	{Move{"wave", []Key{both(low, high), both(wing, beckon), both(low, high), both(tuck, beckon)}}, 0.4},
	{Move{"disco", []Key{both(wing, diag), both(low, fore), both(tuck, diag), both(low, aft)}}, 0.8},
	{Move{"point ahead", []Key{both(pull, tuck), both(low, point), both(pull, open), both(settle, pull)}}, 0.5},
	{Move{"point out", []Key{both(tuck, shut), both(low, out), both(flex, post), both(drop, wing)}}, 0.5},
	{Move{"clap", []Key{both(open, open), both(palm, palm)}}, 0.5},
	{Move{"clap high", []Key{both(diag, diag), both(high, high), both(beckon, beckon), both(high, high)}}, 0.9},
	{Move{"goal", []Key{both(post, post), both(scare, scare)}}, 0.6},
	{Move{"windmill", []Key{both(high, low), both(out, wing), both(low, high), both(wing, out)}}, 0.8},
	{Move{"wings", []Key{both(out, out), both(wing, wing)}}, 0.5},
	{Move{"robot", []Key{both(post, scare), both(flex, drop), both(scare, post), both(drop, flex)}}, 0.6},
	{Move{"snake", []Key{both(out, wing), both(scare, post), both(wing, out), both(post, scare)}}, 0.4},
	{Move{"shimmy", []Key{both(shrug, settle), both(settle, shrug)}}, 0.7},
	{Move{"lasso", []Key{both(flex, circleA), both(drop, circleB), both(flex, circleC), both(drop, circleD)}}, 0.9},
	{Move{"hitchhike", []Key{both(low, thumb), both(tuck, pull), both(drop, thumb), both(settle, aft)}}, 0.6},
	{Move{"row", []Key{both(point, point), both(pull, pull)}}, 0.6},
	{Move{"swim", []Key{both(point, point), both(out, out), both(tuck, tuck)}}, 0.5},
	{Move{"conduct", []Key{both(open, shut), both(settle, flex), both(shut, open), both(flex, settle)}}, 0.3},
	{Move{"drum", []Key{both(fore, flex), both(flex, fore)}}, 0.8},
	{Move{"cheer", []Key{both(high, high), both(flex, flex), both(diag, diag), both(tuck, tuck)}}, 1},
	{Move{"sweep", []Key{both(shut, out), both(wing, open), both(out, shut), both(open, wing)}}, 0.3},
	{Move{"breathe", []Key{both(wing, wing), both(shut, shut), both(offer, offer), both(settle, settle)}}, 0.1},
	{Move{"shrug", []Key{both(shrug, shrug), both(settle, settle)}}, 0.4},
	{Move{"archer", []Key{both(out, tuck), both(point, pull), both(out, aft), both(low, fore)}}, 0.4},
}

// trunkMoves lead waist, pelvis and centre of mass. All go up and down, so that legs
// dance too.
var trunkMoves = []entry{
	{Move{"sway", []Key{hold(0, 3.5, -2.5, 0, -0.1, 0, 0, 0, 0), hold(0, 0, 0, 0, 0, 0, 0, 0, 0), hold(0, -3.5, -2.5, 0, 0.1, 0, 0, 0, 0), hold(0, 0, 0, 0, 0, 0, 0, 0, 0)}}, 0.2},
	{Move{"bounce", []Key{hold(0, 0, -4, 0, 0, 0.05, 0, 0, 0), hold(0, 0, 0, 0, 0, -0.03, 0, 0, 0)}}, 0.6},
	{Move{"twist", []Key{hold(0, 0, -3, 0.35, 0, 0, 0, 0, -0.1), hold(0, 0, 0, -0.35, 0, 0, 0, 0, 0.1)}}, 0.8},
	{Move{"lean", []Key{hold(0, 1.5, -3, 0, -0.2, 0, 0, 0, 0), hold(0, -1.5, 0, 0, 0.2, 0, 0, 0, 0)}}, 0.4},
	{Move{"chest", []Key{hold(-0.5, 0, -3, 0, 0, 0.2, 0, 0, 0), hold(0.5, 0, 0, 0, 0, -0.12, 0, 0, 0)}}, 0.5},
	{Move{"circle", []Key{hold(0, 3, -2.5, 0, 0.06, 0, -0.06, 0, 0), hold(1.5, 0, 0, 0, 0, -0.1, 0, 0.06, 0), hold(0, -3, -2.5, 0, -0.06, 0, 0.06, 0, 0), hold(-1.5, 0, 0, 0, 0, 0.06, 0, -0.04, 0)}}, 0.4},
	{Move{"bow", []Key{hold(0, 0, -2, 0, 0, 0.25, 0, 0.05, 0), hold(0, 0, -4, 0, 0, 0.36, 0, 0.2, 0), hold(0, 0, -2, 0, 0, 0.15, 0, 0.05, 0), hold(0, 0, 0, 0, 0, -0.05, 0, 0, 0)}}, 0.2},
	{Move{"hip", []Key{hold(0, 1.5, -3, 0, -0.1, 0, 0.08, 0, 0), hold(0, -1.5, -0.5, 0, 0.1, 0, -0.08, 0, 0)}}, 0.6},
	{Move{"dip", []Key{hold(0, 0, -5, 0.2, 0, 0.1, 0, 0, 0), hold(0, 0, -2, 0, 0, 0, 0, 0, 0), hold(0, 0, -5, -0.2, 0, 0.1, 0, 0, 0), hold(0, 0, 0, 0, 0, 0, 0, 0, 0)}}, 0.7},
	{Move{"rock", []Key{hold(1.5, 0, -3, 0, 0, 0.12, 0, 0.03, 0), hold(-1.5, 0, 0, 0, 0, -0.1, 0, -0.02, 0)}}, 0.5},
	{Move{"shoulders", []Key{hold(0, 0, -3, 0.12, 0.15, 0, 0, 0, 0), hold(0, 0, -0.5, -0.12, -0.15, 0, 0, 0, 0)}}, 0.7},
	{Move{"swivel", []Key{hold(0, 0.5, -3, -0.2, 0, 0, 0, 0, 0.14), hold(0, -0.5, -0.5, 0.2, 0, 0, 0, 0, -0.14)}}, 0.8},
	{Move{"groove", []Key{hold(0, 1, -4, 0.18, -0.06, 0.05, 0, 0, 0), hold(0, 0, -0.5, 0, 0, -0.05, 0, 0, 0), hold(0, -1, -4, -0.18, 0.06, 0.05, 0, 0, 0), hold(0, 0, -0.5, 0, 0, -0.05, 0, 0, 0)}}, 0.5},
}

// stand is a key of the feet: where the robot shall stand, m and rad.
func stand(ahead, left, turn float64) Key {
	return Key{"mark_ahead": ahead, "mark_left": left, "heading": turn, "march": 0}
}

// footMoves lead the feet away from the mark.
var footMoves = []entry{
	{Move{"step touch", []Key{stand(0, 0.1, 0)}}, 0.5},
	{Move{"step ahead", []Key{stand(0.1, 0, 0)}}, 0.6},
	{Move{"step back", []Key{stand(-0.09, 0, 0)}}, 0.4},
	{Move{"corner", []Key{stand(0.07, 0.07, 0)}}, 0.6},
	{Move{"angle", []Key{stand(0, 0, 0.5)}}, 0.4},
	{quarterTurn, 0.6},
	{marching, 0.7},
}

var (
	quarterTurn = Move{"quarter turn", []Key{stand(0, 0, 1.57)}}
	marching    = Move{"march", []Key{stand(0, 0, 0).and(Key{"march": 1})}}
	home        = Move{"close", []Key{stand(0, 0, 0)}} // back to the mark, facing ahead
)

// poses begin and end a dance.
var poses = []entry{
	{Move{"open arms", []Key{both(offer, offer).and(hold(0, 0, -1, 0, 0, -0.08, 0, 0, 0))}}, 0.3},
	{Move{"victory", []Key{both(diag, diag).and(hold(0, 0, 0, 0, 0, -0.1, 0, 0, 0))}}, 0.9},
	{Move{"skywards", []Key{both(drop, diag).and(hold(0, 1.5, -2, 0.25, -0.1, 0, 0, 0, 0))}}, 0.7},
	{Move{"strong", []Key{both(flex, flex).and(hold(0, 0, -4, 0, 0, 0.05, 0, 0, 0))}}, 0.6},
	{Move{"frame", []Key{both(post, post).and(hold(0, 0, -3, 0, 0, 0, 0, 0, 0))}}, 0.5},
	{Move{"bowman", []Key{both(out, pull).and(hold(0, 1, -2, 0.3, 0, 0, 0, 0, 0))}}, 0.5},
	{Move{"reverence", []Key{both(out, low).and(hold(0, 0, -3, 0, 0, 0.36, 0, 0.15, 0))}}, 0.2},
	{Move{"calm", []Key{both(settle, settle).and(hold(0, 0, -1, 0, 0, 0, 0, 0, 0))}}, 0.1},
}

// grammar is all moves by name.
var grammar = func() map[string]*Move {
	all := map[string]*Move{"close": &home}
	for _, list := range [][]entry{armMoves, trunkMoves, footMoves, poses} {
		for i := range list {
			all[list[i].Name] = &list[i].Move
		}
	}
	return all
}()

// Moves returns the names of all moves of the grammar.
func Moves() []string {
	all := make([]string, 0, len(grammar))
	for name := range grammar {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}
