import { readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { mountedType, unfitFileSystem, unfitType } from '../../src/data-folder/file-system.js';

/** As proc(5) has it, with optional fields and without, and a folder with a space. */
const MOUNTS = `22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
31 22 0:45 / /mnt/my\\040files rw,relatime - fuse.sshfs me@host:/ rw,user_id=0
32 22 0:300 / /mnt/crypt rw shared:2 master:1 - fuse.gocryptfs /home/me/crypt rw
33 22 259:70000 / /mnt/big rw - xfs /dev/nvme0n1p1 rw
`;
/** How Node gives a device: makedev(3). */
const device = (major: number, minor: number) => (minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12);

describe('a file system', () => {
  it.each([
    ['ext4', 0xef53],
    ['xfs', 0x58465342],
    ['btrfs', 0x9123683e],
    ['tmpfs', 0x01021994],
    ['overlay', 0x794c7630],
    ['zfs', 0x2fc12fc1],
  ])('of the machine itself is fit: %s', (_name, type) => {
    expect(unfitType(type, () => 'none of these is looked up')).toBeUndefined();
  });

  it.each([
    ['nfs', 0x6969],
    ['cifs', 0xff534d42],
    ['smb2', 0xfe534d42],
    ['9p', 0x01021997],
    ['ceph', 0x00c36400],
    ['lustre', 0x0bd00bd0],
  ])('of a network is not: %s', (name, type) => {
    expect(unfitType(type, () => undefined)).toEqual({ of: 'network', name });
  });

  it.each([
    'fuse.sshfs',
    'fuse.glusterfs',
    'fuse.rclone',
    'fuse.s3fs',
    'fuse',
    'fuse.unheard-of',
  ])('behind FUSE is not, unless it is known to be local: %s', (name) =>
    expect(unfitType(0x65735546, () => name)).toEqual({ of: 'network', name }));

  it.each([
    'fuseblk',
    'fuse.fuse-overlayfs',
    'fuse.mergerfs',
    'virtiofs',
  ])('behind FUSE that is local is fit: %s', (name) => {
    expect(unfitType(0x65735546, () => name)).toBeUndefined();
  });

  it('behind FUSE that no mount is found of is not', () => {
    expect(unfitType(0x65735546, () => undefined)).toEqual({ of: 'network', name: 'fuse' });
  });

  it.each([
    ['/proc', 'proc'],
    ['/proc/self', 'proc'],
    ['/sys', 'sysfs'],
    ['/dev/pts', 'devpts'],
  ])('of the kernel is not: %s', (path, name) => {
    expect(unfitFileSystem(path)).toEqual({ of: 'kernel', name });
  });

  it('is that to which links lead', () => {
    expect(unfitFileSystem('/proc/self/cwd')).toBeUndefined();
    expect(unfitFileSystem(tmpdir())).toBeUndefined();
  });

  it('is found among the mounts by its device', () => {
    expect(mountedType(device(0, 45), MOUNTS)).toBe('fuse.sshfs');
    expect(mountedType(device(0, 300), MOUNTS)).toBe('fuse.gocryptfs');
    expect(mountedType(device(259, 70_000), MOUNTS)).toBe('xfs');
    expect(mountedType(device(0, 46), MOUNTS)).toBeUndefined();
    expect(mountedType(statSync('/proc').dev, readFileSync('/proc/self/mountinfo', 'utf8'))).toBe('proc');
  });
});
