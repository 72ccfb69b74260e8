import SweepModel
import Testing

@testable import SweepExecutors

@Suite struct SlurmControlTests {
  let slurm = SlurmDialect(version: "22.05.8")

  static func task(_ id: String, _ task: Int? = nil) -> NativeTask {
    NativeTask(NativeID(rawValue: id), task: task)
  }

  @Test func idsAreGathered() {
    let tasks =
      [1, 2, 3, 7].map { Self.task("107", $0) } + [Self.task("9"), Self.task("5;far"), Self.task("9", 4)]
    #expect(
      slurm.cancel(tasks).map(\.arguments) == [
        ["scancel", "--verbose", "9", "107_[1-3,7]"], ["scancel", "--verbose", "--clusters=far", "5"],
      ])
    #expect(slurm.hold(tasks).map(\.arguments).first == ["scontrol", "hold", "9,107_[1-3,7]"])
    #expect(slurm.release(tasks).map(\.arguments).last == ["scontrol", "--clusters=far", "release", "5"])
    #expect(slurm.cancel([Self.task("107", 4)]).map(\.arguments) == [["scancel", "--verbose", "107_4"]])
  }

  /// With a filter, scancel takes the pending tasks of an array for one job: `scancel --name=a 10_[2]` cancelled them all.
  @Test func aNameNeverGoesWithTasks() {
    let names = [NativeID(rawValue: "107"): "arr", NativeID(rawValue: "9"): "one"]
    let commands = slurm.cancel(
      [Self.task("107", 2), Self.task("9"), Self.task("10")], names: names
    ).map(\.arguments)
    #expect(
      commands == [["scancel", "--verbose", "--name=one", "9"], ["scancel", "--verbose", "10", "107_2"]])
  }

  @Test func manyTasksMakeShortCommands() {
    let odd = (0..<20_000).map { Self.task("7", $0 * 2 + 1) }
    let singles = (1...1000).map { Self.task("\(10_000 + $0)") }
    let commands = slurm.cancel(odd + singles)
    #expect(commands.count < 20)
    #expect(
      commands.allSatisfy { $0.arguments.allSatisfy { $0.utf8.count < 5000 } && $0.arguments.count < 210 })
    #expect(SlurmTaskList.words(Set((0..<2000).map { $0 * 2 }), limit: 40).allSatisfy { $0.utf8.count <= 42 })
    #expect(SlurmTaskList.words([4, 5, 6, 9], limit: 100) == ["[4-6,9]"])
    #expect(SlurmTaskList.words([], limit: 100) == [])
  }

  func control(_ errors: String, code: Int32 = 0) -> ControlReceipt {
    slurm.readControl(CommandAnswer(errors: errors, ending: .exited(code)))
  }

  @Test func answersAreJudged() {
    #expect(control("scancel: Terminating job 25\n") == .done)
    // Exit code 0, and nothing was cancelled.
    #expect(
      control(
        "scancel: Terminating job 2\nscancel: error: Kill job error on job id 2: Invalid job id specified\n"
      ).kind
        == "notKnown")
    #expect(
      control("scancel: error: No active jobs match ALL job filters, including: job_name=a \n").kind
        == "notKnown")
    #expect(
      control("scancel: error: Kill job error on job id 25: Job/step already completing or completed\n")
        == .done)
    #expect(
      control("scancel: error: Kill job error on job id 28: Access/permission denied\n", code: 210).kind
        == "refused")
    #expect(
      control(
        "scancel: error: Kill job error on job id 28: Access/permission denied\n"
          + "scancel: error: Kill job error on job id 1: Unable to contact slurm controller (connect failure)\n",
        code: 8
      ).kind == "unclear")
    #expect(control("", code: 1).kind == "unclear")
    #expect(control("Unexpected message received for job 1\n", code: 1).kind == "unclear")
    #expect(control("scancel: error: Kill job error on job id 5: A new word\n").kind == "unclear")
  }
}
