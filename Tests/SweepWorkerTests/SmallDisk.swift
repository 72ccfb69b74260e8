@preconcurrency import Glibc
import Testing

/// A filesystem of a few megabytes; only root may have one.
final class SmallDisk {
  let path: String

  init?(_ path: String, bytes: Int) {
    self.path = path
    guard mkdir(path, 0o700) == 0, mount("tmpfs", path, "tmpfs", 0, "size=\(bytes)") == 0 else { return nil }
  }

  deinit { umount2(path, Int32(MNT_DETACH)) }

  static let isPossible: Bool = {
    var template = Array("/tmp/sweepq-disk-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { return false }
    let path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    defer { rmdir(path) }
    guard mount("tmpfs", path, "tmpfs", 0, "size=65536") == 0 else { return false }
    return umount2(path, Int32(MNT_DETACH)) == 0
  }()

  /// Writes until no byte more fits.
  func fill() throws {
    let descriptor = open(path + "/filler", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw BenchFailure("cannot fill \(path)") }
    defer { close(descriptor) }
    let block = [UInt8](repeating: 0, count: 4096)
    while write(descriptor, block, block.count) > 0 {}
    #expect(errno == ENOSPC)
  }

  func grow(toBytes bytes: Int) throws {
    guard mount("tmpfs", path, "tmpfs", UInt(MS_REMOUNT), "size=\(bytes)") == 0 else {
      throw BenchFailure("\(path) cannot be made larger")
    }
  }

  func free() { unlink(path + "/filler") }
}
