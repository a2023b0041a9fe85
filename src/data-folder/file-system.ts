import { readFileSync, statfsSync, statSync } from 'node:fs';

/** File systems by which the kernel shows and takes settings, by their numbers in linux/magic.h. */
const OF_KERNEL: ReadonlyMap<number, string> = new Map([
  [0x9fa0, 'proc'],
  [0x62656572, 'sysfs'],
  [0x62656570, 'configfs'],
  [0x0027e0eb, 'cgroup'],
  [0x63677270, 'cgroup2'],
  [0x64626720, 'debugfs'],
  [0x74726163, 'tracefs'],
  [0x73636673, 'securityfs'],
  [0xf97cff8c, 'selinuxfs'],
  [0x00001cd1, 'devpts'],
  [0x6165676c, 'pstore'],
  [0xde5e81e4, 'efivarfs'],
  [0xcafe4a11, 'bpf'],
  [0x958458f6, 'hugetlbfs'],
  [0x19800202, 'mqueue'],
  [0x65735543, 'fusectl'],
  [0x42494e4d, 'binfmt_misc'],
]);

/** File systems that other machines may have as well, by their numbers. */
const OF_NETWORK: ReadonlyMap<number, string> = new Map([
  [0x6969, 'nfs'],
  [0x517b, 'smb'],
  [0xff534d42, 'cifs'],
  [0xfe534d42, 'smb2'],
  [0x01021997, '9p'],
  [0x00c36400, 'ceph'],
  [0x5346414f, 'afs'],
  [0x6b414653, 'afs'],
  [0x73757245, 'coda'],
  [0x564c, 'ncpfs'],
  [0x0bd00bd0, 'lustre'],
  [0x19830326, 'beegfs'],
  [0x20030528, 'orangefs'],
  [0x47504653, 'gpfs'],
  [0xaad7aaea, 'panfs'],
  [0x7461636f, 'ocfs2'],
  [0x01161970, 'gfs2'],
  [0x786f4256, 'vboxsf'],
  [0xbacbacbc, 'vmhgfs'],
  [0x7c7c6673, 'prl_fs'],
]);

const FUSE = 0x65735546;
/** Programs behind FUSE that keep their files on this machine. Most others are networks. */
const LOCAL_FUSE: ReadonlySet<string> = new Set([
  'fuseblk',
  'virtiofs',
  'fakeowner',
  'fuse.grpcfuse',
  'fuse.fuse-overlayfs',
  'fuse.mergerfs',
  'fuse.bindfs',
  'fuse.gocryptfs',
  'fuse.encfs',
]);

/** Why the database cannot be kept in a file system. `name` is its type, as mount(8) shows it. */
export interface UnfitFileSystem {
  readonly of: 'kernel' | 'network';
  readonly name: string;
}

/** Returns why nothing can be kept in the file system of this folder; undefined when it can, or outside of Linux. */
export function unfitFileSystem(folder: string): UnfitFileSystem | undefined {
  if (process.platform !== 'linux') return undefined;
  const { type } = statfsSync(folder);
  return unfitType(type, () =>
    mountedType(statSync(folder).dev, readFileSync('/proc/self/mountinfo', 'utf8')),
  );
}

/** Judges a file system by its number. `mounted` gives the type that it is mounted as, which names a FUSE program. */
export function unfitType(type: number, mounted: () => string | undefined): UnfitFileSystem | undefined {
  const kernel = OF_KERNEL.get(type);
  if (kernel !== undefined) return { of: 'kernel', name: kernel };
  const network = OF_NETWORK.get(type);
  if (network !== undefined) return { of: 'network', name: network };
  if (type !== FUSE) return undefined;
  const name = mounted() ?? 'fuse';
  return LOCAL_FUSE.has(name) ? undefined : { of: 'network', name };
}

/** The type of what is mounted from this device, by the text of /proc/self/mountinfo (proc(5)). */
export function mountedType(device: number, mounts: string): string | undefined {
  const major = (device >>> 8) & 0xfff;
  const minor = (device & 0xff) | ((device >>> 12) & 0xfff00);
  const mount = mounts.split('\n').find((line) => line.split(' ')[2] === `${major}:${minor}`);
  return mount === undefined ? undefined : / - (\S+)/.exec(mount)?.[1];
}
