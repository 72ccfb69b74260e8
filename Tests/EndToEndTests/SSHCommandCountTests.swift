@preconcurrency import Glibc
import Testing

/// What a worker costs the sshd of a host: it may allow few sessions at a time, and count them.
@Suite(.serialized, .enabled(if: getuid() == 0 && Testbed.isThere("ssh", needs: "/usr/sbin/sshd")))
struct SSHCommandCountTests {
  @Test func oneForABatchOfStartsAndOneForAPoll() throws {
    try FarFilesTests.Lab.with { try count($0) }
  }

  private func count(_ lab: FarFilesTests.Lab) throws {
    let jobs = 120
    try lab.sandbox.succeed("submit", "--name", "short", "-p", "n=1..\(jobs)", "--", "/bin/true", "{n}")
    let before = try sessions(lab)
    let run = try lab.sandbox.run("worker", "--backend", "lab", "--until-empty", "--json", deadline: 180)
    #expect(run.exitCode == 0, "\(run.errors)")
    let report = try JSONDocument(run.output)
    #expect(report.succeeded.int == jobs)
    let calls = report.scheduler_calls
    let submits = try #require(calls.submit.int)
    let rounds = try #require(calls.round.int)
    let others = (calls.control.int ?? 0) + (calls.fetch.int ?? 0)
    #expect(submits > 0 && submits <= jobs / 2, "jobs are started many at a time: \(run.output)")
    // Two more when the worker begins: what the host is, and what its scheduler.
    let counted = try sessions(lab) - before
    #expect(counted <= submits + rounds + others + 2, "sshd has started \(counted): \(run.output)")
    #expect(counted >= submits + rounds, "what is counted is what is meant: \(counted), \(run.output)")
    #expect(others == 0, "\(run.output)")
  }

  /// Commands that the host's sshd has started so far, whoever asked for them.
  private func sessions(_ lab: FarFilesTests.Lab) throws -> Int {
    let log = try #require(TextFile.read("\(lab.folder)/log/h1.sshd.out"))
    return log.split(whereSeparator: \.isNewline).count { $0.hasPrefix("Starting session: ") }
  }
}
