//go:build mujoco

#include "sim.h"

#include <math.h>
#include <mujoco/mujoco.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// fail ends the process: MuJoCo calls it where it cannot go on, and would
// otherwise write a file and wait for a key.
static void fail(const char *text) {
	fprintf(stderr, "body: MuJoCo cannot go on: %s\n", text);
	exit(1);
}

static void warn(const char *text) { fprintf(stderr, "body: MuJoCo warns: %s\n", text); }

// empty deletes all elements of a kind.
static void empty(mjSpec *spec, mjtObj kind) {
	for (mjsElement *e = mjs_firstElement(spec, kind), *next; e; e = next) {
		next = mjs_nextElement(spec, e);
		mjs_delete(spec, e);
	}
}

// drive adds an actuator whose law sim_advance sets anew with each command.
static void drive(mjSpec *spec, const Joint *j) {
	mjsActuator *a = mjs_addActuator(spec, NULL);
	mjs_setName(a->element, j->name);
	mjs_setString(a->target, j->name);
	a->trntype = mjTRN_JOINT;
	memset(a->gear, 0, sizeof a->gear);
	memset(a->gainprm, 0, sizeof a->gainprm);
	memset(a->biasprm, 0, sizeof a->biasprm);
	a->gear[0] = a->gainprm[0] = 1;
	a->gaintype = mjGAIN_FIXED;
	a->biastype = mjBIAS_AFFINE;
	a->dyntype = mjDYN_NONE;
	a->ctrllimited = a->actlimited = mjLIMITED_FALSE;
	a->forcelimited = mjLIMITED_TRUE;
	a->forcerange[0] = j->torque[0];
	a->forcerange[1] = j->torque[1];
}

// unit adds sensors of an inertial unit. MuJoCo's accelerometer is none of them: it is told of
// accelerations before damping is integrated, which are not those that follow.
static void unit(mjSpec *spec, int i, const char *site) {
	static const mjtSensor types[2] = {mjSENS_FRAMEQUAT, mjSENS_GYRO};
	for (int k = 0; k < 2; k++) {
		char name[64];
		snprintf(name, sizeof name, "samovar %d %d", i, k);
		mjsSensor *s = mjs_addSensor(spec);
		mjs_setName(s->element, name);
		s->type = types[k];
		s->objtype = mjOBJ_SITE;
		mjs_setString(s->objname, site);
	}
}

// scene adds a floor and a light where the file has none.
static void scene(mjSpec *spec) {
	mjsBody *world = mjs_findBody(spec, "world");
	int floors = 0;
	for (mjsElement *e = mjs_firstChild(world, mjOBJ_GEOM, 0); e; e = mjs_nextChild(world, e, 0)) {
		mjsGeom *g = mjs_asGeom(e);
		floors += g->type == mjGEOM_PLANE || g->type == mjGEOM_HFIELD;
	}
	if (!floors) {
		mjsGeom *g = mjs_addGeom(world, NULL);
		mjs_setName(g->element, "floor");
		g->type = mjGEOM_PLANE;
		g->size[0] = g->size[1] = 0;
		g->size[2] = 0.05;
		g->contype = g->conaffinity = 1;
	}
	if (!mjs_firstElement(spec, mjOBJ_LIGHT)) {
		mjsLight *l = mjs_addLight(world, NULL);
		l->pos[0] = l->pos[1] = 0;
		l->pos[2] = 3.5;
	}
}

static mjModel *compile(const Plan *p, char *error, int size) {
	mjSpec *spec = p->path ? mj_parseXML(p->path, NULL, error, size) : mj_parseXMLString(p->text, NULL, error, size);
	if (!spec) return NULL;
	empty(spec, mjOBJ_ACTUATOR);
	empty(spec, mjOBJ_SENSOR);
	empty(spec, mjOBJ_KEY);
	for (int i = 0; i < p->jointcount; i++) drive(spec, &p->joints[i]);
	for (int i = 0; i < p->unitcount; i++) unit(spec, i, p->units[i]);
	if (!p->unitcount) {
		mjsSite *s = mjs_addSite(mjs_findBody(spec, p->base), NULL);
		mjs_setName(s->element, "samovar unit");
		unit(spec, 0, "samovar unit");
	}
	scene(spec);
	// Gains are large against the small inertia of wrists: the drives' damping is
	// integrated implicitly, as in effect it is by a drive's own fast loop.
	spec->option.integrator = mjINT_IMPLICITFAST;
	spec->option.timestep = p->step;
	mjModel *m = mj_compile(spec, NULL);
	if (!m) snprintf(error, size, "%s", mjs_getError(spec));
	mj_deleteSpec(spec);
	return m;
}

