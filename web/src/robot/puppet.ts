// The robot as it is drawn: its shapes, a group a body.
import {
  Box3,
  BufferGeometry,
  CapsuleGeometry,
  CylinderGeometry,
  Group,
  Mesh,
  MeshStandardMaterial,
  type Object3D,
  type Raycaster,
  Sphere,
  SphereGeometry,
  SRGBColorSpace,
  Vector3,
} from 'three';
import { RoundedBoxGeometry } from 'three/addons/geometries/RoundedBoxGeometry.js';
import { STLLoader } from 'three/addons/loaders/STLLoader.js';
import { mesh as fetchMesh, type Robot, type Shape } from '../api/robot';
import { blend, type Motion } from './motion';

function geometry({ type, size: [x, y, z] }: Shape): BufferGeometry {
  switch (type) {
    case 'sphere':
      return new SphereGeometry(x, 32, 20);
    case 'ellipsoid':
      return new SphereGeometry(1, 32, 20).scale(x, y, z);
    case 'box':
      return new RoundedBoxGeometry(2 * x, 2 * y, 2 * z, 3, Math.min(0.012, x / 2, y / 2, z / 2));
    // three.js has these along y, MuJoCo along z, with half their length.
    case 'capsule':
      return new CapsuleGeometry(x, 2 * y, 10, 28).rotateX(Math.PI / 2);
    case 'cylinder':
      return new CylinderGeometry(x, x, 2 * y, 32).rotateX(Math.PI / 2);
    case 'mesh':
      return new BufferGeometry(); // until its file is there
  }
}

export class Puppet {
  readonly root = new Group();
  readonly bodies: Group[];
  private readonly pose: Float64Array;
  /** Where it is pushed and grasped. */
  readonly torso: number;
  private mouth?: MeshStandardMaterial;
  private readonly meshes: Mesh[] = [];
  /** Shapes whose files are not there yet. */
  private awaited: number;

  constructor(robot: Robot, loaded: () => void) {
    this.bodies = robot.bodies.map(() => new Group());
    this.root.add(...this.bodies);
    this.pose = new Float64Array(7 * robot.bodies.length);
    const named = robot.bodies.findIndex((n) => /torso|trunk|chest/i.test(n));
    this.torso = Math.max(0, named);
    for (const s of robot.shapes) {
      const [r, g, b, opacity] = s.color;
      const material = new MeshStandardMaterial({ roughness: 0.55, metalness: 0.05, transparent: opacity < 1, opacity });
      material.color.setRGB(r, g, b, SRGBColorSpace);
      const mesh = new Mesh(geometry(s), material);
      mesh.geometry.computeBoundingSphere();
      const [w, x, y, z] = s.orientation;
      mesh.position.set(...s.position);
      mesh.quaternion.set(x, y, z, w).normalize();
      mesh.castShadow = mesh.receiveShadow = true;
      this.bodies[s.body]!.add(mesh);
      this.meshes.push(mesh);
    }
    const files = robot.shapes.flatMap((s, i) => (s.mesh === undefined ? [] : [{ shape: s, mesh: this.meshes[i]!, number: s.mesh }]));
    this.awaited = files.length;
    // Two at a time: a browser keeps six connections to a server.
    const next = async (): Promise<void> => {
      const file = files.shift();
      if (!file) return;
      await this.load(file.mesh, file.shape, file.number).catch(() => {}); // the others are drawn
      this.awaited--;
      loaded();
      return next();
    };
    void next();
    void next();
  }

  /** Takes the triangles of a mesh from its file. Whether they are hit is told by their
   * box: they are many. */
  private async load(mesh: Mesh, { size }: Shape, number: number) {
    const geometry = new STLLoader().parse(await fetchMesh(number)).scale(...size);
    geometry.computeBoundingBox();
    geometry.computeBoundingSphere();
    mesh.geometry.dispose();
    mesh.geometry = geometry;
    mesh.raycast = (ray, hits) => {
      const box = new Box3().copy(geometry.boundingBox!);
      const local = ray.ray.clone().applyMatrix4(mesh.matrixWorld.clone().invert());
      const point = local.intersectBox(box, new Vector3())?.applyMatrix4(mesh.matrixWorld);
      if (point) hits.push({ point, distance: point.distanceTo(ray.ray.origin), object: mesh });
    };
  }

  show(motion: Motion, share: number) {
    const { before, last } = motion;
    if (!before || !last || last.poses.length !== this.pose.length) return;
    blend(this.pose, before.poses, last.poses, share);
    this.bodies.forEach((b, i) => {
      const p = this.pose.subarray(7 * i);
      b.position.set(p[0]!, p[1]!, p[2]!);
      b.quaternion.set(p[4]!, p[5]!, p[6]!, p[3]!);
    });
    if (this.awaited === 0) this.mouth ??= this.highest();
    this.mouth?.emissive.setScalar(0.65 * last.mouth);
  }

  /** What lights up as it speaks: its highest shape, which is the head. */
  private highest(): MeshStandardMaterial | undefined {
    this.root.updateWorldMatrix(true, true);
    const at = new Vector3();
    let best: Mesh | undefined;
    let height = -Infinity;
    for (const m of this.meshes) {
      m.localToWorld(at.copy((m.geometry.boundingSphere ?? new Sphere()).center));
      if (at.z <= height) continue;
      height = at.z;
      best = m;
    }
    return best?.material as MeshStandardMaterial | undefined;
  }

  /** Where it is pushed: the middle of the torso's largest shape. */
  middle(): Vector3 {
    const body = this.bodies[this.torso];
    const radius = (m: Object3D) => ((m as Mesh).geometry.boundingSphere ?? new Sphere()).radius;
    const largest = body?.children.toSorted((a, b) => radius(b) - radius(a))[0] as Mesh | undefined;
    return largest?.localToWorld((largest.geometry.boundingSphere ?? new Sphere()).center.clone()) ?? new Vector3();
  }

  hit(ray: Raycaster): boolean {
    return ray.intersectObjects(this.meshes, false).length > 0;
  }
}
