import Testing

/// Executors where there is no scheduler.
struct ExecutorsTests {
  private static let nothing = ["PATH": "/nowhere"]

  private func refused(
    _ sandbox: Sandbox, _ code: Int32, _ text: String, _ arguments: String...,
    at location: SourceLocation = #_sourceLocation
  ) throws {
    let run = try sandbox.run(arguments: arguments, environment: Self.nothing, at: location)
    #expect(run.exitCode == code, "\(run.output)\(run.errors)", sourceLocation: location)
    #expect(
      run.errors.hasPrefix("sweepq: ") && run.errors.contains(text), "\(run.errors)", sourceLocation: location
    )
    #expect(run.errors.split(separator: "\n").count == 2, "\(run.errors)", sourceLocation: location)
  }

  @Test(arguments: ["slurm", "pbs", "lsf", "auto"])
  func aSchedulerThatIsNotHere(kind: String) throws {
    let sandbox = try Sandbox.withQueue()
    let text = kind == "auto" ? "no scheduler was found here" : "\(kind) was not found here"
    let test = try sandbox.run("executors", "test", kind, environment: Self.nothing)
    #expect(test.exitCode == 69 && test.output.contains(text), "\(test.output)\(test.errors)")
    #expect(test.output.contains("start the worker on a login node"))
    let document = try JSONDocument(
      sandbox.run("executors", "test", kind, "--json", environment: Self.nothing).output)
    #expect(document.usable.bool == false && document.findings[0].level.text == "trouble")
    try refused(sandbox, 69, text, "executors", "limits", kind)
    try refused(sandbox, 69, text, "executors", "queue", kind)
    try refused(sandbox, 69, text, "submit", "--dry-run", "--backend", kind, "--", "true")
    try refused(sandbox, 69, text, "worker", "--backend", kind, "--until-empty")
    #expect(try sandbox.json("executors").executors.array.isEmpty)
    #expect(try sandbox.states() == [])
  }

  @Test func namesThatAreNone() throws {
    let sandbox = try Sandbox.withQueue()
    for verb in ["test", "limits", "queue"] {
      try refused(sandbox, 64, "there is no executor named nope", "executors", verb, "nope")
    }
    try refused(sandbox, 64, "local is this machine", "executors", "queue", "local")
    try refused(sandbox, 64, "--watch", "executors", "queue", "slurm", "--watch", "--json")
    #expect(try sandbox.run("executors", "test", "local").exitCode == 0)
    try sandbox.write("executors:\n  mine: {schedule: slurm}\n", to: "work/.sweepq/config.yaml")
    try refused(sandbox, 78, "config.yaml:2", "executors")
    try refused(sandbox, 78, "Did you mean 'scheduler'?", "executors", "test", "mine")
  }

  @Test func configuredOnesAreListedAndConfigLivesWithThem() throws {
    let sandbox = try Sandbox.withQueue()
    #expect(try sandbox.succeed("executors").output.contains("No executor is configured"))
    try sandbox.write(
      "slots: 3\nexecutors:\n  short:\n    scheduler: pbs\n    queue: workq # ours\n",
      to: "work/.sweepq/config.yaml")
    let listed = try sandbox.json("executors", "list").executors
    #expect(listed.array.count == 1 && listed[0].name.text == "short" && listed[0].scheduler.text == "pbs")
    #expect(listed[0].configured.bool == true && listed[0].submitted.int == 0)
    #expect(try sandbox.succeed("executors", "-q").output == "short\n")
    let config = try sandbox.json("config", "list")
    #expect(config.executors.array.map(\.text) == ["short"] && config.settings.slots.value.text == "3")
    #expect(try sandbox.succeed("config", "list").output.contains("executors: short; see: sweepq executors"))
    try sandbox.succeed("config", "set", "cpus", "2")
    try sandbox.succeed("config", "unset", "slots")
    let text = try #require(sandbox.read("work/.sweepq/config.yaml"))
    #expect(text == "executors:\n  short:\n    scheduler: pbs\n    queue: workq # ours\ncpus: 2\n")
    let doctor = try sandbox.run("doctor", environment: Self.nothing)
    #expect(doctor.output.contains("executor: short: not used yet"), "\(doctor.output)")
    #expect(!doctor.output.contains("nodes:"), "without a scheduler nodes do not matter")
  }

  @Test(arguments: ["bash", "zsh", "fish"])
  func completionsKnowThem(shell: String) throws {
    let script = try Sandbox().run("completions", shell).output
    #expect(script.contains("executors") && script.contains("scheduler-option"))
  }
}
