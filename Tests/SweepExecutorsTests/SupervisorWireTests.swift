import SweepModel
import Testing

@testable import SweepExecutors

@Suite struct SupervisorWireTests {
  func frame(_ body: (inout WireWriter) -> Void) -> ArraySlice<UInt8> {
    var writer = WireWriter(bytes: [])
    body(&writer)
    return writer.bytes[...]
  }

  let order = LaunchOrder(
    attempt: AttemptID(rawValue: 7), token: AttemptToken(rawValue: "qx"), folder: "/q/runs/1/2.3",
    arguments: ["a", "", "é\u{1F600}"], environment: [("A", "1"), ("B", nil), ("C", "")],
    workingDirectory: "/w",
    standardInput: "in", timeLimit: WallTime(rawValue: 1234), grace: 5, after: AttemptID(rawValue: 6))

  @Test func ordersArriveAsSent() throws {
    guard
      case .launch(let read) = try SupervisorRequest(
        frame: frame { SupervisorRequest.launch(order).encode(into: &$0) })
    else {
      Issue.record("another request")
      return
    }
    #expect(String(describing: read) == String(describing: order))
  }

  @Test func eventsArriveAsSent() throws {
    let id = AttemptID(rawValue: -1)
    let time = Timestamp(rawValue: 1_700_000_000_000)
    let events: [SupervisorEvent] = [
      .started(id, pid: 99, at: time),
      .ended(
        id,
        ExitRecord(
          exitCode: 255, signal: nil, startedAt: time, endedAt: time, userMicroseconds: 1,
          systemMicroseconds: 2,
          maxResidentBytes: 3, ending: .timeLimit, launchError: nil), stdoutBytes: 5, stderrBytes: 1 << 40,
        hasResultFile: true),
      .ended(
        id, ExitRecord(signal: 15, startedAt: time, endedAt: time, ending: .cancelled, launchError: "é"),
        stdoutBytes: 0, stderrBytes: 0, hasResultFile: false),
      .refused(id, Refusal(.folderGone, "gone")), .withdrawn(id), .gone,
    ]
    for event in events {
      #expect(try SupervisorEvent(frame: frame { event.encode(into: &$0) }) == event)
    }
  }

  /// A frame that is cut or changed is an error, never a crash and never much memory.
  @Test func brokenFramesAreErrors() throws {
    let whole = frame { SupervisorRequest.launch(order).encode(into: &$0) }
    for length in 0..<whole.count {
      #expect(throws: QueueError.self) { try SupervisorRequest(frame: whole.prefix(length)) }
      _ = try? SupervisorEvent(frame: whole.prefix(length))
    }
    var generator = SplitMix(seed: 3)
    for _ in 0..<5_000 {
      var bytes = Array(whole)
      for _ in 0..<3 {
        bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(
          in: 0...255, using: &generator)
      }
      _ = try? SupervisorRequest(frame: bytes[...])
    }
  }
}

@Suite final class OrderQueueTests {
  var queue = OrderQueue()

  func order(_ id: Int64, after: Int64? = nil) -> LaunchOrder {
    LaunchOrder(
      attempt: AttemptID(rawValue: id), token: AttemptToken(rawValue: "q"), folder: "/", arguments: ["x"],
      workingDirectory: "/", after: after.map { AttemptID(rawValue: $0) })
  }

  func withdraw(_ id: Int64) -> Bool { queue.withdraw(AttemptID(rawValue: id)) }

  func pop() -> Int64? { queue.popReady()?.attempt.rawValue }

  @Test func ordersComeOutInTheOrderOfArrival() {
    for id in 1...3_000 { queue.add(order(Int64(id)), isRunning: { _ in false }) }
    for id in 1...3_000 { #expect(pop() == Int64(id)) }
    #expect(pop() == nil && queue.isEmpty)
  }

  @Test func aChainIsReleasedLinkByLink() {
    queue.add(order(1), isRunning: { _ in false })
    queue.add(order(2, after: 1), isRunning: { _ in false })
    queue.add(order(3, after: 2), isRunning: { _ in false })
    #expect(pop() == 1)
    #expect(pop() == nil && !queue.isEmpty)
    queue.ended(AttemptID(rawValue: 1))
    #expect(pop() == 2 && pop() == nil)
    queue.ended(AttemptID(rawValue: 2))
    #expect(pop() == 3 && queue.isEmpty)
  }

  @Test func theFollowerOfAWithdrawnOneWaitsForItsPredecessor() {
    queue.add(order(2, after: 1), isRunning: { $0.rawValue == 1 })
    queue.add(order(3, after: 2), isRunning: { $0.rawValue == 1 })
    #expect(withdraw(2))
    #expect(!withdraw(2))
    #expect(pop() == nil)
    queue.ended(AttemptID(rawValue: 1))
    #expect(pop() == 3 && queue.isEmpty)
  }

  @Test func theFollowerOfAWithdrawnReadyOneIsReady() {
    queue.add(order(1), isRunning: { _ in false })
    queue.add(order(2, after: 1), isRunning: { _ in false })
    #expect(withdraw(1))
    #expect(pop() == 2 && queue.isEmpty)
  }

  @Test func whatWaitsForItselfIsReady() {
    queue.add(order(1, after: 1), isRunning: { _ in false })
    #expect(pop() == 1)
  }
}
