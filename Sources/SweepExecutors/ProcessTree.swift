import CSystem
import SweepModel

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// All the processes of one attempt, also those that left its session and process group.
public enum ProcessTree {
  /// The living processes of the attempt, except this one.
  public static func members(token: AttemptToken, leader: ProcessIdentity? = nil) -> [ProcessIdentity] {
    Array(ProcessSnapshot.take().members(token: token, leader: leader))
  }

  /// Sends `signal` to every process of the attempt, and again to what appears meanwhile, until a look finds none
  /// that has not had it (for SIGKILL: until none is left, for at most about a second).
  ///
  /// - Returns: how many processes it was sent to.
  @discardableResult
  public static func signal(token: AttemptToken, leader: StartRecord?, signal: Int32) -> Int {
    var reached: Set<ProcessIdentity> = []
    for _ in 0..<200 {
      let members = ProcessSnapshot.take().members(token: token, leader: leader?.leader, known: reached)
      let due = signal == SIGKILL ? members : members.subtracting(reached)
      if due.isEmpty { break }
      for member in due { send(signal, to: member) }
      reached.formUnion(due)
      if signal == SIGKILL { usleep(5_000) }
    }
    return reached.count
  }

  /// Sends a signal to exactly this process, never to another that has its number by now.
  @discardableResult
  static func send(_ signal: Int32, to process: ProcessIdentity) -> Bool {
    let handle = sq_pidfd_open(process.pid)
    guard handle >= 0 else { return false }
    defer { close(handle) }
    // The handle is bound to whatever has the number now; if that is the process meant, it stays so.
    guard ProcessEntry.birth(process.pid) == process.born else { return false }
    let sent = sq_pidfd_send_signal(handle, signal) == 0
    // A stopped process acts on no signal but SIGKILL until it is continued.
    if sent, signal != SIGKILL, signal != SIGSTOP, signal != 0 { _ = sq_pidfd_send_signal(handle, SIGCONT) }
    return sent
  }
}