static int is_floor(const mjModel *m, int g) {
	return m->body_weldid[m->geom_bodyid[g]] == 0 && (m->geom_type[g] == mjGEOM_PLANE || m->geom_type[g] == mjGEOM_HFIELD);
}

// vary changes masses, friction and slope.
static void vary(Sim *s, const Plan *p) {
	mjModel *m = s->m;
	for (int i = 1; i < m->nbody; i++) {
		m->body_mass[i] *= p->mass;
		for (int k = 0; k < 3; k++) m->body_inertia[3 * i + k] *= p->mass;
	}
	int highest = 0;
	for (int g = 0; g < m->ngeom; g++)
		if (m->geom_priority[g] > highest) highest = m->geom_priority[g];
	for (int g = 0; g < m->ngeom; g++) {
		if (!is_floor(m, g)) continue;
		if (p->friction > 0) { // the geom of higher priority decides
			m->geom_friction[3 * g] = p->friction;
			m->geom_priority[g] = highest + 1;
		}
		mjtNum pos[3], quat[4];
		mju_rotVecQuat(pos, m->geom_pos + 3 * g, p->slope);
		mju_mulQuat(quat, p->slope, m->geom_quat + 4 * g);
		mju_copy3(m->geom_pos + 3 * g, pos);
		mju_copy4(m->geom_quat + 4 * g, quat);
		m->geom_sameframe[g] = mjSAMEFRAME_NONE;
	}
	mj_setConst(m, s->d);
}

// stand puts the robot on the floor in its starting configuration.
static void stand(Sim *s, const Plan *p) {
	mjModel *m = s->m;
	mjData *d = s->d;
	mj_resetData(m, d);
	mju_copy(d->qpos, p->start, m->nq);
	mj_kinematics(m, d);
	mju_mulMatTVec3(s->up, d->xmat + 9 * s->torso, (mjtNum[3]){0, 0, 1});
	int at = m->jnt_qposadr[m->body_jntadr[s->base]];
	mjtNum pos[3], quat[4];
	mju_rotVecQuat(pos, d->qpos + at, p->slope);
	mju_mulQuat(quat, p->slope, d->qpos + at + 3);
	mju_copy3(d->qpos + at, pos);
	mju_copy4(d->qpos + at + 3, quat);
	mj_fwdPosition(m, d);
	mjtNum gap = 10, lift[3];
	for (int f = 0; f < m->ngeom; f++) {
		if (!is_floor(m, f) || m->geom_type[f] != mjGEOM_PLANE) continue;
		for (int g = 0; g < m->ngeom; g++)
			if (m->body_weldid[m->geom_bodyid[g]] && (m->geom_contype[g] || m->geom_conaffinity[g]))
				gap = fmin(gap, mj_geomDistance(m, d, f, g, 10, NULL));
	}
	mju_rotVecQuat(lift, (mjtNum[3]){0, 0, -1}, p->slope);
	if (gap < 10) mju_addToScl3(d->qpos + at, lift, gap);
	s->origin[0] = d->qpos[at];
	s->origin[1] = d->qpos[at + 1];
	mj_forward(m, d);
	mj_step1(m, d);
	for (int i = 0; i < s->units; i++) {
		mjtNum held[3];
		mju_scl3(held, m->opt.gravity, -1);
		mju_mulMatTVec3(s->acceleration + 3 * i, d->site_xmat + 9 * s->site[i], held);
	}
}

static int *ints(int n) { return calloc(n + 1, sizeof(int)); }
static double *doubles(int n) { return calloc(n + 1, sizeof(double)); }

