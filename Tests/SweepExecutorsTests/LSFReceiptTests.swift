import SweepModel
import Testing

@testable import SweepExecutors

@Suite struct LSFReceiptTests {
  let lava = LSFDialect(flavour: .old, product: "OpenLava", version: "2.2")

  enum Kind { case accepted, rejected, busy, quota, unclear }

  func kind(_ errors: String, _ code: Int32 = 255, output: String = "") -> Kind {
    switch lava.receipt(CommandAnswer(output: output, errors: errors, ending: .exited(code))) {
    case .accepted: .accepted
    case .rejected: .rejected
    case .busy: .busy
    case .quota: .quota
    case .unclear: .unclear
    }
  }

  @Test(arguments: [
    ("nosuch: No such queue. Job not submitted.", Kind.rejected),
    ("Too many processors requested. Job not submitted.", .rejected),
    ("Bad resource requirement syntax. Job not submitted.", .rejected),
    ("abc: Bad RUNLIMIT specification. Job not submitted.", .rejected),
    ("Job array index too large. Job not submitted.", .rejected),
    ("Bad job name. Job not submitted.", .rejected),
    ("Request aborted by esub. Job not submitted.", .rejected),
    ("Connection refused by server. Job not submitted.", .busy),
    ("Request from non-LSF host rejected. Job not submitted.", .busy),
    ("User ann: Pending job threshold reached. Job not submitted.", .quota),
    // No proof that it was not taken.
    (
      "Failed in an LSF library call: Failed in sending/receiving a message: Connection reset by peer."
        + " Job not submitted.", .unclear
    ), ("Something new. Job not submitted.", .unclear), ("", .unclear),
    ("batch system daemon not responding ... still trying", .unclear),
  ])
  func errorsAreClassified(_ text: String, _ expected: Kind) {
    #expect(kind(text + "\n") == expected)
  }

  @Test func theIdLineIsFoundAnywhere() {
    let noisy =
      "Cannot connect to LSF. Please wait ...\nWelcome\n Job <123> is submitted to queue <normal>.\nBye\n"
    for answer in [
      CommandAnswer(output: noisy, ending: .exited(0)), CommandAnswer(errors: noisy, ending: .exited(0)),
      CommandAnswer(output: noisy, ending: .timedOut), CommandAnswer(output: noisy, ending: .exited(6)),
    ] {
      #expect(lava.receipt(answer) == .accepted(NativeID(rawValue: "123")))
    }
    #expect(kind("", 0, output: "Job <0> is submitted to queue <normal>.\n") == .unclear)
    #expect(kind("", 0, output: "Job <123> is sub\n") == .unclear)
    #expect(kind("", 0, output: "Job not submitted.\n") == .unclear)
  }

  @Test func anUnansweredCallIsUnclear() throws {
    // It was taken, and ran when the daemon went on.
    let answer = try RecordedSession("lsf/08-down.txt").answer(to: "timeout 30 bsub -J stopsub true")
    guard case .unclear = lava.receipt(answer) else {
      #expect(Bool(false))
      return
    }
    #expect(lava.receipt(CommandAnswer(ending: .notStarted("no bsub"))) == .busy("no bsub"))
  }

  // MARK: Probes

  func answer(_ errors: String, output: String = "", _ code: Int32 = 0) -> CommandAnswer {
    CommandAnswer(output: output, errors: errors, ending: .exited(code))
  }

  @Test func openLavaIsRecognised() throws {
    let session = try RecordedSession("lsf/01-single.txt")
    let found = LSFDialect.recognised(
      in: [
        try session.answer(to: "bsub -V"), try session.answer(to: "bjobs -V"), answer("", output: "ann\n"),
      ])
    #expect(found == LSFDialect(flavour: .old, product: "OpenLava", version: "2.2", user: "ann"))
    #expect(found?.title == "OpenLava 2.2")
    #expect(LSFDialect.probes().count == 3)
  }

  @Test(arguments: [
    ("IBM Spectrum LSF Standard 10.1.0.9, Dec 16 2019", "IBM Spectrum LSF 10.1.0.9", LSFFlavour.modern, true),
    ("IBM Spectrum LSF 10.1.0.0, Jul 08 2016", "IBM Spectrum LSF 10.1.0.0", .modern, false),
    ("IBM Platform LSF Standard 9.1.3.0, Jul 04 2014", "IBM Platform LSF 9.1.3.0", .modern, false),
    ("Platform LSF 8.0.1, Jun 13 2011", "Platform LSF 8.0.1", .old, false),
    ("Platform LSF HPC 7 Update 6, Sep 04 2009", "Platform LSF 7", .old, false),
  ])
  func releasesAreToldApart(_ line: String, _ title: String, _ flavour: LSFFlavour, _ writesJSON: Bool) {
    let version = answer(line + "\nCopyright International Business Machines Corp. 1992, 2016.\n")
    let found = LSFDialect.recognised(in: [version, version])
    #expect(found?.title == title && found?.flavour == flavour && found?.writesJSON == writesJSON)
  }

  @Test func whatOnlyWearsTheNamesIsNot() {
    let missing = CommandAnswer(ending: .notStarted("no such command"))
    let other = answer("bsub: unknown option -V\n", 1)
    let real = answer("openlava project 2.2, Nov 21 2026\n")
    for answers in [[missing, missing], [other, other], [real, other], [other, real], [real], []] {
      #expect(LSFDialect.recognised(in: answers) == nil)
    }
  }

  // MARK: Limits

  @Test func limitsAreRead() {
    let parameters = """
      System default queues for automatic queue selection:
              DEFAULT_QUEUE = normal
      The period for which finished jobs are kept:
              CLEAN_PERIOD = 3600 (seconds)
      The maximum size of a job array:
              MAX_JOB_ARRAY_SIZE = 1000
      Maximum number of pending jobs: MAX_PEND_JOBS = 5000
      """
    let users = """
      USER/GROUP          JL/P    MAX  NJOBS   PEND    RUN  SSUSP  USUSP    RSV
      ann                    -     64      0      0      0      0      0      0
      default                -      -      -      -      -      -      -      -
      """
    var dialect = lava
    dialect.user = "ann"
    #expect(
      dialect.readLimits([answer("", output: parameters), answer("", output: users)]) == [
        SiteLimit(.finishedListed, name: "CLEAN_PERIOD", value: "3600000"),
        SiteLimit(.arraySize, name: "MAX_JOB_ARRAY_SIZE", value: "1000"),
        SiteLimit(.other, name: "MAX_PEND_JOBS", value: "5000"),
        SiteLimit(.other, name: "job slots of user ann", value: "64"),
      ])
    #expect(dialect.readLimits([answer("Connection refused by server\n", 254)]).isEmpty)
    #expect(dialect.limits().map(\.arguments) == [["bparams", "-l"], ["busers"]])
  }
}
