/// Points as JSON objects: names in their order, 64-bit integers exact, numbers digit for digit.
extension Point {
  /// The point as the text of a JSON object, without white space.
  public var json: String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(2 + 24 * entries.count)
    bytes.append(UInt8(ascii: "{"))
    for (name, value) in entries {
      if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
      JSONText.appendQuoted(name, to: &bytes)
      bytes.append(UInt8(ascii: ":"))
      JSONText.append(value, to: &bytes)
    }
    bytes.append(UInt8(ascii: "}"))
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Reads a JSON object of numbers, strings and booleans, keeping the order of its names.
  ///
  /// - Throws: ``QueueError`` with `badData` if the text is not such an object, or has a name twice.
  public init(json: String) throws {
    var reader = JSONReader(Array(json.utf8))
    do throws(JSONReader.Failure) {
      self.init(try Self.entries(of: &reader))
    } catch {
      let failure = error
      throw QueueError(
        .badData, "not a JSON object of parameters: \(failure.message) at character \(failure.offset + 1)",
        remedy: "Write it as {\"name\": value, ...} with numbers, strings, true or false")
    }
  }

  private static func entries(
    of reader: inout JSONReader
  ) throws(JSONReader.Failure) -> [(name: String, value: ParameterValue)] {
    var entries: [(name: String, value: ParameterValue)] = []
    try reader.expect("{")
    if !reader.take("}") {
      repeat {
        reader.skipSpace()
        let name = try reader.string()
        guard !entries.contains(where: { $0.name == name }) else {
          throw reader.failure("the name '\(name)' a second time")
        }
        try reader.expect(":")
        entries.append((name, try scalar(of: &reader, name: name)))
      } while reader.take(",")
      try reader.expect("}")
    }
    try reader.expectEnd()
    return entries
  }

  private static func scalar(
    of reader: inout JSONReader, name: String
  ) throws(JSONReader.Failure) -> ParameterValue {
    switch try reader.token() {
    case .string(let text): return .text(text)
    case .number(let text): return ParameterValue.canonicalNumber(text) ?? .text(text)
    case .boolean(let value): return .boolean(value)
    case .null: throw reader.failure("'\(name)' is null")
    case .listStart: throw reader.failure("'\(name)' is a list")
    case .objectStart: throw reader.failure("'\(name)' is an object")
    }
  }
}
