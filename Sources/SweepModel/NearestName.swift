/// Suggestions for misspelt names.
package enum NearestName {
  /// The candidate that differs least from `name`, if it is close enough to be meant.
  package static func of(_ name: String, among candidates: [String]) -> String? {
    let ranked = candidates.map {
      (distance: distance(Array(name.lowercased().utf8), Array($0.utf8)), name: $0)
    }
    guard let best = ranked.min(by: { $0.distance < $1.distance }) else { return nil }
    return best.distance <= max(2, name.utf8.count / 3) ? best.name : nil
  }

  /// How many bytes must be inserted, removed or replaced to turn one into the other.
  private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var row = Array(0...b.count)
    for i in a.indices {
      var diagonal = row[0]
      row[0] = i + 1
      for j in b.indices {
        let replaced = diagonal + (a[i] == b[j] ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(replaced, row[j] + 1, diagonal + 1)
      }
    }
    return row[b.count]
  }
}
