import SweepModel
import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// Asks a worker to end, from any thread or a signal's handler.
public final class WorkerControl: Sendable {
  /// How urgently the worker should end.
  public enum Level: Int, Sendable, Comparable {
    case work = 0
    /// Start nothing more, wait for what runs.
    case drain = 1
    /// End what runs here, put it back at no cost.
    case stop = 2

    public static func < (a: Level, b: Level) -> Bool { a.rawValue < b.rawValue }
  }

  private let level = Atomic<Int>(Level.work.rawValue)
  let readEnd: Int32
  private let writeEnd: Int32

  /// - Throws: ``QueueError`` when no pipe can be made.
  public init() throws {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else {
      throw QueueError(.unavailable, "cannot make a pipe: \(String(cString: strerror(errno)))")
    }
    for end in ends {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
    }
    (readEnd, writeEnd) = (ends[0], ends[1])
  }

  deinit {
    close(readEnd)
    close(writeEnd)
  }

  public var current: Level { Level(rawValue: level.load(ordering: .acquiring)) ?? .stop }

  /// Raises the level; it never goes down. Safe in a signal handler.
  public func raise(to wanted: Level) {
    var known = level.load(ordering: .acquiring)
    while known < wanted.rawValue {
      let (done, original) = level.compareExchange(
        expected: known, desired: wanted.rawValue, ordering: .acquiringAndReleasing)
      if done { break }
      known = original
    }
    wake()
  }

  /// One step further: drain, then stop.
  public func raise() { raise(to: current == .work ? .drain : .stop) }

  /// Lets the worker look around now.
  public func wake() {
    var byte: UInt8 = 1
    _ = write(writeEnd, &byte, 1)
  }

  func drainPipe() {
    var buffer = [UInt8](repeating: 0, count: 64)
    while read(readEnd, &buffer, buffer.count) > 0 {}
  }
}
