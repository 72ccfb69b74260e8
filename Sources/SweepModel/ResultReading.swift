/// Results that a job leaves as JSON.
public enum ResultReading {
  /// The largest result file that is read, in bytes.
  public static let byteLimit = 1 << 20
  /// The most values that one job may report.
  public static let valueLimit = 1000
  private static let depthLimit = 64

  /// Reads an object of named values.
  ///
  /// Values of nested objects are named with dots (`test.loss`), lists are kept as JSON text, null is skipped, and
  /// `NaN` and `Infinity` (which Python writes) become text. Of a name that occurs twice the last value counts.
  ///
  /// - Throws: ``QueueError`` with `badData` that says where the text is not such an object, or what is too large.
  public static func fromJSON(_ bytes: [UInt8]) throws -> [(name: String, value: ParameterValue)] {
    guard bytes.count <= byteLimit else {
      throw QueueError(
        .badData, "the results have \(bytes.count) bytes, more than \(byteLimit)",
        remedy: "Write only figures as results, and large data to a file of its own")
    }
    var collector = ResultCollector(bytes: bytes, depthLimit: depthLimit)
    do throws(JSONReader.Failure) {
      return try collector.collect()
    } catch {
      let line = bytes.prefix(error.offset).count { $0 == 0x0A } + 1
      throw QueueError(
        .badData, "the results are not a JSON object of values: \(error.message), line \(line)",
        remedy: "Write them like {\"loss\": 0.1, \"steps\": 100}")
    }
  }
}

private struct ResultCollector {
  private var reader: JSONReader
  private let depthLimit: Int
  private var values: [(name: String, value: ParameterValue)] = []
  private var places: [String: Int] = [:]

  init(bytes: [UInt8], depthLimit: Int) {
    reader = JSONReader(bytes, takesNonFinite: true)
    self.depthLimit = depthLimit
  }

  mutating func collect() throws(JSONReader.Failure) -> [(name: String, value: ParameterValue)] {
    try reader.expect("{")
    try object(prefix: "", depth: 1)
    try reader.expectEnd()
    return values
  }

  /// Reads the members of an object whose brace has been taken.
  private mutating func object(prefix: String, depth: Int) throws(JSONReader.Failure) {
    guard depth <= depthLimit else { throw reader.failure("nested deeper than \(depthLimit)") }
    if reader.take("}") { return }
    repeat {
      reader.skipSpace()
      let name = prefix + (try reader.string())
      try reader.expect(":")
      reader.skipSpace()
      let start = reader.position
      switch try reader.token() {
      case .null: break
      case .string(let text): try add(name, .text(text))
      case .boolean(let value): try add(name, .boolean(value))
      case .number(let digits): try add(name, ParameterValue(measured: digits))
      case .objectStart: try object(prefix: name + ".", depth: depth + 1)
      case .listStart:
        try skipList(depth: depth + 1)
        try add(name, .text(String(decoding: reader.bytes[start..<reader.position], as: UTF8.self)))
      }
    } while reader.take(",")
    try reader.expect("}")
  }

  private mutating func add(_ name: String, _ value: ParameterValue) throws(JSONReader.Failure) {
    if let place = places[name] {
      values[place].value = value
      return
    }
    guard values.count < ResultReading.valueLimit else {
      throw reader.failure("more than \(ResultReading.valueLimit) values")
    }
    places[name] = values.count
    values.append((name, value))
  }

  /// Passes the rest of a list whose bracket has been taken.
  private mutating func skipList(depth: Int) throws(JSONReader.Failure) {
    if reader.take("]") { return }
    repeat { try skipValue(depth: depth) } while reader.take(",")
    try reader.expect("]")
  }

  private mutating func skipValue(depth: Int) throws(JSONReader.Failure) {
    guard depth <= depthLimit else { throw reader.failure("nested deeper than \(depthLimit)") }
    switch try reader.token() {
    case .listStart: try skipList(depth: depth + 1)
    case .objectStart:
      if reader.take("}") { return }
      repeat {
        reader.skipSpace()
        _ = try reader.string()
        try reader.expect(":")
        try skipValue(depth: depth + 1)
      } while reader.take(",")
      try reader.expect("}")
    case .string, .number, .boolean, .null: return
    }
  }
}

extension ParameterValue {
  /// Reads a result: what counts is the number it means, not how it was written, so that `1e-3` is a real here.
  init(measured text: String) {
    let looksNumeric = text.utf8.allSatisfy { "0123456789+-.eE".utf8.contains($0) }
    if looksNumeric, let integer = Int64(text) {
      self = .integer(integer)
    } else if looksNumeric, let real = Double(text), real.isFinite {
      self = .real(real)
    } else {
      self.init(parsing: text)
    }
  }
}
