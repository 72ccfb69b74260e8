import CSystem
import SweepModel

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// The process that runs a worker's commands and outlives it.
///
/// One thread, one loop. It takes orders from a socket, starts each behind its gate, writes the exit records, and
/// tells the worker. When the worker's end of the socket closes, whether it asked or died, everything it had sent is
/// still carried out (those attempts are durable, and the gates forbid a second start); after the last command has
/// ended the supervisor ends too. It makes no folder and settles nothing.
public enum Supervisor {
  /// Runs until the worker is gone and the last command has ended. Call it on the main thread of a process that has
  /// no other: the process's signals and its environment belong to it from now on.
  ///
  /// - Parameter socket: the descriptor of the connected socket to the worker.
  /// - Throws: `internalFault` if the descriptor is no socket or the system refuses the basics.
  public static func run(socket: Int32) throws {
    for number in [
      SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGQUIT, SIGTTOU, SIGTTIN, SIGTSTP, SIGUSR1, SIGUSR2, SIGXFSZ,
    ] {
      signal(number, SIG_IGN)
    }
    _ = sq_set_process_name("sweepq-run")
    // The working directory would keep a filesystem busy for as long as the supervisor lives.
    _ = chdir("/")
    try SupervisorLoop(socket: socket).run()
  }
}

/// One command that has been started and not yet recorded as ended.
final class RunningAttempt {
  let id: AttemptID
  let token: AttemptToken
  let folder: AttemptFolder
  /// The gate, locked. It is closed, and the lock given up, only after the exit record is in.
  let gate: Int32
  let leader: ProcessIdentity
  let startedAt: Timestamp
  /// On the monotonic clock, in milliseconds.
  let deadline: Int64?
  var grace: Int64

  /// Set once when the command is being ended from here.
  var ending: ExitRecord.Ending = .own
  var tree: TreeEnding?
  /// Set when the leader has ended but others of its processes are still being ended.
  var exit: ExitRecord?

  init(
    order: LaunchOrder, folder: AttemptFolder, gate: Int32, leader: ProcessIdentity, startedAt: Timestamp
  ) {
    id = order.attempt
    token = order.token
    self.folder = folder
    self.gate = gate
    self.leader = leader
    self.startedAt = startedAt
    grace = max(0, order.grace)
    deadline = order.timeLimit.map { monotonicMilliseconds() + max(0, $0.rawValue) }
  }
}
