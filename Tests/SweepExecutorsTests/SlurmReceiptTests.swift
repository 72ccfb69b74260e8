import SweepModel
import Testing

@testable import SweepExecutors

@Suite struct SlurmReceiptTests {
  let slurm = SlurmDialect(version: "22.05.8")

  func receipt(_ output: String, _ errors: String = "", code: Int32 = 0) -> SubmissionReceipt {
    slurm.receipt(CommandAnswer(output: output, errors: errors, ending: .exited(code)))
  }

  @Test func theIdIsFoundAmongOtherLines() {
    #expect(receipt("123\n") == .accepted(NativeID(rawValue: "123")))
    #expect(receipt("123") == .accepted(NativeID(rawValue: "123")))
    #expect(receipt("Welcome, 5 jobs allowed\n\n123;far\nBye\n") == .accepted(NativeID(rawValue: "123;far")))
    #expect(receipt("Submitted batch job 7 on cluster far\n") == .accepted(NativeID(rawValue: "7;far")))
    let waited = "sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying\n"
    #expect(receipt("1009\n", waited) == .accepted(NativeID(rawValue: "1009")))
  }

  @Test(arguments: [
    "", "0\n", "12 13\n", "12\n13\n", "job 12\n", "-12\n", "12;\n", "12;a;b\n", "12.5\n", "99999999999\n",
  ])
  func whatIsNoIdIsUnclear(output: String) {
    #expect(SlurmTranscriptTests.kind(receipt(output)) == .unclear)
  }

  @Test func anIdOfACommandThatFailedProvesNothing() {
    #expect(SlurmTranscriptTests.kind(receipt("123\n", code: 1)) == .unclear)
    for ending in [CommandAnswer.Ending.killed(signal: 9), .timedOut] {
      let answer = CommandAnswer(
        output: "12", errors: "sbatch: error: Invalid --time specification\n", ending: ending)
      #expect(SlurmTranscriptTests.kind(slurm.receipt(answer)) == .unclear)
    }
    #expect(
      SlurmTranscriptTests.kind(slurm.receipt(CommandAnswer(ending: .notStarted("no sbatch")))) == .busy)
  }

  static let failed = "sbatch: error: Batch job submission failed: "

  @Test(arguments: [
    ("Unable to contact slurm controller (receive failure)", SlurmTranscriptTests.Kind.unclear),
    ("Unable to contact slurm controller (send failure)", .unclear),
    ("Zero Bytes were transmitted or received", .unclear), ("Unexpected message received", .unclear),
    ("Unspecified error", .unclear), ("Protocol authentication error", .unclear),
    ("Something that nobody has heard of", .unclear), ("", .unclear),
    ("Rate limit exceeded", .busy),
    ("Requested time limit is invalid (missing or exceeds some limit)", .rejected),
  ])
  func causesAreJudged(cause: String, kind: SlurmTranscriptTests.Kind) {
    #expect(SlurmTranscriptTests.kind(receipt("", Self.failed + cause + "\n", code: 1)) == kind)
  }

  @Test func unknownWordsAreUnclear() {
    for code: Int32 in [1, 2, 126, 127, 255] {
      #expect(
        SlurmTranscriptTests.kind(receipt("", "ssh: connect to host c: Connection refused\n", code: code))
          == .unclear)
      #expect(SlurmTranscriptTests.kind(receipt("", "", code: code)) == .unclear)
    }
  }

  static let policy =
    failed + "Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)\n"

  @Test(arguments: [
    ("AssocMaxSubmitJobLimit", SlurmTranscriptTests.Kind.quota), ("QOSMaxSubmitJobPerUserLimit", .quota),
    ("AssocGrpSubmitJobsLimit", .quota), ("QOSGrpSubmitJobsLimit", .quota),
    ("QOSMaxWallDurationPerJobLimit", .rejected), ("AssocMaxNodePerJobLimit", .rejected),
    ("QOSMinGRES", .rejected),
    ("AssocGrpCpuLimit", .quota), ("SomethingElse", .quota),
  ])
  func policiesAreToldApart(limit: String, kind: SlurmTranscriptTests.Kind) {
    #expect(
      SlurmTranscriptTests.kind(receipt("", "sbatch: error: \(limit)\n" + Self.policy, code: 1)) == kind)
  }
}
