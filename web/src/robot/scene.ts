// The picture: three.js shows the robot as its shapes, and what its balance is about
// as layers. The floor is z = 0; distances are metres.
import {
  BoxGeometry,
  BufferAttribute,
  BufferGeometry,
  Color,
  ConeGeometry,
  CylinderGeometry,
  DirectionalLight,
  DoubleSide,
  DynamicDrawUsage,
  Fog,
  Group,
  HemisphereLight,
  LineBasicMaterial,
  LineLoop,
  LineSegments,
  Mesh,
  MeshBasicMaterial,
  Object3D,
  PCFShadowMap,
  PerspectiveCamera,
  PlaneGeometry,
  Raycaster,
  RingGeometry,
  Scene as Stage,
  ShadowMaterial,
  SphereGeometry,
  Vector2,
  Vector3,
  WebGLRenderer,
} from 'three';
import { OrbitControls } from 'three/addons/controls/OrbitControls.js';
import type { Moment, Point, Robot } from '../api/robot';
import { between, fan, pushOf, strongest, type Motion } from './motion';
import { Puppet } from './puppet';

export const layers = ['support', 'centre', 'capture', 'forces', 'push', 'beat', 'reach'] as const;
export type Layer = (typeof layers)[number];

/** What is taken from the page: CSS colours, such as rgb(1, 2, 3). */
export type Colours = Record<Layer | 'paper' | 'line' | 'soft', string>;

const metresPerNewton = 1 / 600; // half the robot's weight is an arrow of 0.3 m
const metresPerImpulse = 0.6 / strongest;
const pushSeconds = 0.1; // for how long a push's force acts, so both arrows have one length
const home = { target: new Vector3(0, 0, 0.57), from: new Vector3(2.5, -1.15, 1.2) };
const cornersShown = 32;

/** An arrow along y, one metre long until it is set. */
class Arrow extends Group {
  private readonly shaft: Mesh;
  private readonly head: Mesh;

  constructor(material: MeshBasicMaterial, radius: number) {
    super();
    this.shaft = new Mesh(new CylinderGeometry(radius, radius, 1, 12).translate(0, 0.5, 0), material);
    this.head = new Mesh(new ConeGeometry(radius * 2.6, radius * 6, 16).translate(0, -radius * 3, 0), material);
    this.add(this.shaft, this.head);
    this.visible = false;
  }

  set(at: Vector3, along: Vector3) {
    const length = along.length();
    this.visible = length > 0.01;
    if (!this.visible) return;
    this.position.copy(at);
    this.quaternion.setFromUnitVectors(up, along.clone().divideScalar(length));
    this.shaft.scale.y = length * 0.9;
    this.head.position.y = length;
  }
}
const up = new Vector3(0, 1, 0);
const vector = (p: Point) => new Vector3(...p);

/** What is drawn over the robot for the sake of explanation. */
class Overlay {
  readonly groups = Object.fromEntries(layers.map((l) => [l, new Group()])) as Record<Layer, Group>;
  readonly materials = Object.fromEntries(
    layers.map((l) => [l, new MeshBasicMaterial({ side: DoubleSide, transparent: true, fog: false })]),
  ) as Record<Layer, MeshBasicMaterial>;
  private readonly edge = new LineLoop(new BufferGeometry(), new LineBasicMaterial({ fog: false }));
  private readonly polygon = new BufferGeometry();
  private readonly corners = new BufferAttribute(new Float32Array(3 * cornersShown), 3).setUsage(DynamicDrawUsage);
  private readonly ball: Mesh;
  private readonly plumb: Mesh;
  private readonly foot: Mesh;
  private readonly capture: Mesh;
  private readonly ring: Mesh;
  private readonly forces: Arrow[] = [];
  readonly push: Arrow;

