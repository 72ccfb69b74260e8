/// One parameter's or result's value.
public enum ParameterValue: Hashable, Sendable, Codable {
  case integer(Int64)
  case real(Double)
  case text(String)
  case boolean(Bool)
}

/// One point of a parameter space: names and values in the order in which they were given. Names are unique.
public struct Point: Hashable, Sendable {
  public var entries: [(name: String, value: ParameterValue)]
  public init(_ entries: [(name: String, value: ParameterValue)]) { self.entries = entries }
  public subscript(name: String) -> ParameterValue? { entries.first { $0.name == name }?.value }

  public static func == (a: Point, b: Point) -> Bool {
    a.entries.elementsEqual(b.entries) { $0.name == $1.name && $0.value == $1.value }
  }
  public func hash(into hasher: inout Hasher) {
    for entry in entries {
      hasher.combine(entry.name)
      hasher.combine(entry.value)
    }
  }
}
