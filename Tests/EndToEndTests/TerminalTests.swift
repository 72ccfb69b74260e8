import Testing

@testable import sweepq

/// What is different where a person watches.
struct TerminalTests {
  @Test func aTerminalGetsColorsAndItsWidth() throws {
    let sandbox = try Sandbox.withQueue()
    let long = String(repeating: "x", count: 200)
    try sandbox.succeed("submit", "-p", "name=\(long)", "--", "true")
    let shown = try sandbox.startOnTerminal(columns: 60, ["status", "--all"]).finish().output
    #expect(shown.contains("\u{1b}[1mstate\u{1b}[0m") && shown.contains("…"))
    let plain = try sandbox.startOnTerminal(columns: 60, ["status", "--all", "--no-color"]).finish().output
    #expect(!plain.contains("\u{1b}"))
    for line in plain.split(whereSeparator: \.isNewline) { #expect(String(line).displayWidth <= 60) }
    let quiet = try sandbox.startOnTerminal(columns: 60, ["status", "--all"], environment: ["NO_COLOR": "1"])
    #expect(try !quiet.finish().output.contains("\u{1b}"))
    let piped = try sandbox.succeed("status", "--all").output
    #expect(piped.contains(long) && !piped.contains("\u{1b}"))
  }

  @Test func waitingDrawsABarInPlace() throws {
    let sandbox = try Sandbox.withQueue()
    try sandbox.succeed(
      "submit", "-p", "x=1..2", "--", "sh", "-c", "until test -e ../go; do sleep 0.01; done")
    let wait = try sandbox.startOnTerminal(columns: 60, ["wait"])
    #expect(
      Deadline.reach { wait.output.contains("\rwait [") && wait.output.contains("0/2 0%") }, "\(wait.output)")
    try sandbox.write("", to: "go")
    try sandbox.work()
    let run = try wait.finish()
    #expect(run.exitCode == 0 && run.output.contains("2 jobs: 2 completed"))
  }

  @Test func watchRedrawsInPlace() throws {
    let sandbox = try Sandbox.withQueue()
    try sandbox.succeed("submit", "--name", "w", "--", "true")
    let watch = try sandbox.startOnTerminal(columns: 80, ["status", "--watch"])
    #expect(Deadline.reach { watch.output.contains("@w") })
    try sandbox.work()
    let run = try watch.finish()
    #expect(run.exitCode == 0 && run.output.contains("\u{1b}[J") && run.output.contains("A\u{1b}[1msweep"))
  }
}
