import Foundation
import Testing

@testable import SweepModel

@Suite struct StagingSettingsTests {
  private func rule(_ text: String) throws -> StagingRule {
    try StagingRule.parse(text, option: "--collect", folder: "/data/project")
  }

  @Test(arguments: [
    ("out/*.csv", "out/a.csv", "out/a.csv"), ("out/*.csv:results/{job}/", "out/a.csv", "results/7/a.csv"),
    ("out/**/*.csv:r/", "out/x/a.csv", "r/x/a.csv"), ("out/a.csv:r-{n}.csv", "out/a.csv", "r-5.csv"),
    ("out/a.csv:r/", "out/a.csv", "r/a.csv"), ("out:r/", "out/x/y", "r/out/x/y"),
    ("out:r", "out/x/y", "r/x/y"),
    ("out:.", "out/x", "out/x"), ("out/*:./", "out/x", "x"), ("a\\:b:c", "a:b", "c"),
    ("[[:digit:]]:n/", "5", "n/5"), ("/data/project/in/{n}.dat:in.dat", "in/5.dat", "in.dat"),
  ])
  func filesGoWhereTheRuleSays(text: String, path: String, place: String) throws {
    let resolved = try rule(text).resolved(
      Point([("n", .integer(5))]), job: JobID(rawValue: 7), index: 0)
    let path = try #require(RelativePath(path))
    #expect(resolved.glob.covers(path))
    #expect(resolved.destination(of: path).description == place)
  }

  @Test(arguments: [
    "", ":x", "/etc/passwd", "../x", "x:../y", "x:/tmp/y", "x:", "*.csv:one", "x:a/../b", "{n}/../x",
  ])
  func aRuleThatLeadsElsewhereIsRefused(text: String) {
    #expect { try rule(text) } throws: { error in
      guard let error = error as? QueueError else { return false }
      return error.code == .usage && error.message.hasPrefix("--collect: ") && error.remedy != nil
    }
  }

  @Test(arguments: ["../x", "..", "/etc", "a/../../b"])
  func aValueCannotLeadElsewhere(value: String) throws {
    let point = Point([("n", .text(value))])
    let job = JobID(rawValue: 1)
    #expect(throws: QueueError.self) { try rule("{n}").resolved(point, job: job, index: 0) }
    #expect(throws: QueueError.self) { try rule("x:{n}").resolved(point, job: job, index: 0) }
  }

  @Test func aValueIsNoPattern() throws {
    let resolved = try rule("in/{n}").resolved(Point([("n", .text("*"))]), job: JobID(rawValue: 1), index: 0)
    #expect(resolved.glob.isPlain)
  }

  @Test func aPlaceholderMustBeKnown() throws {
    #expect(throws: QueueError.self) { try rule("{nope}").validate(names: ["n"]) }
    #expect(throws: QueueError.self) { try rule("x:{nope}").validate(names: ["n"]) }
    try rule("{n}:{job}-{index}").validate(names: ["n"])
  }

  @Test func whatIsTheSameForAllJobsIsKnown() throws {
    #expect(try rule("data/*").isCommon)
    #expect(try !rule("{n}.dat").isCommon && !rule("x:{job}").isCommon)
    #expect(try rule("x:{job}").needsJob && !rule("{n}").needsJob)
  }

  @Test func settingsOfAnEarlierVersionAreRead() throws {
    var settings = SweepSettings(workingDirectory: "/w", staging: StagingSettings(isolate: true))
    let whole = try JSONEncoder().encode(settings)
    #expect(try JSONDecoder().decode(SweepSettings.self, from: whole) == settings)
    settings.staging = nil
    let old = try JSONEncoder().encode(settings)
    #expect(!String(decoding: old, as: UTF8.self).contains("staging"))
    #expect(try JSONDecoder().decode(SweepSettings.self, from: old) == settings)
  }
}
