import SweepModel

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// The end of all the processes of one attempt: each is asked once (SIGTERM), and killed when the grace is over.
///
/// Call ``step()`` from time to time until it says that nothing is left.
public struct TreeEnding: Sendable {
  private let token: AttemptToken
  private let leader: ProcessIdentity?
  /// On the monotonic clock, in milliseconds.
  var killAt: Int64
  /// Every process of the attempt ever seen; each has had its SIGTERM.
  private var known: Set<ProcessIdentity> = []
  private(set) var cleanLooks = 0

  /// Milliseconds after SIGKILL for which processes are waited for that do not end even so.
  private static let patience: Int64 = 10_000

  /// - Parameters:
  ///   - leader: the command's own process, where it is known.
  ///   - grace: milliseconds from SIGTERM to SIGKILL.
  public init(token: AttemptToken, leader: ProcessIdentity?, grace: Int64) {
    self.token = token
    self.leader = leader
    killAt = monotonicMilliseconds() + max(0, grace)
  }

  /// Brings SIGKILL forward; never back.
  public mutating func shorten(grace: Int64) {
    killAt = min(killAt, monotonicMilliseconds() + max(0, grace))
  }

  /// Sends the signals that are due.
  ///
  /// - Returns: whether nothing of the attempt is left, as two looks in a row have found.
  public mutating func step() -> Bool { step(.take(), now: monotonicMilliseconds()) }

  /// One snapshot may serve many attempts.
  mutating func step(_ snapshot: ProcessSnapshot, now: Int64) -> Bool {
    let members = snapshot.members(token: token, leader: leader, known: known)
    let byForce = now >= killAt
    for member in byForce ? members : members.subtracting(known) {
      ProcessTree.send(byForce ? SIGKILL : SIGTERM, to: member)
    }
    known.formUnion(members)
    // A process may hide from one look: it was just forking, or just becoming another program.
    cleanLooks = members.isEmpty ? cleanLooks + 1 : 0
    return cleanLooks >= 2
  }

  /// Whether what is left does not even end by force: it hangs in the kernel, and is waited for no longer.
  func isHopeless(now: Int64) -> Bool { now >= killAt + Self.patience }

  /// Whether a look will soon tell more.
  func isNearlyOver(now: Int64) -> Bool { cleanLooks > 0 || now >= killAt }
}
