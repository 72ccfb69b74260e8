/// What has been told of late: the same trouble is told every ten seconds at most.
struct ToldTroubles {
  /// When each was told, in milliseconds of the monotonic clock.
  private var told: [String: Int64] = [:]

  mutating func isNews(_ trouble: String) -> Bool {
    let now = monotonicMilliseconds()
    told = told.filter { now - $0.value < 10_000 }
    return told.updateValue(told[trouble] ?? now, forKey: trouble) == nil
  }
}
