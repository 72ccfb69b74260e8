import CSystem
import SweepModel

/// What the host has to spare at one moment.
public struct HostMeasures: Sendable, Hashable {
  /// Runnable processes, averaged over one minute.
  public let load1: Double
  /// Bytes that can be had without swapping (the kernel's `MemAvailable`); nil where the kernel does not say.
  public let memAvailableBytes: Int64?

  public static func current() -> HostMeasures {
    var loads: [Double] = [0, 0, 0]
    let read = sq_load_averages(&loads)
    return HostMeasures(
      load1: read > 0 ? loads[0] : 0, memAvailableBytes: MemoryInformation.read(field: "MemAvailable"))
  }

  /// Bytes that may still be written below `path`; nil if that cannot be said.
  public static func freeDiskBytes(_ path: String) -> Int64? {
    let bytes = sq_free_bytes(path)
    return bytes < 0 ? nil : bytes
  }
}

/// The lines of `/proc/meminfo` and `/proc/self/status`.
enum MemoryInformation {
  /// A field's bytes.
  static func read(field: String, from path: String = "/proc/meminfo") -> Int64? {
    guard let bytes = readSmallFile(path) else { return nil }
    return value(of: field, in: String(decoding: bytes, as: UTF8.self))
  }

  static func value(of field: String, in text: String) -> Int64? {
    for line in text.split(separator: "\n") where line.hasPrefix("\(field):") {
      let words = line.split(separator: " ")
      guard words.count >= 2, let kibibytes = Int64(words[1]) else { return nil }
      return kibibytes * 1024
    }
    return nil
  }
}
