import Testing

extension Sandbox {
  /// A sandbox whose `work` folder has a queue.
  static func withQueue() throws -> Sandbox {
    let sandbox = try Sandbox()
    try sandbox.succeed("init")
    return sandbox
  }

  /// Runs a command that must end with exit code 0.
  @discardableResult
  func succeed(
    _ arguments: String..., input: String = "", environment: [String: String] = [:],
    at location: SourceLocation = #_sourceLocation
  ) throws -> Run {
    let run = try run(arguments: arguments, environment: environment, input: input, at: location)
    #expect(run.exitCode == 0, "\(arguments): \(run.output)\(run.errors)", sourceLocation: location)
    return run
  }

  /// The answer of a command to `--json`.
  func json(_ arguments: String..., at location: SourceLocation = #_sourceLocation) throws -> JSONDocument {
    let end = arguments.firstIndex(of: "--") ?? arguments.endIndex
    let run = try run(arguments: arguments[..<end] + ["--json"] + arguments[end...], at: location)
    #expect(run.exitCode == 0, "\(arguments): \(run.errors)", sourceLocation: location)
    #expect(run.output.utf8.filter { $0 == 0x0a }.count == 1, "one line", sourceLocation: location)
    let document = try JSONDocument(run.output)
    #expect(document.version.int == 1, sourceLocation: location)
    return document
  }

  /// Runs a worker until there is nothing left to do.
  func work(_ options: String..., at location: SourceLocation = #_sourceLocation) throws {
    let run = try run(
      arguments: ["worker", "--until-empty", "--slots", "4", "--cpus", "4"] + options, at: location)
    #expect(run.exitCode == 0, "\(run.errors)", sourceLocation: location)
  }

  /// Expects a refusal: the exit code, a sentence that holds `text`, a remedy, and nothing on standard output.
  func refuse(
    _ code: Int32, _ text: String, _ arguments: String..., input: String = "",
    at location: SourceLocation = #_sourceLocation
  ) throws {
    let run = try run(arguments: arguments, input: input, at: location)
    #expect(run.exitCode == code, "\(arguments): \(run.output)\(run.errors)", sourceLocation: location)
    #expect(
      run.errors.hasPrefix("sweepq: ") && run.errors.contains(text), "\(run.errors)", sourceLocation: location
    )
    let lines = run.errors.split(separator: "\n")
    #expect(
      lines.count == 2 && lines.last?.hasPrefix("  ") == true, "\(run.errors)", sourceLocation: location)
    #expect(run.output == "", sourceLocation: location)
  }

  /// The states of all jobs in the order of their ids.
  func states() throws -> [String] { try json("status", "--all").jobs.array.map { $0.state.text ?? "" } }
}