  constructor(reach: number) {
    const { support, centre, capture, forces, push, beat } = this.materials;
    support.opacity = 0.3;
    support.depthWrite = false;
    this.polygon.setAttribute('position', this.corners);
    const fill = new Mesh(this.polygon, support);
    fill.frustumCulled = this.edge.frustumCulled = false;
    this.edge.geometry.setAttribute('position', this.corners); // the polygon's index is of triangles
    this.groups.support.add(fill, this.edge);

    centre.depthTest = forces.depthTest = false; // they lie within the robot
    forces.opacity = 0.85;
    this.ball = new Mesh(new SphereGeometry(0.024, 24, 16), centre);
    this.plumb = new Mesh(new CylinderGeometry(0.003, 0.003, 1, 8).rotateX(Math.PI / 2).translate(0, 0, 0.5), centre);
    this.foot = new Mesh(new SphereGeometry(0.014, 16, 12).scale(1, 1, 0.2), centre);
    for (const part of [this.ball, this.plumb, this.foot]) part.renderOrder = 2;
    this.groups.centre.add(this.ball, this.plumb, this.foot);

    this.capture = new Mesh(new RingGeometry(0.026, 0.04, 40), capture);
    this.groups.capture.add(this.capture);
    this.push = new Arrow(push, 0.012);
    this.groups.push.add(this.push);
    this.ring = new Mesh(new RingGeometry(0.5, 0.525, 96), beat);
    this.ring.position.z = 0.002;
    beat.opacity = 0;
    beat.depthWrite = false;
    this.groups.beat.add(this.ring);
    if (reach > 0) {
      const edge = new Mesh(new RingGeometry(reach - 0.012, reach + 0.012, 128), this.materials.reach);
      edge.position.z = 0.0015;
      this.groups.reach.add(edge);
    }
  }

  colour(c: Colours) {
    for (const l of layers) this.materials[l].color.set(c[l]);
    this.edge.material.color.set(c.support);
  }

  show(before: Moment, last: Moment, share: number, torso: Vector3) {
    const corners = last.support.slice(0, cornersShown);
    corners.forEach((p, i) => this.corners.setXYZ(i, p[0], p[1], p[2] + 0.004));
    this.corners.needsUpdate = true;
    this.polygon.setIndex(fan(corners.length));
    this.edge.geometry.setDrawRange(0, corners.length);

    const centre = between(before.centre, last.centre, share);
    this.ball.position.set(...centre);
    this.plumb.position.set(centre[0], centre[1], 0);
    this.plumb.scale.z = Math.max(0.01, centre[2]);
    this.foot.position.set(centre[0], centre[1], 0.003);
    this.capture.visible = last.capture !== undefined;
    if (last.capture) this.capture.position.set(...between(before.capture ?? last.capture, last.capture, share)).setZ(0.006);

    while (this.forces.length < last.forces.length) {
      const arrow = new Arrow(this.materials.forces, 0.008);
      for (const part of arrow.children) part.renderOrder = 1;
      this.forces.push(arrow);
      this.groups.forces.add(arrow);
    }
    this.forces.forEach((arrow, i) => {
      const f = last.forces[i];
      if (f) arrow.set(vector(f.at), vector(f.force).multiplyScalar(metresPerNewton));
      else arrow.visible = false;
    });
    this.push.set(torso, vector(last.push ?? [0, 0, 0]).multiplyScalar(pushSeconds * metresPerImpulse));
  }

  /** The ring, some seconds after a beat; a bar's first beat is larger, and between
   * beats it is faint. */
  pulse(since: number, down: boolean, playing: boolean, still: boolean): boolean {
    const left = Math.exp(-since * 5);
    this.materials.beat.opacity = playing ? 0.2 + (down ? 0.8 : 0.45) * left : 0;
    this.ring.scale.setScalar(still ? 1 : 1 + (down ? 0.14 : 0.06) * (1 - left));
    return left > 0.01;
  }
}

function mark(material: MeshBasicMaterial): Object3D {
  const group = new Group();
  group.add(new Mesh(new RingGeometry(0.1, 0.106, 48), material));
  for (const [w, h] of [[0.3, 0.006], [0.006, 0.3]] as const) group.add(new Mesh(new BoxGeometry(w, h, 0.0005), material));
  group.position.z = 0.001;
  return group;
}

/** Lines half a metre apart, in pieces as long: one that begins behind the camera is
 * left out by some machines. */
function grid(): LineSegments<BufferGeometry, LineBasicMaterial> {
  const points: number[] = [];
  const [reach, step] = [8, 0.5];
  for (let a = -reach; a <= reach; a += step) {
    for (let b = -reach; b < reach; b += step) points.push(a, b, 0, a, b + step, 0, b, a, 0, b + step, a, 0);
  }
  const geometry = new BufferGeometry().setAttribute('position', new BufferAttribute(new Float32Array(points), 3));
  return new LineSegments(geometry, new LineBasicMaterial());
}

export interface Options {
  robot: Robot;
  motion: Motion;
  /** The reader wants little motion: the camera follows nothing and does not glide. */
  still: boolean;
  /** The push while it is drawn; undefined when it is over. */
  ondrag: (impulse?: [number, number]) => void;
  onpush: (impulse: [number, number]) => void;
}

