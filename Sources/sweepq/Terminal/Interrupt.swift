import ArgumentParser
@preconcurrency import Glibc
import Synchronization

/// Ctrl-C, for commands that look at something for as long as the user likes.
enum Interrupt {
  private static let received = Atomic<Bool>(false)

  /// From now on SIGINT and SIGTERM only set a mark, which ``pause(milliseconds:)`` looks at.
  static func listen() {
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { _ in Interrupt.received.store(true, ordering: .relaxed) }
    sigaction(SIGINT, &action, nil)
    sigaction(SIGTERM, &action, nil)
  }

  static func check() throws {
    if received.load(ordering: .relaxed) { throw ExitCode(ExitStatus.interrupted) }
  }

  /// Sleeps for so long, or until a signal comes; throws exit code 130 where one has.
  static func pause(milliseconds: Int64) throws {
    try check()
    var time = timespec(tv_sec: Int(milliseconds / 1000), tv_nsec: Int(milliseconds % 1000) * 1_000_000)
    nanosleep(&time, nil)
    try check()
  }
}