// find looks up where the parts of a plan are.
static int find(Sim *s, const Plan *p, char *error, int size) {
	mjModel *m = s->m;
	s->joints = p->jointcount;
	s->units = p->unitcount ? p->unitcount : 1;
	s->q = ints(s->joints), s->v = ints(s->joints), s->actuator = ints(s->joints), s->control = ints(s->joints), s->unit = ints(s->units), s->site = ints(s->units);
	s->range = doubles(2 * s->joints), s->limit = doubles(2 * s->joints), s->speed = doubles(s->joints), s->square = doubles(s->joints);
	s->torque = doubles(s->joints), s->before = doubles(s->joints), s->swift = doubles(3 * s->units), s->gained = doubles(3 * s->units), s->acceleration = doubles(3 * s->units);
	s->base = mj_name2id(m, mjOBJ_BODY, p->base);
	s->torso = mj_name2id(m, mjOBJ_BODY, p->torso);
	if (m->nq != p->startcount || s->base < 0 || s->torso < 0) {
		snprintf(error, size, "MuJoCo sees %d coordinates instead of %d, or no body %s or %s", (int)m->nq, p->startcount, p->base, p->torso);
		return 0;
	}
	for (int i = 0; i < s->joints; i++) {
		const Joint *j = &p->joints[i];
		int id = mj_name2id(m, mjOBJ_JOINT, j->name), a = mj_name2id(m, mjOBJ_ACTUATOR, j->name);
		if (id < 0 || a < 0) {
			snprintf(error, size, "MuJoCo sees no joint %s", j->name);
			return 0;
		}
		s->q[i] = m->jnt_qposadr[id], s->v[i] = m->jnt_dofadr[id], s->actuator[i] = a, s->control[i] = m->actuator_ctrladr[a];
		memcpy(s->range + 2 * i, j->range, sizeof j->range);
		memcpy(s->limit + 2 * i, j->torque, sizeof j->torque);
		s->speed[i] = j->speed;
	}
	for (int i = 0; i < s->units; i++) {
		char name[64];
		snprintf(name, sizeof name, "samovar %d 0", i);
		int id = mj_name2id(m, mjOBJ_SENSOR, name);
		s->unit[i] = m->sensor_adr[id], s->site[i] = m->sensor_objid[id];
	}
	return 1;
}

Sim *sim_new(const Plan *p, char *error, int size) {
	mju_user_error = fail;
	mju_user_warning = warn;
	mjModel *m = compile(p, error, size);
	if (!m) return NULL;
	Sim *s = calloc(1, sizeof(Sim));
	s->m = m;
	s->d = mj_makeData(m);
	if (!find(s, p, error, size)) {
		sim_free(s);
		return NULL;
	}
	vary(s, p);
	stand(s, p);
	return s;
}

static void touch(Sim *s, const mjContact *c, int *self) {
	if (c->dist >= 0 || c->geom[0] < 0 || c->geom[1] < 0) return;
	const mjModel *m = s->m;
	int a = m->geom_bodyid[c->geom[0]], b = m->geom_bodyid[c->geom[1]];
	int fixed_a = m->body_weldid[a] == 0, fixed_b = m->body_weldid[b] == 0;
	if (fixed_a == fixed_b) {
		*self |= !fixed_a;
		return;
	}
	if (fixed_a) a = b;
	s->touching[a / 64] |= (uint64_t)1 << a % 64;
}

// account looks at the state after a step.
static void account(Sim *s) {
	const mjData *d = s->d;
	int self = 0;
	for (int i = 0; i < d->ncon; i++) touch(s, &d->contact[i], &self);
	s->self += self;
	mjtNum up[3];
	mju_mulMatVec3(up, d->xmat + 9 * s->torso, s->up);
	s->tilt = fmax(s->tilt, acos(fmin(1, fmax(-1, up[2]))));
	for (int i = 0; i < s->joints; i++) {
		double q = d->qpos[s->q[i]], v = fabs(d->qvel[s->v[i]]);
		double beyond = fmax(s->range[2 * i] - q, q - s->range[2 * i + 1]);
		s->worstbeyond = fmax(s->worstbeyond, beyond);
		s->beyond += beyond > 0.02; // referee.Soft
		if (s->speed[i] > 0) {
			s->worstspeed = fmax(s->worstspeed, v / s->speed[i]);
			s->fast += v > s->speed[i];
		}
	}
}