export class Scene {
  private readonly renderer: WebGLRenderer;
  private readonly stage = new Stage();
  private readonly camera = new PerspectiveCamera(34, 1, 0.05, 40);
  private readonly controls: OrbitControls;
  private readonly overlay: Overlay;
  private readonly puppet: Puppet;
  private readonly sun = new DirectionalLight(0xffffff, 2.2);
  private readonly sky = new HemisphereLight(0xffffff, 0x888888, 1.6);
  private readonly grid = grid();
  private readonly floor = new Mesh(new PlaneGeometry(16, 16), new ShadowMaterial({ opacity: 0.18 }));
  private readonly soft = new MeshBasicMaterial();
  private readonly ray = new Raycaster();
  private readonly size = new Vector2(1, 1);
  private readonly abort = new AbortController();
  private grasp?: { id: number; x: number; y: number; impulse: [number, number] };
  private beatAt = -Infinity;
  private down = false;
  private dirty = true;
  private slow = 0;
  private drawn = -Infinity; // when, in seconds

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly options: Options,
  ) {
    this.renderer = new WebGLRenderer({ canvas, antialias: true, alpha: true });
    this.renderer.setPixelRatio(Math.min(2, devicePixelRatio));
    this.renderer.shadowMap.enabled = true;
    this.renderer.shadowMap.type = PCFShadowMap;
    this.overlay = new Overlay(options.robot.reach ?? 0);
    this.puppet = new Puppet(options.robot, () => (this.dirty = true));
    this.camera.up.set(0, 0, 1);
    this.light();
    this.grid.position.z = 0.0005; // each of what lies on the floor has a height of its own
    this.floor.material.depthWrite = false;
    this.floor.receiveShadow = true;
    this.stage.add(this.floor, this.grid, mark(this.soft), this.puppet.root, ...Object.values(this.overlay.groups));
    this.listen(); // before the controls, which must not turn what is grasped
    this.controls = new OrbitControls(this.camera, canvas);
    this.controls.enablePan = false;
    this.controls.enableDamping = !options.still;
    this.controls.minDistance = 0.8;
    this.controls.maxDistance = 9;
    this.controls.maxPolarAngle = Math.PI / 2 - 0.03; // above the floor
    this.controls.addEventListener('change', () => (this.dirty = true));
    this.reset();
  }

  private light() {
    this.sun.position.set(1.6, -1.2, 3.2);
    this.sun.castShadow = true;
    this.sun.shadow.mapSize.set(1024, 1024);
    this.sun.shadow.radius = 4;
    this.sun.shadow.bias = -0.0005;
    const c = this.sun.shadow.camera;
    [c.left, c.right, c.top, c.bottom, c.near, c.far] = [-1.5, 1.5, 1.5, -1.5, 0.5, 6];
    this.sky.position.set(0, 0, 1);
    this.stage.add(this.sky, this.sun, this.sun.target);
  }

  /** As the page looks now. */
  colour(c: Colours) {
    this.overlay.colour(c);
    this.soft.color.set(c.soft);
    this.stage.fog = new Fog(new Color(c.paper), 3.5, 8);
    this.grid.material.color.set(c.line);
    this.dirty = true;
  }

  layer(name: Layer, shown: boolean) {
    this.overlay.groups[name].visible = shown;
    this.dirty = true;
  }

  resize(width: number, height: number) {
    if (width < 1 || height < 1) return;
    this.size.set(width, height);
    this.renderer.setSize(width, height, false);
    this.camera.aspect = width / height;
    this.camera.updateProjectionMatrix();
    this.dirty = true;
  }

  /** Looks from where it first did, far enough for arms that are spread. */
  reset() {
    this.controls.target.copy(home.target);
    const far = Math.max(1, 0.95 / this.camera.aspect);
    this.camera.position.copy(home.from).sub(home.target).multiplyScalar(far).add(home.target);
    this.controls.update();
    this.dirty = true;
  }

  /** Turns the camera about the robot, in radians, and brings it nearer by a factor. */
  orbit(around: number, above: number, nearer: number) {
    const v = this.camera.position.clone().sub(this.controls.target);
    const radius = v.length() * nearer;
    const azimuth = Math.atan2(v.y, v.x) + around;
    const flat = Math.PI / 2 - 0.05;
    const height = Math.min(flat, Math.max(0.03, Math.asin(v.z / v.length()) + above));
    v.set(Math.cos(azimuth) * Math.cos(height), Math.sin(azimuth) * Math.cos(height), Math.sin(height)).multiplyScalar(radius);
    this.camera.position.copy(v.add(this.controls.target));
    this.controls.update();
    this.dirty = true;
  }

  beat(now: number, down: boolean) {
    this.beatAt = now;
    this.down = down;
  }

  /** Draws what there is at a time in seconds, if anything has changed. */
  frame(now: number, fresh: boolean) {
    const { motion, still } = this.options;
    const pulsing = this.overlay.pulse(now - this.beatAt, this.down, motion.last?.song !== undefined || motion.last?.ear?.dancing === true, still);
    this.controls.update();
    if (!fresh && !pulsing && !this.dirty && !this.grasp) return;
    this.dirty = pulsing;
    if (motion.before && motion.last) {
      const share = motion.share(now);
      this.puppet.show(motion, share);
      const torso = this.puppet.middle();
      this.overlay.show(motion.before, motion.last, share, torso);
      if (this.grasp) {
        const [x, y] = this.grasp.impulse;
        this.overlay.push.set(torso, new Vector3(x, y, 0).multiplyScalar(metresPerImpulse));
      }
      this.follow();
    }
    this.renderer.render(this.stage, this.camera);
    this.spare(now - this.drawn);
    this.drawn = now;
  }

  /** The camera goes along, slowly, where the robot goes. */
  private follow() {
    const root = this.puppet.bodies[0];
    if (!root || this.options.still || this.grasp) return;
    const step = new Vector3(root.position.x - this.controls.target.x, root.position.y - this.controls.target.y, 0).multiplyScalar(0.02);
    if (step.length() < 1e-4) return;
    this.controls.target.add(step);
    this.camera.position.add(step);
  }

  /** A machine that draws slowly draws less: the robot's motion matters, not its shadow.
   * since is when it last drew, in seconds; long ago it had nothing to draw. */
  private spare(since: number) {
    this.slow = since > 0.05 && since < 2 ? this.slow + 1 : Math.max(0, this.slow - 1);
    if (this.slow < 20 || !this.sun.castShadow) return;
    this.sun.castShadow = false;
    this.renderer.setPixelRatio(1);
    this.resize(this.size.x, this.size.y);
  }

  private listen() {
    const on = <K extends keyof HTMLElementEventMap>(type: K, f: (e: HTMLElementEventMap[K]) => void) =>
      this.canvas.addEventListener(type, f, { signal: this.abort.signal });
    on('pointerdown', (e) => this.grab(e));
    on('pointermove', (e) => this.drag(e));
    on('pointerup', (e) => this.release(e, true));
    on('pointercancel', (e) => this.release(e, false));
  }

  /** Whether a point of the picture, in CSS pixels, lies on the robot. */
  private touches(e: PointerEvent): boolean {
    const box = this.canvas.getBoundingClientRect();
    const at = new Vector2(((e.clientX - box.left) / box.width) * 2 - 1, 1 - ((e.clientY - box.top) / box.height) * 2);
    this.ray.setFromCamera(at, this.camera);
    return this.puppet.hit(this.ray);
  }

  private grab(e: PointerEvent) {
    if (!this.options.robot.simulated || this.grasp || e.button !== 0 || !this.touches(e)) return;
    this.grasp = { id: e.pointerId, x: e.clientX, y: e.clientY, impulse: [0, 0] };
    this.controls.enabled = false;
    this.canvas.setPointerCapture(e.pointerId);
    this.options.ondrag([0, 0]);
  }

  private drag(e: PointerEvent) {
    if (!this.grasp) {
      if (e.pointerType === 'mouse' && e.buttons === 0 && this.options.robot.simulated) {
        this.canvas.style.cursor = this.touches(e) ? 'grab' : '';
      }
      return;
    }
    if (e.pointerId !== this.grasp.id) return;
    const look = this.camera.getWorldDirection(new Vector3());
    const height = this.size.y;
    this.grasp.impulse = pushOf((e.clientX - this.grasp.x) / height, (this.grasp.y - e.clientY) / height, Math.atan2(look.y, look.x));
    this.options.ondrag(this.grasp.impulse);
  }

  private release(e: PointerEvent, meant: boolean) {
    if (!this.grasp || e.pointerId !== this.grasp.id) return;
    const { impulse } = this.grasp;
    this.grasp = undefined;
    this.controls.enabled = true;
    this.dirty = true;
    this.options.ondrag();
    // Less than 1 N·s is a click, or a hand that thought better of it.
    if (meant && Math.hypot(...impulse) >= 1) this.options.onpush(impulse);
  }

  end() {
    this.abort.abort();
    this.controls.dispose();
    this.stage.traverse((o) => {
      if (!(o instanceof Mesh || o instanceof LineSegments || o instanceof LineLoop)) return;
      o.geometry.dispose();
      for (const m of [o.material].flat()) m.dispose();
    });
    this.renderer.dispose();
    this.renderer.forceContextLoss(); // a browser keeps few of them
  }
}
