import Dispatch
import SweepModel
import Testing

@testable import SweepExecutors

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

@Suite struct GateJudgeTests {
  let scratch: Scratch
  let token = freshToken()
  let folder: AttemptFolder
  let boot = "boot-now"

  init() throws {
    scratch = try Scratch()
    folder = scratch.attempt()
  }

  func judge(mayTake: Bool = true, orderedUnder: String? = nil) throws -> Judgement {
    try GateJudge.judge(
      folder: folder, token: token, bootID: boot, mayTake: mayTake, orderedUnder: orderedUnder)
  }

  func start(boot: String? = nil) -> StartRecord {
    StartRecord(
      token: token, host: "h", bootID: boot ?? self.boot, startedAt: Timestamp(rawValue: 1), supervisor: 1)
  }

  func writeGate(_ text: String) throws {
    try folder.create()
    try writeFile(folder.path(of: .gate), Array(text.utf8))
  }

  @Test func withoutAFolderItNeverStarts() throws {
    #expect(try judge() == .void)
    #expect(try judge(mayTake: false) == .void)
    guard case .folderGone = GateFile.take(folder.path(of: .gate)) else {
      Issue.record("a gate without a folder")
      return
    }
  }

  @Test func anUntakenGateIsTakenAndThenForbids() throws {
    try folder.create()
    #expect(try judge(mayTake: false) == .unstarted)
    #expect(!fileExists(folder.path(of: .gate)))
    #expect(try judge() == .void)
    guard case .elsewhere = GateFile.take(folder.path(of: .gate)) else {
      Issue.record("a second taking of the gate")
      return
    }
    #expect(try judge(mayTake: false) == .void)
  }

  /// The supervisor died between creating the gate and its start line.
  @Test func anEmptyGateWithoutALockIsVoid() throws {
    try writeGate("")
    #expect(try judge(mayTake: false) == .unstarted)
    #expect(try judge() == .void)
    #expect(try judge(mayTake: false) == .void)
  }

  /// A judge that comes between the supervisor's creation of the gate and its lock wins.
  @Test func anEmptyGateThatIsLockedIsLeftAlone() throws {
    try folder.create()
    guard case .taken(let descriptor) = GateFile.take(folder.path(of: .gate)) else {
      Issue.record("not taken")
      return
    }
    #expect(try judge() == .unstarted)
    #expect(GateFile.append(GateLine.start(start()), to: descriptor))
    #expect(try judge() == .running(start()))
    close(descriptor)
    // A process that another test is starting just now has the descriptor until it executes its program.
    try eventually("the lock is free") { try judge() == .lost(start()) }
  }

  @Test func anExitRecordOutranksTheLock() throws {
    try folder.create()
    guard case .taken(let descriptor) = GateFile.take(folder.path(of: .gate)) else {
      Issue.record("not taken")
      return
    }
    defer { close(descriptor) }
    let exit = ExitRecord(exitCode: 0, startedAt: Timestamp(rawValue: 1), endedAt: Timestamp(rawValue: 2))
    #expect(GateFile.append(GateLine.start(start()) + GateLine.exit(token, exit), to: descriptor))
    #expect(try judge() == .ended(start(), exit))
  }

  @Test func anotherBootMeansLostUnlessItHadEnded() throws {
    try writeGate(GateLine.start(start(boot: "boot-before")))
    #expect(try judge() == .lost(start(boot: "boot-before")))
    let exit = ExitRecord(exitCode: 4, startedAt: Timestamp(rawValue: 1), endedAt: Timestamp(rawValue: 2))
    try writeFile(
      folder.path(of: .gate),
      Array((GateLine.start(start(boot: "boot-before")) + GateLine.exit(token, exit)).utf8))
    #expect(try judge(orderedUnder: "boot-before") == .ended(start(boot: "boot-before"), exit))
  }

