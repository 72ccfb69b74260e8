import Testing

@testable import sweepq

/// What the program answers to a command line that is wrong, or that asks how to use it.
struct UsageTests {
  @Test func bareNameShowsTheHelp() throws {
    let sandbox = try Sandbox()
    let run = try sandbox.run()
    #expect(run.exitCode == 0)
    #expect(run.output.contains("SUBMIT AND RUN"))
    #expect(run.output.contains("USAGE: sweepq <subcommand>"))
    #expect(run.errors == "")
  }

  private static let commands = SweepqCommand.configuration.subcommands.map { $0.configuration }

  @Test(arguments: commands.filter(\.shouldDisplay).map { $0.commandName ?? "" })
  func everyCommandExplainsItself(name: String) throws {
    let sandbox = try Sandbox()
    let run = try sandbox.run(name, "--help")
    #expect(run.exitCode == 0)
    #expect(run.output.contains("OVERVIEW: "))
    #expect(run.output.contains("sweepq \(name)"))
    let overview = try #require(run.output.split(separator: "USAGE:").first)
    #expect(overview.contains("\n  sweepq "), "an example stands in the help")
  }

  @Test func versionIsOneLine() throws {
    let sandbox = try Sandbox()
    let run = try sandbox.run("--version")
    #expect(run.exitCode == 0)
    #expect(run.lines.count == 1)
  }

  @Test(arguments: [
    ["frobnicate"], ["status", "--frobnicate"], ["status", "--limit", "many"], ["logs", "--tail"], ["show"],
    ["priority", "high", "@x"], ["submit", "--cpus", "two", "--", "true"], ["completions", "tcsh"],
    ["config", "frob"],
    ["submit", "true"], ["results", "--format", "xml"],
  ])
  func aWrongCommandLineIsUsage(arguments: [String]) throws {
    let sandbox = try Sandbox()
    let run = try sandbox.run(arguments: arguments)
    #expect(run.exitCode == 64)
    #expect(run.output == "")
    let lines = run.errors.split(separator: "\n")
    #expect(lines.first?.hasPrefix("sweepq: ") == true)
    #expect(lines.count == 2 && lines[1].hasPrefix("  "), "a remedy stands below: \(run.errors)")
  }

  @Test func aUsageErrorNamesTheCommandsHelp() throws {
    let sandbox = try Sandbox()
    #expect(try sandbox.run("status", "--frob").errors.contains("'sweepq status --help'"))
    #expect(try sandbox.run("config", "limit", "--frob").errors.contains("'sweepq config limit --help'"))
    #expect(try sandbox.run("--frob").errors.contains("'sweepq --help'"))
  }

  @Test func aCommandWithoutDashesIsExplained() throws {
    let sandbox = try Sandbox()
    let run = try sandbox.run("submit", "echo", "hello")
    #expect(run.exitCode == 64)
    #expect(run.errors.contains("the command comes after '--'"))
  }

  @Test(arguments: ["bash", "zsh", "fish"])
  func completionsCoverTheCommands(shell: String) throws {
    let sandbox = try Sandbox()
    let run = try sandbox.run("completions", shell)
    #expect(run.exitCode == 0)
    for word in ["submit", "explain", "retry"] { #expect(run.output.contains(word)) }
  }
}
