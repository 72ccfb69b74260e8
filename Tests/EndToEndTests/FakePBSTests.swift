@preconcurrency import Glibc
import Testing

/// What a person sees of a scheduler, here a PBS that is pretended.
@Suite(.enabled(if: Testbed.isThere("pbs")))
struct FakePBSTests {
  @Test func dryRunPrintsWhatWouldBeGiven() throws {
    let testbed = try Testbed("pbs", "--slots", "2")
    defer { testbed.takeDown() }
    let sandbox = try Sandbox.withQueue()
    let arguments = [
      "submit", "--name", "w", "--dry-run", "--backend", "pbs", "--partition", "workq", "--time", "90s",
      "--scheduler-option", "-l select=2:ncpus=8", "-p", "x=1..7", "--", "echo", "{x}",
    ]
    let run = try sandbox.run(arguments: arguments, environment: testbed.environment)
    #expect(run.exitCode == 0, "\(run.errors)")
    #expect(run.output.contains("would submit 7 jobs"))
    #expect(run.output.contains("OpenPBS 23.06.06 would get them in 1 submission, as an array of 7 tasks."))
    #expect(run.output.contains("\nqsub -f -C '#PBS' -N w-q0000000000000 -J 1-7 "))
    #expect(run.output.contains("#PBS -q workq\n") && run.output.contains("#PBS -l select=2:ncpus=8\n"))
    let json = try JSONDocument(
      sandbox.run(arguments: ["submit", "--json"] + arguments.dropFirst(), environment: testbed.environment)
        .output)
    let submission = json.submission
    #expect(
      json.dry_run.bool == true && json.jobs.int == 7 && submission.scheduler.text == "OpenPBS 23.06.06")
    #expect(submission.kind.text == "array" && submission.tasks.int == 7 && submission.submissions.int == 1)
    #expect(submission.command[0].text == "qsub" && submission.script_on_standard_input.bool == false)
    let script = try #require(submission.script.text)
    #expect(script.hasPrefix("#!/bin/sh\n#PBS -N w-") && run.output.contains(script))
    let bare = try sandbox.run(
      arguments: ["submit", "-q"] + arguments.dropFirst(), environment: testbed.environment)
    #expect(bare.output == script)
    #expect(try sandbox.states() == [], "nothing was submitted")
    try sandbox.write("executors: {one: {scheduler: pbs, array: false}}\n", to: "work/.sweepq/config.yaml")
    let single = try sandbox.run(
      "submit", "--dry-run", "--backend", "one", "--json", "-p", "x=1..7", "--", "true",
      environment: testbed.environment)
    #expect(try JSONDocument(single.output).submission.submissions.int == 7)
  }

  @Test func jobsAreShownWithWhatTheSchedulerSaysOfThem() throws {
    let testbed = try Testbed("pbs", "--slots", "1")
    defer { testbed.takeDown() }
    let sandbox = try Sandbox.withQueue()
    func run(_ arguments: String...) throws -> Sandbox.Run {
      try sandbox.run(arguments: arguments, environment: testbed.environment)
    }
    let test = try run("executors", "test", "pbs")
    #expect(test.exitCode == 0 && test.output.contains("ok       scheduler: OpenPBS 23.06.06"))
    #expect(test.output.contains("note     nodes: ") && test.output.contains("is below /tmp"))
    let limits = try JSONDocument(run("executors", "limits", "pbs", "--json").output)
    #expect(limits.limits.array.contains { $0.name.text == "max_array_size" && $0.kind.text == "array-size" })
    #expect(try sandbox.json("executors").executors[0].title.text == "OpenPBS 23.06.06")
    try sandbox.succeed(
      "submit", "--backend", "pbs", "-p", "x=1..2", "--", "sh", "-c",
      "while [ ! -e ../go ]; do sleep 0.1; done; echo {x}")
    try sandbox.write("executors: {pbs1: {scheduler: pbs}}\n", to: "work/.sweepq/config.yaml")
    let worker = try sandbox.start(
      arguments: ["worker", "--backend", "pbs", "--until-empty"], environment: testbed.environment)
    #expect(
      try Deadline.reach {
        let counts = try sandbox.json("status").counts
        return counts.running.int == 1 && counts.submitted.int == 1
      }, "\(worker.errors)")
    let status = try sandbox.succeed("status").lines
    #expect(status[0].split(separator: " ").contains("submitted"))
    let queue = try JSONDocument(run("executors", "queue", "pbs", "--json").output)
    #expect(queue.entries.array.contains { $0.jobs.array.compactMap(\.int).contains(2) }, "\(queue)")
    let waiting = try sandbox.json("status", "--state", "submitted").jobs[0].id.int ?? 0
    let explained = try run("explain", "\(waiting)").output
    #expect(explained.contains("It has been submitted to pbs."), "\(explained)")
    #expect(explained.contains("It is 0[\(waiting)].pbshead there, named sh-"), "\(explained)")
    let attempt = try sandbox.json("show", "\(waiting)").jobs[0].attempts_made[0]
    #expect(attempt.native_id.text == "0[\(waiting)].pbshead" && attempt.task.int == waiting)
    let script = try sandbox.succeed("show", "--script", "\(waiting)").output
    #expect(script.hasPrefix("qsub -f -C '#PBS' -N sh-") && script.contains("\n#!/bin/sh\n#PBS -N sh-"))
    #expect(try script.hasSuffix(sandbox.succeed("show", "--script", "-q", "\(waiting)").output))

    try testbed.order("kill-controller")
    let away = try run("executors", "queue", "pbs")
    #expect(away.exitCode == 69 && away.errors.contains("cannot be asked"), "\(away.output)\(away.errors)")
    #expect(
      try Deadline.reach {
        try sandbox.succeed("status").lines.contains { $0.hasPrefix("pbs is not reachable since ") }
      })
    let unknown = try run("explain", "\(waiting)").output
    #expect(unknown.contains("It cannot be reached for "), "\(unknown)")
    #expect(unknown.contains("Its place there is not known now: "), "\(unknown)")
    #expect(try sandbox.succeed("executors").output.contains("not reachable since "))
    #expect(try run("doctor").output.contains("executor: pbs: not reachable since "))
    #expect(try sandbox.json("status").counts.submitted.int == 1, "silence is no evidence")
    try testbed.order("start-controller")

    try sandbox.write("", to: "go")
    let ended = try worker.finish(within: 60)
    #expect(ended.exitCode == 0, "\(ended.errors)")
    #expect(try sandbox.states() == ["completed", "completed"])
    #expect(try run("executors", "queue", "pbs").output.contains("You have no jobs in OpenPBS 23.06.06."))
  }
}

