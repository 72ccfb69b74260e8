import SweepModel
import Testing

@Suite struct NextStepTests {
  static let now = Timestamp(rawValue: 1_000_000)
  static let resources = Resources(
    cpus: 2, memory: MemorySize(rawValue: 1000), gpus: 1, time: WallTime(rawValue: 60_000))

  private func step(
    _ outcome: Outcome, failures: Int = 1, losses: Int = 1,
    settings: RetrySettings = RetrySettings(limit: 2, delay: 0),
    reason: String? = "why", cancel: Bool = false, resources: Resources = resources, seed: UInt64 = 1
  ) -> NextStep {
    var generator = SeededGenerator(seed: seed)
    return NextStep.after(
      outcome, failures: failures, losses: losses, resources: resources, settings: settings, reason: reason,
      isCancelRequested: cancel, now: Self.now, random: &generator)
  }

  /// Every outcome against: budget left or used up, hold or retry when lost, losses left or used up, cancel or not.
  @Test(arguments: Outcome.allCases, [false, true]) func everyCombination(outcome: Outcome, cancel: Bool) {
    for onLost in RetrySettings.OnLost.allCases {
      for isSpent in [false, true] {
        for isLostTooOften in [false, true] {
          let settings = RetrySettings(limit: 2, delay: 0, onLost: onLost)
          let step = step(
            outcome, failures: isSpent ? 3 : 2, losses: isLostTooOften ? 21 : 20, settings: settings,
            cancel: cancel)
          let expected: NextStep
          switch outcome {
          case .succeeded: expected = .complete
          case .cancelled: expected = .cancel(reason: "why")
          case _ where cancel:
            expected = .cancel(reason: "cancelled while it was active; its last attempt: why")
          case .rejected: expected = .fail(reason: "why")
          case .failed, .timedOut, .outOfMemory:
            expected =
              isSpent
              ? .fail(reason: "why")
              : .retry(at: nil, resources: Self.resources, charged: true, reason: "why")
          case .lost where onLost == .hold:
            expected = .hold(reason: "why; held as its sweep asks for lost attempts")
          case .lost, .preempted, .nodeFailed, .void:
            expected =
              isLostTooOften
              ? .hold(reason: "why; held after 21 attempts that ended without its fault")
              : .retry(at: nil, resources: Self.resources, charged: false, reason: "why")
          }
          #expect(step == expected)
        }
      }
    }
  }

  @Test func withoutRetriesAFailureIsFinal() {
    #expect(step(.failed, settings: RetrySettings()) == .fail(reason: "why"))
    #expect(step(.failed, settings: RetrySettings(), reason: nil) == .fail(reason: "the command failed"))
  }

  @Test func aChargeIsWhatTheOutcomeSays() {
    for outcome in Outcome.allCases {
      guard case .retry(_, _, let charged, _) = step(outcome) else { continue }
      #expect(charged == outcome.isChargedToRetries)
    }
  }

  @Test func delaysDoubleWithJitterUpToTheMaximum() throws {
    let settings = RetrySettings(limit: 200, delay: 1000, maximumDelay: 60_000)
    for failures in 1...100 {
      var delays: Set<Int64> = []
      for seed in 0..<100 {
        guard
          case .retry(let at?, _, true, _) = step(
            .failed, failures: failures, settings: settings, seed: UInt64(seed))
        else {
          Issue.record("no retry at a time")
          return
        }
        delays.insert(at - Self.now)
      }
      let nominal = min(1000 * Double(sign: .plus, exponent: failures - 1, significand: 1), 60_000 / 1.1)
      #expect(
        delays.allSatisfy {
          Double($0) >= (nominal * 0.9).rounded() && Double($0) <= (nominal * 1.1).rounded()
        })
      #expect(delays.allSatisfy { $0 <= 60_000 })
      #expect(delays.count > 20, "no jitter")
    }
  }

  @Test func extremeDelaysDoNotOverflow() {
    for (delay, maximum) in [(Int64.max, Int64.max), (1, 1), (-5, 10), (10, 0), (Int64.max, 1)]
      as [(Int64, Int64)]
    {
      for failures in [0, 1, 64, 1000] {
        let settings = RetrySettings(limit: 1000, delay: delay, maximumDelay: min(maximum, 1 << 50))
        guard case .retry(let at, _, _, _) = step(.failed, failures: failures, settings: settings) else {
          Issue.record("no retry")
          continue
        }
        if let at {
          #expect(at > Self.now && at - Self.now <= maximum)
        } else {
          #expect(delay <= 0 || maximum <= 0)
        }
      }
    }
  }

  @Test func memoryAndTimeAreRaisedWhereTheyWereShort() {
    let settings = RetrySettings(limit: 2, delay: 0, memoryFactor: 1.5, timeFactor: 2)
    func resources(after outcome: Outcome, _ before: Resources = Self.resources) -> Resources? {
      if case .retry(_, let after, _, _) = step(outcome, settings: settings, resources: before) {
        after
      } else {
        nil
      }
    }
    var more = Self.resources
    more.memory = MemorySize(rawValue: 1500)
    #expect(resources(after: .outOfMemory) == more)
    var longer = Self.resources
    longer.time = WallTime(rawValue: 120_000)
    #expect(resources(after: .timedOut) == longer)
    #expect(resources(after: .failed) == Self.resources)
    #expect(resources(after: .lost) == Self.resources)
    #expect(resources(after: .outOfMemory, Resources()) == Resources())
    #expect(resources(after: .timedOut, Resources()) == Resources())
    let huge = Resources(memory: MemorySize(rawValue: 1 << 60))
    #expect(resources(after: .outOfMemory, huge) == huge)
  }

  @Test func aFactorBelowOneTakesNothingAway() {
    let settings = RetrySettings(limit: 2, delay: 0, memoryFactor: 0.5, timeFactor: .nan)
    for outcome in [Outcome.outOfMemory, .timedOut] {
      #expect(
        step(outcome, settings: settings)
          == .retry(at: nil, resources: Self.resources, charged: true, reason: "why"))
    }
  }
}
