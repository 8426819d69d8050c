// What Go and C share of a simulated body. Only the tag mujoco compiles it.
#ifndef SAMOVAR_SIM_H
#define SAMOVAR_SIM_H

#include <stdint.h>

typedef struct mjModel_ mjModel;
typedef struct mjData_ mjData;

// A joint that is driven.
typedef struct {
	const char *name;
	double range[2], torque[2], speed; // speed 0: not known
} Joint;

// What a body is built of. Strings are C strings, or NULL.
typedef struct {
	const char *path, *text; // of the model, one of them
	const char *base, *torso;
	const char *const *units; // sites
	int unitcount;            // 0: one is put into the base
	Joint *joints;
	int jointcount;
	double *start;  // all coordinates
	int startcount;
	double step, friction, mass; // friction 0: the model's own
	double slope[4];             // rotation of the floor
} Plan;

// The drives' command of one joint: 5 numbers in the order of body.Drive.
enum { POSITION, VELOCITY, KP, KD, TORQUE, DRIVE };

// A simulated body.
typedef struct {
	mjModel *m;
	mjData *d;
	int joints, units, base, torso;
	int *q, *v, *actuator, *control; // of each joint: its addresses
	int *unit, *site;                // of each inertial unit: address of its 7 numbers, and where it is
	double *range, *limit;           // 2 of each joint
	double *speed, *square;          // of each joint: greatest, sum of squared torques
	double *torque, *before;         // of each joint: in the last step, and its speed before it
	double *swift, *acceleration;    // of each inertial unit, 3 numbers: velocity; what it felt up to the last sensors, in its axes
	double up[3];                    // the vertical in the torso's axes, as the model was drawn
	double origin[2];                // where the base started
	// Since the last sensors: what each inertial unit gained beyond falling, m/s in its axes, and for how long, s.
	double *gained, felt;
	// Since the last report.
	uint64_t touching[2];
	double tilt;
	int64_t steps; // of square
	// Since the start.
	uint64_t saturated, beyond, fast, self;
	double worsttorque, worstbeyond, worstspeed;
} Sim;

// sim_new builds a body; NULL with a sentence in error if it cannot.
Sim *sim_new(const Plan *plan, char *error, int size);

// sim_advance runs n steps under a command, with a force at the torso's centre of
// mass; 0 if the physics has diverged.
int sim_advance(Sim *s, int n, const double *drives, const double *push);

// sim_sense ends the time over which inertial units feel an acceleration.
void sim_sense(Sim *s);

void sim_free(Sim *s);

#endif
