import CSystem

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// Which machine this is, since which start, and how large.
public enum HostIdentity {
  /// The node name of `uname(2)`.
  public static let hostname: String = {
    var name = utsname()
    guard uname(&name) == 0 else { return "localhost" }
    return withUnsafeBytes(of: &name.nodename) { buffer in
      String(decoding: buffer.prefix { $0 != 0 }, as: UTF8.self)
    }
  }()

  /// The kernel's random identifier of this run of the machine: after a restart it is another.
  /// The environment variable `SWEEPQ_BOOT_ID` overrides it, so that a restart can be tested.
  public static let bootID: String = {
    if let text = getenv("SWEEPQ_BOOT_ID").map({ String(cString: $0) }), !text.isEmpty { return text }
    return firstLine(of: "/proc/sys/kernel/random/boot_id") ?? "unknown"
  }()

  /// How many processors this process may use (its affinity, which containers and `taskset` restrict).
  public static let processorCount: Int = max(1, Int(sq_affinity_count()))

  /// Bytes of memory of this machine, or of the control group it is confined to, whichever is less.
  public static let totalMemory: Int64 = {
    let machine = MemoryInformation.read(field: "MemTotal") ?? 0
    let group = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
      .compactMap { firstLine(of: $0).flatMap { Int64($0) } }.min()
    guard let group, group > 0 else { return machine }
    return machine > 0 ? min(machine, group) : group
  }()

  private static func firstLine(of path: String) -> String? {
    guard let bytes = readSmallFile(path) else { return nil }
    return String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
  }
}

/// The whole of a small file of the kernel's, or nil if it cannot be read.
func readSmallFile(_ path: String, limit: Int = 1 << 20) -> [UInt8]? {
  let descriptor = uninterrupted { open(path, O_RDONLY | O_CLOEXEC) }
  guard descriptor >= 0 else { return nil }
  defer { close(descriptor) }
  return readToEnd(descriptor, limit: limit)
}