/// A scheduler of `tools/testbed`, in a folder of its own with a short path.
struct Testbed {
  /// What its `up` exports, over the sandbox's own.
  let environment: [String: String]
  private let tool: String
  private let folder: String

  private static let folderOfTools =
    #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" } + "/tools/testbed"

  static func isThere(_ name: String, needs program: String? = nil) -> Bool {
    access("\(folderOfTools)/\(name)", X_OK) == 0 && access("/usr/bin/python3", X_OK) == 0
      && (program.map { access($0, X_OK) == 0 } ?? true)
  }

  init(_ name: String, _ options: String...) throws { try self.init(name, options: options) }

  init(_ name: String, options: [String]) throws {
    tool = "\(Self.folderOfTools)/\(name)"
    var template = Array("/tmp/sqXXXXXX".utf8CString)
    try #require(mkdtemp(&template) != nil)
    folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let run = try Self.run([tool, "up", folder] + options, files: "\(folder)-tool")
    try #require(run.exitCode == 0, "\(run.errors)")
    var environment: [String: String] = [:]
    for line in run.lines where line.hasPrefix("export ") {
      let parts = line.dropFirst(7).split(separator: "=", maxSplits: 1)
      guard parts.count == 2 else { continue }
      environment[String(parts[0])] = parts[1].split(separator: "$PATH", omittingEmptySubsequences: false)
        .joined(separator: "/usr/local/bin:/usr/bin:/bin:/usr/sbin")
    }
    self.environment = environment
  }

  func order(_ words: String...) throws {
    let run = try Self.run([tool, words[0], folder] + words.dropFirst(), files: "\(folder)-tool")
    try #require(run.exitCode == 0, "\(words): \(run.errors)")
  }

  /// Ends what runs of it, and removes it.
  func takeDown() {
    try? order("down")
    _ = try? Self.run(["/bin/rm", "-rf", folder], files: "\(folder)-tool")
    for suffix in ["in", "out", "err"] { unlink("\(folder)-tool.\(suffix)") }
  }

  private static func run(_ command: [String], files: String) throws -> Sandbox.Run {
    let empty = open("\(files).in", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    if empty >= 0 { close(empty) }
    return try Program(
      command: command,
      environment: ["PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/tmp"],
      files: files
    ).finish(within: 60)
  }
}
