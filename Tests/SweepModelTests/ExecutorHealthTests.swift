import SweepModel
import Testing

/// When an executor is set aside, for how long, and what takes it back.
struct ExecutorHealthTests {
  private static let settings: HealthSettings = {
    var settings = HealthSettings()
    settings.asidePause = 100
    settings.asidePauseMax = 500
    return settings
  }()
  private func at(_ milliseconds: Int64) -> Timestamp { Timestamp(rawValue: milliseconds) }

  @Test func onlyFaultsInARowSetItAside() {
    var health = ExecutorHealth()
    for _ in 0..<2 {
      health.noteFault("no room", settings: Self.settings, now: at(1))
      health.noteFault("no room", settings: Self.settings, now: at(2))
      #expect(health.aside == nil && health.faults == 2 && health.room(onTrial: 9) == .max)
      health.noteSuccess(claimedAt: at(0))
      #expect(health == ExecutorHealth())
    }
    for time in 10...12 as ClosedRange<Int64> {
      health.noteFault("no room", settings: Self.settings, now: at(time))
    }
    #expect(health.aside == .init(since: at(12), until: at(112), reason: "no room (3 in a row)"))
    #expect(health.room(onTrial: 0) == 0)
  }

  @Test func thePauseGrowsUpToItsMaximumAndSinceStays() {
    var health = ExecutorHealth()
    var lengths: [Int64] = []
    for time in [0, 100, 300, 700, 1200, 1700] as [Int64] {
      health.setAside("sick", settings: Self.settings, now: at(time))
      lengths.append(health.pause)
      #expect(health.aside?.until == at(time + health.pause))
    }
    #expect(lengths == [100, 200, 400, 500, 500, 500])
    #expect(health.aside?.since == at(0))
  }

  @Test func aMaximumBelowTheFirstPauseIsNone() {
    var settings = HealthSettings()
    settings.asidePause = 1_000
    settings.asidePauseMax = 10
    var health = ExecutorHealth()
    health.setAside("sick", settings: settings, now: at(0))
    health.setAside("sick", settings: settings, now: at(0))
    #expect(health.pause == 1_000)
  }

  @Test func oneJobShowsThatItIsWellAgain() {
    var health = ExecutorHealth()
    health.setAside("sick", settings: Self.settings, now: at(0))
    health.noteSuccess(claimedAt: at(-5))
    #expect(health.aside != nil, "what ran before proves nothing")
    health.takeBack(now: at(100))
    #expect(health.aside == nil && health.trialSince == at(100) && health.pause == 100)
    #expect(health.room(onTrial: 0) == 1 && health.room(onTrial: 1) == 0 && health.room(onTrial: 5) == 0)
    health.noteSuccess(claimedAt: at(50))
    #expect(health.trialSince == at(100), "nor does what was given to it before")
    health.noteSuccess(claimedAt: at(101))
    #expect(health == ExecutorHealth(), "the next pause is the first again")
  }

  @Test func aFaultOnTrialIsOneTooMany() {
    var health = ExecutorHealth()
    health.setAside("sick", settings: Self.settings, now: at(0))
    health.takeBack(now: at(100))
    health.noteFault("still", settings: Self.settings, now: at(150))
    #expect(health.aside == .init(since: at(150), until: at(350), reason: "still"))
    #expect(health.trialSince == nil)
  }

  @Test func whatIsWellIsNotTakenBack() {
    var health = ExecutorHealth()
    health.takeBack(now: at(1))
    #expect(health == ExecutorHealth())
  }

  @Test func whoIsToBlameForACommandThatCannotStart() {
    func isTheHosts(_ change: (inout LaunchRefusal) -> Void) -> Bool {
      var refusal = LaunchRefusal()
      change(&refusal)
      return refusal.isTheHosts
    }
    #expect(!isTheHosts { _ in }, "nobody else could try it")
    #expect(isTheHosts { $0.othersAreAtWork = true })
    #expect(isTheHosts { $0.sweepStartsElsewhere = true }, "also when those have ended")
    #expect(
      !isTheHosts {
        $0.othersAreAtWork = true
        $0.sweepIsRefusedElsewhere = true
      }, "it starts nowhere")
    #expect(
      isTheHosts {
        $0.sweepStartsElsewhere = true
        $0.sweepIsRefusedElsewhere = true
      })
    #expect(
      !isTheHosts {
        $0.sweepStartsElsewhere = true
        $0.isRefusedElsewhere = true
      }, "two refuse this very job")
    #expect(
      isTheHosts {
        $0.sweepStartsElsewhere = true
        $0.earlier = 9
      }, "a host that starts none of its sweep")
    #expect(
      !isTheHosts {
        $0.sweepStartsElsewhere = true
        $0.sweepStartsHere = true
        $0.earlier = 2
      }, "it is this job alone")
    #expect(
      !isTheHosts {
        $0.othersAreAtWork = true
        $0.earlier = 2
      }, "it must come to an end")
  }
}