  /// After a power failure the gate's newest state may be gone though the command ran.
  @Test func afterARestartAMissingGateProvesNothing() throws {
    #expect(try judge(orderedUnder: "boot-before") == .lost(nil))
    try folder.create()
    #expect(try judge(orderedUnder: "boot-before") == .lost(nil))
    try writeFile(folder.path(of: .gate), [])
    #expect(try judge(orderedUnder: "boot-before") == .lost(nil))
    try writeFile(folder.path(of: .gate), [UInt8](repeating: 0, count: 200))
    #expect(try judge(orderedUnder: "boot-before") == .lost(nil))
    #expect(try judge(orderedUnder: boot) == .foreign)
    try writeFile(folder.path(of: .gate), [])
    #expect(try judge(orderedUnder: boot) == .void)
  }

  @Test func aTornStartNeverRan() throws {
    try writeGate(String(GateLine.start(start()).prefix(50)))
    #expect(try judge(mayTake: false) == .unstarted)
    #expect(try judge() == .void)
    #expect(try judge(mayTake: false) == .void)
  }

  @Test func theSupervisorsOwnVoidAfterAStartIsVoid() throws {
    try writeGate(GateLine.start(start()) + "\n" + GateLine.void(token, at: Timestamp(rawValue: 3)))
    #expect(try judge() == .void)
  }

  @Test func aForeignGateIsLeftAsItIs() throws {
    try writeGate("something else\n")
    #expect(try judge() == .foreign)
    #expect(fileText(folder.path(of: .gate)) == "something else\n")
  }

  @Test func whatCannotBeReadIsAnErrorNotAJudgement() throws {
    try folder.create()
    #expect(mkdir(folder.path(of: .gate), 0o700) == 0)
    #expect(throws: QueueError.self) { try judge() }
  }

  /// A command that closes the lock's descriptor and loses its supervisor is still found by its token.
  @Test func aLivingProcessOfTheAttemptIsNotLost() throws {
    try writeGate(GateLine.start(start()))
    let victim = try Bystander(["/bin/sleep", "300"], token: token)
    #expect(try judge() == .running(start()))
    victim.end()
    #expect(try judge() == .lost(start()))
  }

  /// Two hundred judges and starters at once: one starter at most, and if there is one, no judge says void.
  @Test func oneOfTwoHundredContendersWins() throws {
    for round in 0..<20 {
      let folder = scratch.attempt(1, job: Int64(1000 + round))
      try folder.create()
      let path = folder.path(of: .gate)
      let results = Results()
      DispatchQueue.concurrentPerform(iterations: 200) { index in
        if index % 2 == 0 {
          if case .taken(let descriptor) = GateFile.take(path) {
            results.started(descriptor)
            _ = GateFile.append(GateLine.start(start()), to: descriptor)
          }
        } else {
          let judgement = Result {
            try GateJudge.judge(folder: folder, token: token, bootID: boot, mayTake: true)
          }
          results.judged(judgement)
        }
      }
      let (starters, judgements, failures) = results.all
      #expect(failures.isEmpty)
      #expect(starters.count <= 1)
      let expected: Judgement = starters.isEmpty ? .void : .running(start())
      #expect(judgements.allSatisfy { $0 == expected }, "round \(round): \(Set(judgements))")
      #expect(judgements.count == 100)
      starters.forEach { close($0) }
    }
  }
}

private final class Results: Sendable {
  private let queue = DispatchQueue(label: "results")
  private nonisolated(unsafe) var starters: [Int32] = []
  private nonisolated(unsafe) var judgements: [Judgement] = []
  private nonisolated(unsafe) var failures: [String] = []

  func started(_ descriptor: Int32) { queue.sync { starters.append(descriptor) } }
  func judged(_ result: Result<Judgement, any Error>) {
    queue.sync {
      switch result {
      case .success(let judgement): judgements.append(judgement)
      case .failure(let error): failures.append("\(error)")
      }
    }
  }
  var all: ([Int32], [Judgement], [String]) { queue.sync { (starters, judgements, failures) } }
}
