import CSystem
import SweepModel

#if canImport(Glibc)
  import Glibc
#endif

/// What kind of filesystem a queue lies on, by the magic number of `statfs(2)`.
public enum Filesystem: Sendable, Equatable {
  /// Shared memory works among all processes that can open the database.
  case local
  /// Seen from several hosts, which do not share memory: no WAL, one host at a time.
  case network(String)
  /// Gone after a restart.
  case volatile(String)

  /// The filesystem of `path`, which must exist.
  ///
  /// - Throws: ``QueueError`` when `statfs` fails.
  public static func of(_ path: String) throws -> Filesystem {
    let magic = sq_filesystem_magic(path)
    guard magic != -1 else {
      throw QueueError(.inputOutput, "cannot examine \(path): \(String(cString: strerror(errno)))")
    }
    return kind(magic: UInt32(truncatingIfNeeded: magic))
  }

  /// Magic numbers from the kernel's `linux/magic.h` and the filesystems' own headers.
  static func kind(magic: UInt32) -> Filesystem {
    switch magic {
    case 0x6969: .network("NFS")
    case 0x517B, 0xFF53_4D42, 0xFE53_4D42: .network("SMB")
    case 0x0BD0_0BD0: .network("Lustre")
    case 0x4750_4653: .network("GPFS")
    case 0x1983_0326: .network("BeeGFS")
    case 0x00C3_6400: .network("Ceph")
    case 0xAAD7_AAEA: .network("PanFS")
    case 0x5346_414F: .network("AFS")
    case 0x0116_1970: .network("GFS2")
    case 0x7461_636F: .network("OCFS2")
    case 0x6573_5546: .network("FUSE")
    case 0x0102_1997: .network("9P")
    case 0x786F_4256: .network("VirtualBox shared folder")
    case 0x0102_1994: .volatile("tmpfs")
    default: .local
    }
  }
}
