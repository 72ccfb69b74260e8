import SweepModel

/// The exit codes of the command line. Scripts rely on them: they are documented in `docs/commands.md`.
///
/// 64 to 78 are those of `sysexits.h` and come from ``QueueError/Code``; 124 is that of `timeout(1)`; 130 is what
/// a shell reports for a process that SIGINT ended.
enum ExitStatus {
  static let success: Int32 = 0
  static let jobsFailed: Int32 = 1
  static let usage: Int32 = QueueError.Code.usage.rawValue
  static let internalFault: Int32 = QueueError.Code.internalFault.rawValue
  static let timedOut: Int32 = 124
  static let interrupted: Int32 = 130
}
