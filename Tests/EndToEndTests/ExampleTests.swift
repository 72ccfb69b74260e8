import FoundationEssentials
@preconcurrency import Glibc
import Testing

/// The examples of the documentation, run as they stand there.
struct ExampleTests {
  private static let root = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" }

  /// The library, in a program of its own.
  @Test func aProgramEmbedsTheQueue() throws {
    let sandbox = try Sandbox()
    let folder = Sandbox.binary.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }
    try sandbox.write("", to: "embedding.in")
    let program = try Program(
      command: [
        "/usr/bin/env", "-C", "\(sandbox.path)/work", "\(folder)/EmbeddingExample",
        "\(sandbox.path)/work/queue", Sandbox.binary,
      ], environment: ["PATH": "/usr/bin:/bin"], files: "\(sandbox.path)/embedding")
    let run = try program.finish(within: 60)
    #expect(run.exitCode == 0, "\(run.errors)")
    #expect(run.lines.prefix(3) == ["submitted 6 jobs", "6 succeeded", "6 of 6 completed"])
    #expect(run.lines.last == #"{"w":3,"h":4} area=12"#)
    let check = try sandbox.run("check", "--queue", "\(sandbox.path)/work/queue")
    #expect(check.exitCode == 0)
  }

  /// Real machine learning; where scikit-learn is, which `tools/test` sees to.
  @Test(.enabled(if: access("\(root)/.build/learning/ready", F_OK) == 0))
  func aSweepOfClassifiers() throws {
    let sandbox = try Sandbox.withQueue()
    let python = "\(Self.root)/.build/learning/bin/python"
    try sandbox.succeed(
      "submit", "--name", "digits", "-p", "c=log(0.1,10,3)", "-p", "gamma=log(1e-4,1e-1,4)", "--", python,
      "\(Self.root)/docs/examples/digits/train.py", "--c", "{c}", "--gamma", "{gamma}")
    let worker = try sandbox.run(
      arguments: ["worker", "--until-empty", "--slots", "2"], deadline: 300)
    #expect(worker.exitCode == 0, "\(worker.errors)")
    let best = try sandbox.succeed(
      "results", "@digits", "--sort", "-accuracy", "--best", "1", "--format", "csv")
    let header = try #require(best.lines.first).split(separator: ",")
    let row = try #require(best.lines.last).split(separator: ",")
    let column = try #require(header.firstIndex(of: "accuracy"))
    #expect(try #require(Double(row[column])) > 0.97)
  }
}
