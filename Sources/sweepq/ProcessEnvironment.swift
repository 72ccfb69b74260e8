@preconcurrency import Glibc

/// The environment variables of the process, or a test's own.
struct ProcessEnvironment: Sendable {
  private let lookUp: @Sendable (String) -> String?

  /// Looks each name up when it is asked for: nothing is copied at start.
  static let current = ProcessEnvironment { name in getenv(name).map { String(cString: $0) } }

  init(_ values: [String: String]) { lookUp = { values[$0] } }
  private init(lookUp: @escaping @Sendable (String) -> String?) { self.lookUp = lookUp }

  /// The variable's value; nil where it is unset or empty.
  subscript(name: String) -> String? {
    guard let value = lookUp(name), !value.isEmpty else { return nil }
    return value
  }
}
