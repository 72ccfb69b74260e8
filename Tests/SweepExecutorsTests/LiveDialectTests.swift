import SweepModel
import Testing

@testable import SweepExecutors

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// Everything that a dialect asks for, asked of a real scheduler. `tools/testbed/slurm run -- env SWEEPQ_LIVE=slurm swift
/// test --filter LiveDialectTests` runs it; without that variable there is nothing to ask.
@Suite(.serialized, .enabled(if: getenv("SWEEPQ_LIVE") != nil)) struct LiveDialectTests {
  let dialect: any SchedulerDialect
  let scratch: Scratch
  let name: String

  init() throws {
    let kind = try #require(
      getenv("SWEEPQ_LIVE").flatMap { ExecutorSettings.Scheduler(rawValue: String(cString: $0)) })
    scratch = try Scratch()
    // The nodes' user need not be this one.
    chmod(scratch.path, 0o777)
    dialect = try SchedulerDiscovery.find(kind, through: access)
    name = "live.\(getpid()).\(Int.random(in: 0..<1_000_000))"
  }

  let access = SchedulerAccess(folder: "/")

  func ask(_ command: SchedulerCommand) -> CommandAnswer {
    access.answer(to: command)
  }

  func submit(_ body: String, resources: Resources = Resources(), count: Int? = nil, throttle: Int? = nil)
    throws -> NativeID
  {
    let request = SubmissionRequest(
      jobName: name, array: count.map { .init(count: $0, throttle: throttle) }, resources: resources,
      folder: scratch.path,
      body: body)
    let prepared = try dialect.submission(of: request)
    if !dialect.traits.readsScriptFromInput {
      try scratch.write("script", prepared.script, mode: 0o700)
    }
    let answer = ask(prepared.command)
    guard case .accepted(let id) = dialect.receipt(answer) else {
      Issue.record("\(dialect.receipt(answer)): \(answer)")
      throw QueueError(.unavailable, "not accepted")
    }
    return id
  }

  func sightings(_ id: NativeID) throws -> [TaskSighting] {
    let answer = ask(dialect.status(of: [id]))
    return try #require(dialect.readStatus(answer, of: [id]).value, "\(answer)")
  }

  /// Looks until it is so, for a minute.
  func wait(for what: String, _ isSo: () throws -> Bool) throws {
    let deadline = monotonicMilliseconds() + 60_000
    while monotonicMilliseconds() < deadline {
      if try isSo() { return }
      usleep(200_000)
    }
    Issue.record("no \(what) within a minute")
  }

  func isOver(_ sightings: [TaskSighting]) -> Bool { sightings.allSatisfy(\.state.isFinal) }

  @Test func aJobRunsWhereItShouldAndIsSeen() throws {
    let id = try submit(
      "pwd > pwd.txt\nexit 3", resources: Resources(cpus: 1, time: WallTime(rawValue: 60_000)))
    try wait(for: "end of the job") { try isOver(sightings(id)) }
    for one in try sightings(id) {
      #expect(one.jobName == name && one.state == .failed && one.task == NativeTask(id))
    }
    try wait(for: "output") { readSmallFile("\(scratch.path)/pwd.txt") != nil }
    #expect(
      try String(decoding: #require(readSmallFile("\(scratch.path)/pwd.txt")), as: UTF8.self) == scratch.path
        + "\n")
    let since = Timestamp(rawValue: Timestamp.now.rawValue - 600_000)
    guard let command = dialect.accounting(of: [id], since: since) else { return }
    try wait(for: "account") {
      guard let seen = dialect.readAccounting(ask(command), of: [id]).value else { return false }
      return seen.contains { $0.jobName == name && $0.state == .failed && $0.usage.elapsed != nil }
    }
  }

  @Test func anArrayIsHeldReleasedAndCancelledTaskByTask() throws {
    let variable = dialect.traits.taskVariable
    let id = try submit("echo $\(variable) >> tasks.txt\nsleep 60", count: 6, throttle: 1)
    defer { for command in dialect.cancel([NativeTask(id)]) { _ = ask(command) } }
    try wait(for: "first task") { try sightings(id).contains { $0.state == .running } }
    #expect(Set(try sightings(id).compactMap(\.task.task)) == Set(1...6))

    for command in dialect.hold([4, 5].map { NativeTask(id, task: $0) }) {
      let answer = ask(command)
      #expect(dialect.readControl(answer) == .done, "\(answer)")
    }
    try wait(for: "hold") {
      Set(try sightings(id).filter { $0.state == .held }.compactMap(\.task.task)) == [4, 5]
    }
    for command in dialect.release([NativeTask(id, task: 4)]) {
      #expect(dialect.readControl(ask(command)) == .done)
    }
    try wait(for: "release") {
      Set(try sightings(id).filter { $0.state == .held }.compactMap(\.task.task)) == [5]
    }

    let found = dialect.readLookUp(ask(dialect.lookUp(name: name, since: .now)), name: name)
    #expect(found == .found([id]))
    let queue = try #require(dialect.readQueue(ask(dialect.queue())).value)
    #expect(queue.contains { $0.jobName == name && $0.state == .running })

    for command in dialect.cancel([2, 3].map { NativeTask(id, task: $0) }) {
      #expect(dialect.readControl(ask(command)) == .done)
    }
    try wait(for: "cancel of two tasks") {
      Set(try sightings(id).filter { !$0.state.isFinal }.compactMap(\.task.task)) == [1, 4, 5, 6]
    }
    for command in dialect.cancel([NativeTask(id)], names: [id: name]) {
      #expect(dialect.readControl(ask(command)) == .done)
    }
    try wait(for: "cancel of all") { try isOver(sightings(id)) }
    #expect(String(decoding: readSmallFile("\(scratch.path)/tasks.txt") ?? [], as: UTF8.self) == "1\n")
  }

  @Test func whatIsNotThereIsNotFound() throws {
    #expect(dialect.readLookUp(ask(dialect.lookUp(name: name, since: .now)), name: name) == .found([]))
    let id = NativeID(rawValue: "4000001")
    #expect(try sightings(id).isEmpty)
    for command in dialect.cancel([NativeTask(id)]) {
      #expect(dialect.readControl(ask(command)).kind == "notKnown")
    }
  }

  @Test func theSiteIsAsked() {
    let limits = dialect.readLimits(dialect.limits().map(ask))
    #expect(limits.contains { $0.kind == .arraySize })
    #expect(dialect.title.contains { $0.isNumber })
  }

  @Test func whatTheSiteDoesNotHaveIsRejected() throws {
    let request = SubmissionRequest(
      jobName: name, resources: Resources(cluster: ClusterRequest(queue: "nosuch")), folder: scratch.path,
      body: "true")
    let prepared = try dialect.submission(of: request)
    if !dialect.traits.readsScriptFromInput { try scratch.write("script", prepared.script, mode: 0o700) }
    guard case .rejected = dialect.receipt(ask(prepared.command)) else {
      Issue.record("\(ask(prepared.command))")
      return
    }
  }
}