// command puts the law of each drive into its actuator, and counts where it asks
// for more than the drive has.
static void command(Sim *s, const double *drives) {
	mjModel *m = s->m;
	mjData *d = s->d;
	for (int i = 0; i < s->joints; i++) {
		const double *c = drives + DRIVE * i;
		double *bias = m->actuator_biasprm + mjNBIAS * s->actuator[i];
		bias[1] = -c[KP];
		bias[2] = -c[KD];
		double control = c[KP] * c[POSITION] + c[KD] * c[VELOCITY] + c[TORQUE];
		d->ctrl[s->control[i]] = control;
		double torque = control - c[KP] * d->qpos[s->q[i]] - c[KD] * d->qvel[s->v[i]];
		double limit = s->limit[2 * i + (torque > 0)];
		s->saturated += fabs(torque) > fabs(limit);
		if (limit != 0) s->worsttorque = fmax(s->worsttorque, torque / limit);
	}
}

// exert takes down what the drives exerted in a step: with damping at the speed after it, as
// it is integrated, unless it was cut.
static void exert(Sim *s, const double *drives) {
	const mjData *d = s->d;
	for (int i = 0; i < s->joints; i++) {
		double t = d->actuator_force[s->actuator[i]], low = s->limit[2 * i], high = s->limit[2 * i + 1];
		if (low < t && t < high) t = fmin(high, fmax(low, t - drives[DRIVE * i + KD] * (d->qvel[s->v[i]] - s->before[i])));
		s->torque[i] = t;
		s->square[i] += t * t;
	}
}

// feel adds what inertial units gained in a step, in their own axes.
static void feel(Sim *s) {
	const mjModel *m = s->m;
	mjData *d = s->d;
	for (int i = 0; i < s->units; i++) {
		mjtNum v[6], gain[3], own[3];
		mj_objectVelocity(m, d, mjOBJ_SITE, s->site[i], v, 0);
		mju_sub3(gain, v + 3, s->swift + 3 * i);
		mju_addToScl3(gain, m->opt.gravity, -m->opt.timestep);
		mju_mulMatTVec3(own, d->site_xmat + 9 * s->site[i], gain);
		mju_addTo3(s->gained + 3 * i, own);
		mju_copy3(s->swift + 3 * i, v + 3);
	}
	s->felt += m->opt.timestep;
}

int sim_advance(Sim *s, int n, const double *drives, const double *push) {
	mjModel *m = s->m;
	mjData *d = s->d;
	mju_copy3(d->xfrc_applied + 6 * s->torso, push);
	for (int k = 0; k < n; k++) {
		command(s, drives);
		for (int i = 0; i < s->joints; i++) s->before[i] = d->qvel[s->v[i]];
		mj_step2(m, d);
		exert(s, drives);
		mj_step1(m, d);
		feel(s);
		account(s);
		s->steps++;
	}
	return !d->warning[mjWARN_BADQPOS].number && !d->warning[mjWARN_BADQVEL].number && !d->warning[mjWARN_BADQACC].number;
}

void sim_sense(Sim *s) {
	if (s->felt == 0) return;
	for (int i = 0; i < 3 * s->units; i++) {
		s->acceleration[i] = s->gained[i] / s->felt;
		s->gained[i] = 0;
	}
	s->felt = 0;
}

void sim_free(Sim *s) {
	if (!s) return;
	mj_deleteData(s->d);
	mj_deleteModel(s->m);
	free(s->q), free(s->v), free(s->actuator), free(s->control), free(s->unit), free(s->site);
	free(s->range), free(s->limit), free(s->speed), free(s->square);
	free(s->torque), free(s->before), free(s->swift), free(s->gained), free(s->acceleration);
	free(s);
}
