import Foundation

/// A value that several threads of a test change.
final class Shared<Value: Sendable>: Sendable {
  // A lock that the thread sanitizer knows; it does not see those of Synchronization.
  private let lock = NSLock()
  private nonisolated(unsafe) var value: Value

  init(_ value: Value) { self.value = value }

  func withLock<T: Sendable>(_ body: (inout Value) -> T) -> T {
    lock.withLock { body(&value) }
  }
}
